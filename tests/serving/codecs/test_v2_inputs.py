"""Tensors arrive as what the model takes."""

import json
from typing import Any

import numpy as np
import pytest

from modelpack.errors import SchemaMismatch
from modelpack.schema import (
    AnyType,
    Array,
    ColumnSpec,
    DataType,
    Map,
    Object,
    ParamSpec,
    Property,
    Schema,
    Signature,
    Table,
    TensorSpec,
)
from tests.serving.codecs.v2 import ANY, binary, codec, columns, length_prefixed, read, refusal, tensor

FRAME = columns(
    ("a", DataType.double, True),
    ("b", DataType.long, True),
    ("c", DataType.string, True),
    ("d", DataType.boolean, True),
    ("t", DataType.datetime, True),
    ("x", DataType.binary, True),
)
ROWS = {
    "a": ("FP64", [1.5, 2.0], {}),
    "b": ("INT32", [1, 2], {}),
    "c": ("BYTES", ["u", "v"], {"content_type": "str"}),
    "d": ("BOOL", [True, False], {}),
    "t": ("BYTES", ["2024-01-31", "2024-01-31T12:00:00+02:00"], {"content_type": "datetime"}),
    "x": ("BYTES", ["AAE=", ""], {"content_type": "base64"}),
}


@pytest.mark.parametrize("shape", [[2], [2, 1]], ids=str)
@pytest.mark.parametrize("content_type", [None, "pd"])
def test_a_frame_comes_as_one_tensor_for_each_column(shape: list[int], content_type: str | None) -> None:
    inputs = [
        tensor(name, kind, data, shape, **parameters) for name, (kind, data, parameters) in ROWS.items()
    ]
    more: dict[str, Any] = {"parameters": {"content_type": content_type}} if content_type else {}
    table = read([*reversed(inputs), tensor("extra", "FP32", [7.0] * 3)], FRAME, **more)
    assert isinstance(table, Table)
    assert table.rows == 2
    assert list(table.columns) == ["a", "b", "c", "d", "t", "x"]
    assert {name: values.tolist() for name, values in table.columns.items() if name != "t"} == {
        "a": [1.5, 2.0],
        "b": [1, 2],
        "c": ["u", "v"],
        "d": [True, False],
        "x": [b"\x00\x01", b""],
    }
    assert table.columns["t"].tolist() == np.array(["2024-01-31", "2024-01-31T10"], "datetime64[ns]").tolist()


def test_raw_bytes_mean_what_the_column_says() -> None:
    signature = columns(
        ("c", DataType.string, True), ("t", DataType.datetime, True), ("x", DataType.binary, True)
    )
    body, length = binary(
        [
            ("c", "BYTES", [1], length_prefixed("é".encode())),
            ("t", "BYTES", [1], length_prefixed(b"2024-01-31T00:00:00")),
            ("x", "BYTES", [1], length_prefixed(b"\xff\x00")),
        ]
    )
    table = codec(length).decode(body, signature).data
    assert table.columns["c"].tolist() == ["é"]
    assert table.columns["x"].tolist() == [b"\xff\x00"]
    assert table.columns["t"][0] == np.datetime64("2024-01-31")


def test_raw_text_must_be_utf_8() -> None:
    body, length = binary([("c", "BYTES", [2], length_prefixed(b"ok", b"\xff"))])
    with pytest.raises(SchemaMismatch, match=r"row 1: expected UTF-8, got 1 bytes"):
        codec(length).decode(body, columns(("c", DataType.string, True)))


def test_text_in_json_is_not_bytes_unless_it_says_how() -> None:
    signature = columns(("x", DataType.binary, True))
    assert "base64" in refusal([tensor("x", "BYTES", ["AAE="])], signature)
    assert read([tensor("x", "BYTES", ["AAE="])], signature, parameters={"content_type": "base64"}).columns[
        "x"
    ].tolist() == [b"\x00\x01"]
    assert "base64" in refusal([tensor("x", "BYTES", ["A?="], content_type="base64")], signature)
    lenient = read([tensor("x", "BYTES", ["AAE="])], signature, coerce="mlflow")
    assert lenient.columns["x"].tolist() == [b"AAE="]


@pytest.mark.parametrize(
    ("type_", "datatype", "value"),
    [
        (DataType.long, "FP64", 1.5),
        (DataType.long, "BYTES", "1"),
        (DataType.integer, "INT64", 2**31),
        (DataType.double, "INT64", 2**53 + 1),
        (DataType.double, "BOOL", True),
        (DataType.float, "FP64", 0.1),
        (DataType.boolean, "INT8", 1),
        (DataType.string, "INT64", 1),
        (DataType.datetime, "INT64", 1),
        (DataType.datetime, "BYTES", "yesterday"),
        (DataType.binary, "UINT8", 1),
    ],
)
def test_a_column_of_another_type_is_refused_when_it_would_change(
    type_: DataType, datatype: str, value: Any
) -> None:
    assert "'x'" in refusal([tensor("x", datatype, [value])], columns(("x", type_, True)))


