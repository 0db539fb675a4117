"""Answers say all that the model said."""

import json
import struct
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelpack.schema import (
    ColumnSpec,
    DataType,
    Schema,
    Signature,
    Table,
    TensorSpec,
)
from serving.errors import InvalidRequest, UnencodableResult
from tests.serving.codecs.v2 import ANY, codec, length_prefixed, tensor


def answer(result: Any, *, outputs: Schema | None = None, **more: Any) -> tuple[dict[str, Any], bytes]:
    """The JSON of the answer to a request, and the bytes behind it."""
    one = codec()
    body = json.dumps({"inputs": [tensor("x", "FP32", [1.0])], **more}).encode()
    one.decode(body, Signature(outputs=outputs))
    content = one.encode(result)
    length = one.answer_header_length
    return json.loads(content[:length]), content[length:] if length is not None else b""


def described(output: dict[str, Any]) -> tuple[Any, ...]:
    content_type = output["parameters"].get("content_type")
    return output["name"], output["datatype"], output["shape"], output.get("data"), content_type


def test_an_answer_repeats_whose_it_is() -> None:
    head, _ = answer(np.array([1.5]), id="a\r\nX: 1")
    assert (head["model_name"], head["model_version"], head["id"]) == ("m", "3", "a\r\nX: 1")
    assert head["parameters"] == {"content_type": "np"}
    body = json.dumps({"inputs": [tensor("x", "FP32", [1.0])]}).encode()
    anonymous = codec(version="")
    anonymous.decode(body, ANY)
    assert set(json.loads(anonymous.encode([1]))) == {"model_name", "parameters", "outputs"}


NANO = np.datetime64("2024-01-31T00:00:00.000000001", "ns")