@pytest.mark.parametrize(
    ("type_", "datatype", "value", "wanted"),
    [
        (DataType.double, "INT64", 2**53, float(2**53)),
        (DataType.double, "FP16", 0.5, 0.5),
        (DataType.long, "FP32", 2.0, 2),
        (DataType.integer, "UINT8", 200, 200),
        (DataType.float, "FP64", 0.5, 0.5),
    ],
)
def test_another_datatype_is_fine_when_nothing_changes(
    type_: DataType, datatype: str, value: Any, wanted: Any
) -> None:
    table = read([tensor("x", datatype, [value])], columns(("x", type_, True)))
    assert table.columns["x"].dtype == type_.numpy
    assert table.columns["x"].tolist() == [wanted]


def test_null_is_a_missing_value_where_one_may_be() -> None:
    signature = columns(
        ("a", DataType.double, True), ("b", DataType.long, False), ("c", DataType.string, False)
    )
    table = read(
        [tensor("a", "FP64", [None, 1]), tensor("b", "INT64", [None, 7]), tensor("c", "BYTES", [None, "u"])],
        signature,
    )
    assert np.isnan(table.columns["a"][0])
    assert table.columns["b"].tolist() == [None, 7]
    assert table.columns["c"].tolist() == [None, "u"]
    assert "nothing" in refusal([tensor("b", "INT64", [None])], columns(("b", DataType.long, True)))
    tensors = Signature(inputs=Schema((TensorSpec(np.dtype("float64"), (-1,)),)))
    assert "masked" in refusal([tensor("x", "FP64", [None])], tensors)


def test_columns_are_as_long_as_one_another() -> None:
    signature = columns(("a", DataType.double, True), ("b", DataType.double, True))
    message = refusal([tensor("a", "FP64", [1.0]), tensor("b", "FP64", [1.0, 2.0])], signature)
    assert message == "column 'b': expected 1 rows, as 'a' has, got 2"


@pytest.mark.parametrize("shape", [[1, 2], [2, 1, 1], []], ids=str)
def test_a_column_has_one_value_for_each_row(shape: list[int]) -> None:
    data = [1.0] if shape == [] else [1.0, 2.0]
    assert "[n] or [n, 1]" in refusal(
        [tensor("a", "FP64", data, shape)], columns(("a", DataType.double, True))
    )


def test_a_missing_column_is_named() -> None:
    assert "'a'" in refusal([tensor("zz", "FP64", [1.0])], columns(("a", DataType.double, True)))


def test_lists_and_objects_have_two_forms() -> None:
    signature = columns(
        ("v", Array(DataType.double), True),
        ("w", Array(DataType.string), True),
        ("o", Object((Property("k", DataType.long), Property("at", DataType.datetime))), True),
        ("m", Map(DataType.long), True),
        ("z", AnyType(), True),
    )
    texts = ['{"k": 1, "at": "2024-01-31"}', '{"k": 2, "at": "2024-02-01"}']
    table = read(
        [
            tensor("v", "FP32", [[1, 2], [3, 4]], [2, 2]),
            tensor("w", "BYTES", ['["a"]', '["b", "c"]'], [2, 1], content_type="pd_json"),
            tensor("o", "BYTES", texts),
            tensor("m", "BYTES", ['{"a": 1}', "{}"]),
            tensor("z", "BYTES", ["[1]", '"t"'], content_type="pd_json"),
        ],
        signature,
    )
    assert table.columns["v"].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert table.columns["w"].tolist() == [["a"], ["b", "c"]]
    assert table.columns["o"].tolist()[0] == {"k": 1, "at": np.datetime64("2024-01-31")}
    assert table.columns["m"].tolist() == [{"a": 1}, {}]
    assert table.columns["z"].tolist() == [[1], "t"]
    words = read([tensor("w", "BYTES", ["a", "b"], [1, 2])], columns(("w", Array(DataType.string), True)))
    assert words.columns["w"].tolist() == [["a", "b"]]
    days = ["2024-01-31", "2024-02-01"]
    times = read([tensor("w", "BYTES", days, [1, 2])], columns(("w", Array(DataType.datetime), True)))
    assert times.columns["w"].tolist() == [[np.datetime64(day, "ns") for day in days]]


@pytest.mark.parametrize("text", ["{", '{"k": 1, "k": 2}', '{"k": "1"}', "[1]", "NaN"])
def test_objects_in_json_text_are_held_to_their_type(text: str) -> None:
    refusal([tensor("o", "BYTES", [text])], columns(("o", Object((Property("k", DataType.long),)), True)))