@pytest.mark.parametrize(
    ("result", "wanted"),
    [
        (np.array([1.5, np.nan, np.inf]), ("output-0", "FP64", [3], [1.5, None, None], "np")),
        (np.array([0.1], "float32"), ("output-0", "FP32", [1], [0.1], "np")),
        (np.array([[1, 2], [3, 4]], "int8"), ("output-0", "INT8", [2, 2], [1, 2, 3, 4], "np")),
        (np.array([[1, 2], [3, 4]]).T, ("output-0", "INT64", [2, 2], [1, 3, 2, 4], "np")),
        (np.array([1.5], "float16"), ("output-0", "FP16", [1], [1.5], "np")),
        (np.array([1, 2], ">i4"), ("output-0", "INT32", [2], [1, 2], "np")),
        (np.array([2**64 - 1], "uint64"), ("output-0", "UINT64", [1], [2**64 - 1], "np")),
        (np.array([True, False]), ("output-0", "BOOL", [2], [True, False], "np")),
        (np.array(["a", "é"]), ("output-0", "BYTES", [2], ["a", "é"], "str")),
        (np.array([b"\xff"]), ("output-0", "BYTES", [1], ["/w=="], "base64")),
        (np.array([NANO]), ("output-0", "BYTES", [1], ["2024-01-31T00:00:00.000000001"], "datetime")),
        (np.float64(1.5), ("output-0", "FP64", [1], [1.5], "np")),
        (7, ("output-0", "INT64", [1], [7], "np")),
        ("yes", ("output-0", "BYTES", [1], ["yes"], "str")),
        ([1, 2.5, None], ("output-0", "FP64", [3], [1, 2.5, None], "np")),
        ([1, None], ("output-0", "INT64", [2], [1, None], "np")),
        ([True, None], ("output-0", "BOOL", [2], [True, None], "np")),
        ([[1, 2], [3, 4]], ("output-0", "INT64", [2, 2], [1, 2, 3, 4], "np")),
        ([[1], [2, 3]], ("output-0", "BYTES", [2], ["[1]", "[2,3]"], "pd_json")),
        (["a", None, float("nan")], ("output-0", "BYTES", [3], ["a", None, None], "str")),
        (["a", 1], ("output-0", "BYTES", [2], ['"a"', "1"], "pd_json")),
        ([2**70], ("output-0", "BYTES", [1], None, "pd_json")),
        ([{"k": 1}], ("output-0", "BYTES", [1], ['{"k":1}'], "pd_json")),
        ([np.array([1, 2]), np.array([3, 4])], ("output-0", "INT64", [2, 2], [1, 2, 3, 4], "np")),
        ([], ("output-0", "BYTES", [0], [], "str")),
        (np.empty((0, 3)), ("output-0", "FP64", [0, 3], [], "np")),
        (pd.Series([1, 2], name="y"), ("y", "INT64", [2], [1, 2], "np")),
        (pd.Series(["u", None]), ("output-0", "BYTES", [2], ["u", None], "str")),
        (pd.Series([1, None], dtype="Int64"), ("output-0", "INT64", [2], [1, None], "np")),
        (pd.Series(["u", "v"], dtype="category"), ("output-0", "BYTES", [2], ["u", "v"], "str")),
        (
            pd.Series(pd.to_datetime(["2024-01-31T02:00+02:00"])),
            ("output-0", "BYTES", [1], ["2024-01-31T00:00:00.000000000"], "datetime"),
        ),
        (pd.DataFrame({"y": [1.5]}), ("y", "FP64", [1], [1.5], "np")),
        ({"y": [True]}, ("y", "BOOL", [1], [True], "np")),
        (Table({0: np.array([1])}, 1), ("0", "INT64", [1], [1], "np")),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_every_answer_has_its_tensors(result: Any, wanted: tuple[Any, ...]) -> None:
    if wanted[3] is None:
        with pytest.raises(UnencodableResult):
            answer(result)
        return
    head, rest = answer(result)
    (output,) = head["outputs"]
    assert described(output) == wanted
    assert rest == b""


@pytest.mark.parametrize(
    "result",
    [
        np.array([1j]),
        np.array([1], "timedelta64[s]"),
        np.array([1.5], np.longdouble),
        [object()],
        pd.DataFrame([[1, 2]], columns=["y", "y"]),
    ],
    ids=["complex", "span", "long double", "object", "twice"],
)
def test_an_answer_without_a_form_is_said_to_be_so(result: Any) -> None:
    with pytest.raises(UnencodableResult):
        answer(result)


def test_a_frame_is_answered_column_by_column() -> None:
    frame = pd.DataFrame({"p": [0.5, 1.5], "q": ["u", "v"], 3: [1, 2]})
    head, _ = answer(frame)
    assert [described(one) for one in head["outputs"]] == [
        ("p", "FP64", [2], [0.5, 1.5], "np"),
        ("q", "BYTES", [2], ["u", "v"], "str"),
        ("3", "INT64", [2], [1, 2], "np"),
    ]
    assert head["parameters"] == {"content_type": "pd"}


def test_the_signature_names_what_has_no_name() -> None:
    one = Schema((TensorSpec(np.dtype("float64"), (-1,), "score"),))
    assert answer([0.5], outputs=one)[0]["outputs"][0]["name"] == "score"
    two = Schema((ColumnSpec(DataType.double, "p"), ColumnSpec(DataType.double, "q")))
    head, _ = answer(np.array([[1.0, 2.0], [3.0, 4.0]]), outputs=two)
    assert [(one["name"], one["data"]) for one in head["outputs"]] == [("p", [1.0, 3.0]), ("q", [2.0, 4.0])]
    assert answer(np.array([1.0]), outputs=two)[0]["outputs"][0]["name"] == "output-0"


def test_outputs_come_as_they_are_asked_for() -> None:
    frame = pd.DataFrame({"p": [0.5], "q": ["uv"], "r": [7]})
    raw = {"binary_data": True}
    head, rest = answer(frame, parameters={"binary_data_output": True})
    sizes = [one["parameters"]["binary_data_size"] for one in head["outputs"]]
    assert sizes == [8, 6, 8]
    assert rest == struct.pack("<d", 0.5) + length_prefixed(b"uv") + struct.pack("<q", 7)
    body = {
        "inputs": [tensor("x", "FP32", [1.0])],
        "outputs": [{"name": "r"}, {"name": "p", "parameters": raw}],
    }
    one = codec()
    one.decode(json.dumps(body).encode(), ANY)
    content = one.encode(frame)
    assert one.answer_header_length is not None
    head = json.loads(content[: one.answer_header_length])
    assert [output["name"] for output in head["outputs"]] == ["r", "p"]
    assert head["outputs"][0]["data"] == [7]
    assert content[one.answer_header_length :] == struct.pack("<d", 0.5)


def test_an_unknown_output_is_named() -> None:
    body = {"inputs": [tensor("x", "FP32", [1.0])], "outputs": [{"name": "z"}]}
    one = codec()
    one.decode(json.dumps(body).encode(), ANY)
    with pytest.raises(InvalidRequest, match="no output 'z'; there are output-0"):
        one.encode([1.0])


@pytest.mark.parametrize("result", [["a", None], [1, None], pd.Series([True, None], dtype="boolean")])
def test_raw_tensors_have_no_word_for_a_missing_value(result: Any) -> None:
    with pytest.raises(InvalidRequest, match="missing values"):
        answer(result, parameters={"binary_data_output": True})
    head, rest = answer([1.5, None], parameters={"binary_data_output": True})
    assert np.isnan(np.frombuffer(rest)[1])
    assert head["outputs"][0]["shape"] == [2]


def test_a_codec_that_has_read_nothing_answers_nothing() -> None:
    with pytest.raises(RuntimeError):
        codec().encode([1])