def test_columns_without_names_come_in_their_order() -> None:
    signature = Signature(inputs=Schema((ColumnSpec(DataType.double), ColumnSpec(DataType.long))))
    expected = {"u": [1.5], "v": [2]}
    table = read([tensor("u", "FP64", [1.5]), tensor("v", "INT64", [2])], signature)
    assert {name: cells.tolist() for name, cells in table.columns.items()} == expected
    table = read([tensor("input-1", "INT64", [2]), tensor("input-0", "FP64", [1.5])], signature)
    assert [cells.tolist() for cells in table.columns.values()] == [[1.5], [2]]
    table = read([tensor("x", "FP64", [[1.5, 2.0], [3.5, 4.0]], [2, 2])], signature)
    assert [cells.tolist() for cells in table.columns.values()] == [[1.5, 3.5], [2, 4]]
    assert "2 columns" in refusal([tensor("u", "FP64", [1.5])], signature)


UNNAMED = Signature(inputs=Schema((TensorSpec(np.dtype("float64"), (-1, 2)),)))


def test_the_one_tensor_of_a_model_comes_under_any_name() -> None:
    assert read([tensor("whatever", "FP32", [1, 2], [1, 2])], UNNAMED).tolist() == [[1.0, 2.0]]
    assert "[-1, 2]" in refusal([tensor("x", "FP32", [1, 2], [2, 1])], UNNAMED)


def test_the_one_tensor_of_a_model_may_come_in_columns() -> None:
    both = [tensor("u", "FP64", [1, 3]), tensor("v", "INT32", [2, 4])]
    for parameters in ({}, {"content_type": "pd"}):
        assert read(both, UNNAMED, parameters=parameters).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    one = Signature(inputs=Schema((TensorSpec(np.dtype("float64"), (-1, 1)),)))
    assert read([tensor("u", "FP64", [1, 3])], one, parameters={"content_type": "pd"}).tolist() == [
        [1.0],
        [3.0],
    ]


def test_named_tensors_come_by_their_names() -> None:
    signature = Signature(
        inputs=Schema(
            (
                TensorSpec(np.dtype("float32"), (-1,), "a"),
                TensorSpec(np.dtype("str"), (-1, 2), "b"),
                TensorSpec(np.dtype("datetime64[ns]"), (-1,), "t"),
                TensorSpec(np.dtype("S"), (-1,), "x"),
            )
        )
    )
    inputs = [
        tensor("b", "BYTES", ["u", "v"], [1, 2]),
        tensor("a", "INT8", [1]),
        tensor("t", "BYTES", ["2024-01-31"]),
        tensor("x", "BYTES", ["AQ=="], content_type="base64"),
    ]
    got = read(inputs, signature)
    assert got["a"].dtype == np.float32
    assert got["b"].tolist() == [["u", "v"]]
    assert got["t"][0] == np.datetime64("2024-01-31")
    assert got["x"].tolist() == [b"\x01"]
    assert "absent" in refusal(inputs[:2], signature)


def test_without_a_signature_the_content_type_tells() -> None:
    a, b = tensor("a", "FP64", [1.5, None]), tensor("b", "BYTES", ["u", "v"])

    def ask(content_type: str | None, *inputs: Any) -> Any:
        more: dict[str, Any] = {"parameters": {"content_type": content_type}} if content_type else {}
        return read(list(inputs), ANY, **more)

    table = ask("pd", a, b)
    assert isinstance(table, Table)
    np.testing.assert_array_equal(table.columns["a"], [1.5, np.nan])
    assert table.columns["b"].tolist() == ["u", "v"]
    np.testing.assert_array_equal(ask("np", a), [1.5, np.nan])
    np.testing.assert_array_equal(ask(None, a), [1.5, np.nan])
    assert set(ask("dict", a)) == {"a"}
    assert set(ask(None, a, b)) == {"a", "b"}
    assert ask("base64", tensor("b", "BYTES", ["AQ=="])).tolist() == [b"\x01"]
    assert "np takes one" in refusal([a, b], parameters={"content_type": "np"})
    matrix = ask("pd", tensor("v", "INT64", [1, 2, 3, 4], [2, 2]))
    assert matrix.columns["v"].tolist() == [[1, 2], [3, 4]]


def test_a_content_type_of_texts_on_numbers_is_refused() -> None:
    assert "BYTES" in refusal([tensor("a", "FP64", [1.5], content_type="str")])


PARAMS = Signature(
    inputs=UNNAMED.inputs,
    params=(ParamSpec("scale", DataType.double, 1.0), ParamSpec("priority", DataType.long, 0)),
)


def test_parameters_reach_the_model_and_the_protocols_own_do_not() -> None:
    inputs = [tensor("x", "FP32", [1, 2], [1, 2])]

    def params(signature: Signature, **given: Any) -> Any:
        body = json.dumps({"inputs": inputs, "parameters": given}).encode()
        return codec().decode(body, signature).params

    assert params(PARAMS) == {"scale": 1.0, "priority": 0}
    own = {"timeout": 5, "triton_x": 1, "binary_data_output": True, "sequence_id": 7, "headers": {}}
    assert params(PARAMS, scale=3, priority=7, **own) == {"scale": 3.0, "priority": 7}
    assert params(UNNAMED, priority=7) == {}
    with pytest.raises(SchemaMismatch, match="scal"):
        params(PARAMS, scal=3)
    with pytest.raises(SchemaMismatch, match="scale"):
        params(PARAMS, scale="3")
