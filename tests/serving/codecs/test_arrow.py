"""Columns arrive as they were sent, and answers leave as columns."""

import datetime as dt
import decimal
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import ipc

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
from serving.codecs.arrow import ArrowAnswer
from serving.codecs.json import JsonCodec
from serving.errors import InvalidRequest, UnencodableResult
from tests.serving.codecs.columnar import FILE, NUMBERS, STREAM, by_name, file, stream
from tests.serving.codecs.v2 import columns

FRAME = columns(
    ("a", DataType.double, True),
    ("b", DataType.long, True),
    ("c", DataType.string, False),
    ("d", DataType.boolean, True),
    ("t", DataType.datetime, True),
    ("x", DataType.binary, True),
    ("l", Array(DataType.long), True),
    ("o", Object((Property("k", DataType.long),)), True),
)
TABLE = pa.table(
    {
        "extra": ["not", "read", "at all"],
        "x": [b"\x00", b"", b"\xff"],
        "a": [0.5, None, float("nan")],
        "b": pa.array([1, 2**62, -3], "int64"),
        "c": ["a", None, "é"],
        "d": [True, False, True],
        "t": pa.array([0, 1_700_000_000_123_456_789, -1], pa.timestamp("ns")),
        "l": [[1], [], [2, 3]],
        "o": [{"k": 1}, {"k": 2}, {"k": 3}],
    }
)
BODIES = {
    "stream": (STREAM, stream(TABLE)),
    "batches": (STREAM, stream(TABLE, rows=1)),
    "lz4": (STREAM, stream(TABLE, packed="lz4")),
    "zstd": (STREAM, stream(TABLE, packed="zstd", rows=2)),
    "parquet": (FILE, file(TABLE)),
    "parquet by groups": (FILE, file(TABLE, row_group_size=1, compression="zstd")),
    "parquet, second version": (FILE, file(TABLE, data_page_version="2.0", compression="gzip")),
}


@pytest.mark.parametrize("name", BODIES)
def test_columns_arrive_as_the_signature_has_them(name: str) -> None:
    codec, body = BODIES[name]
    payload = codec.decode(body, FRAME)
    table = payload.data
    assert isinstance(table, Table)
    assert (payload.rows, list(table.columns)) == (3, ["a", "b", "c", "d", "t", "x", "l", "o"])
    np.testing.assert_array_equal(table.columns["a"], [0.5, np.nan, np.nan])
    for column, wanted in (
        ("b", [1, 2**62, -3]),
        ("c", ["a", None, "é"]),
        ("d", [True, False, True]),
        ("x", [b"\x00", b"", b"\xff"]),
        ("l", [[1], [], [2, 3]]),
        ("o", [{"k": 1}, {"k": 2}, {"k": 3}]),
    ):
        assert table.columns[column].tolist() == wanted
    wanted_times = np.array([0, 1_700_000_000_123_456_789, -1], "datetime64[ns]")
    np.testing.assert_array_equal(table.columns["t"], wanted_times)


def test_numbers_of_the_models_own_type_are_not_copied() -> None:
    body = stream(pa.table({"a": np.arange(1000.0), "b": np.arange(1000)}))
    table = STREAM.decode(body, columns(("a", DataType.double, True), ("b", DataType.long, True))).data
    whole = np.frombuffer(body, "u1")
    for name in "ab":
        assert np.shares_memory(table.columns[name], whole)
        assert table.columns[name].flags.aligned
    wider = STREAM.decode(body, columns(("a", DataType.double, True), ("b", DataType.double, True))).data
    assert not np.shares_memory(wider.columns["b"], whole)
    assert wider.columns["b"].tolist() == list(range(1000))


def test_a_model_may_write_to_its_frame_all_the_same() -> None:
    body = stream(pa.table({"a": np.arange(3.0), "b": ["x", "y", "z"]}))
    signature = columns(("a", DataType.double, True), ("b", DataType.string, True))
    frame = STREAM.decode(body, signature).data.frame()
    frame.loc[:, "a"] += 1
    frame["a"].to_numpy(copy=True)[0] = 7
    assert frame["a"].tolist() == [1.0, 2.0, 3.0]
    assert STREAM.decode(body, signature).data.columns["a"].tolist() == [0.0, 1.0, 2.0]


EXACT: list[tuple[pa.Array, DataType, list[Any]]] = [
    (pa.array([1, 2], "int8"), DataType.long, [1, 2]),
    (pa.array([1, 2], "uint64"), DataType.integer, [1, 2]),
    (pa.array([1.0, 2.0]), DataType.long, [1, 2]),
    (pa.array([1, 2]), DataType.double, [1.0, 2.0]),
    (pa.array([0.5, 2], "float16"), DataType.double, [0.5, 2.0]),
    (pa.array([0.5, 2], "float64"), DataType.float, [0.5, 2.0]),
    (pa.array(["a", "b"], pa.large_string()), DataType.string, ["a", "b"]),
    (pa.array(["a", "a"]).dictionary_encode(), DataType.string, ["a", "a"]),
    (pa.array([b"ab", b"cd"], pa.binary(2)), DataType.binary, [b"ab", b"cd"]),
    (pa.array([True, False]), DataType.boolean, [True, False]),
]


@pytest.mark.parametrize(("array", "type_", "wanted"), EXACT)
def test_another_type_is_fine_when_nothing_changes(array: pa.Array, type_: DataType, wanted: Any) -> None:
    table = STREAM.decode(by_name({"x": array}), columns(("x", type_, True))).data
    assert table.columns["x"].dtype == type_.numpy
    assert table.columns["x"].tolist() == wanted


@pytest.mark.parametrize(
    ("array", "type_"),
    [
        (pa.array([1.5]), DataType.long),
        (pa.array([2**40]), DataType.integer),
        (pa.array([2**53 + 1]), DataType.double),
        (pa.array([0.1]), DataType.float),
        (pa.array([1]), DataType.boolean),
        (pa.array([True]), DataType.long),
        (pa.array(["1"]), DataType.long),
        (pa.array([1]), DataType.string),
        (pa.array(["a"]), DataType.binary),
        (pa.array([1]), DataType.datetime),
        (pa.array([None], "int64"), DataType.long),
        (pa.array([None], pa.string()), DataType.string),
        (pa.nulls(1), DataType.boolean),
        (pa.array([[1, None]]), Array(DataType.long)),
        (pa.array([{"k": "1"}]), Object((Property("k", DataType.long),))),
    ],
    ids=str,
)
def test_what_would_change_is_refused(array: pa.Array, type_: Any) -> None:
    for codec, body in ((STREAM, by_name({"x": array})), (FILE, file(pa.table({"x": array})))):
        with pytest.raises(SchemaMismatch, match="'x'") as raised:
            codec.decode(body, columns(("x", type_, True)))
        assert len(str(raised.value)) <= 300


@pytest.mark.parametrize(
    ("array", "wanted"),
    [
        (pa.array([0, None], pa.timestamp("s")), ["1970-01-01T00:00:00", "NaT"]),
        (pa.array([1], pa.timestamp("us", "Europe/Berlin")), ["1970-01-01T00:00:00.000001"]),
        (pa.array([dt.date(2024, 1, 31)]), ["2024-01-31"]),
    ],
    ids=str,
)
def test_points_in_time_become_utc_to_the_nanosecond(array: pa.Array, wanted: list[str]) -> None:
    for signature in (Signature(), columns(("t", DataType.datetime, False))):
        times = STREAM.decode(by_name({"t": array}), signature).data.columns["t"]
        np.testing.assert_array_equal(times, np.array(wanted, "datetime64[ns]"))


def test_maps_and_anything_arrive_too() -> None:
    maps = pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64()))
    signature = columns(("m", Map(DataType.long), True), ("z", AnyType(), True))
    table = STREAM.decode(by_name({"m": maps, "z": ["t", None]}), signature).data
    assert table.columns["m"].tolist() == [{"a": 1}, {}]
    twice = pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int64()))
    with pytest.raises(InvalidRequest, match="twice"):
        STREAM.decode(by_name({"m": twice}), columns(("m", Map(DataType.long), True)))


def test_tensors_may_come_as_columns() -> None:
    matrix = Signature(inputs=Schema((TensorSpec(np.dtype("float64"), (-1, 2)),)))
    data = STREAM.decode(stream(NUMBERS), matrix).data
    np.testing.assert_array_equal(data, np.column_stack([np.arange(50.0), np.arange(50.0)]))
    with pytest.raises(SchemaMismatch):
        STREAM.decode(stream(NUMBERS.select(["a"])), matrix)


def test_without_a_signature_columns_arrive_as_they_are() -> None:
    body = by_name({"a": [0.5, None], "b": pa.array([1, None], "int32"), "c": ["x", None]})
    table = STREAM.decode(body, Signature()).data
    np.testing.assert_array_equal(table.columns["a"], [0.5, np.nan])
    assert table.columns["b"].tolist() == [1, None]
    assert table.columns["c"].tolist() == ["x", None]


def test_columns_without_names_in_the_signature_are_taken_in_order() -> None:
    signature = Signature(inputs=Schema((ColumnSpec(DataType.double), ColumnSpec(DataType.long))))
    assert [one.tolist()[:2] for one in STREAM.decode(stream(NUMBERS), signature).data.columns.values()] == [
        [0.0, 1.0],
        [0, 1],
    ]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([dt.timedelta(1)]),
        pa.array([dt.time(1)]),
        pa.array(["a"], pa.string_view()),
        pa.RunEndEncodedArray.from_arrays(pa.array([3], "int32"), pa.array([1.0])),
        pa.array([[1]], pa.list_view(pa.int64())),
        pa.UnionArray.from_dense(pa.array([0], "int8"), pa.array([0], "int32"), [pa.array([1])]),
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16], pa.binary(16))),
    ],
    ids=lambda array: str(array.type),
)
def test_a_type_without_a_counterpart_is_refused(array: pa.Array) -> None:
    with pytest.raises(InvalidRequest, match="column 'x'"):
        STREAM.decode(by_name({"x": array}), Signature())


def test_what_is_no_body_of_columns_is_refused() -> None:
    for codec in (STREAM, FILE):
        for body in (b"", b"{}", b"ARROW1\0\0", b"PAR1", b"PAR1PAR1", b"\xff" * 100, bytes(100)):
            with pytest.raises(InvalidRequest):
                codec.decode(body, Signature())
    with pytest.raises(InvalidRequest):
        STREAM.decode(file(NUMBERS), Signature())
    with pytest.raises(InvalidRequest):
        FILE.decode(stream(NUMBERS), Signature())
    with pytest.raises(InvalidRequest, match="behind the end"):
        STREAM.decode(stream(NUMBERS) + b"more", Signature())
    with pytest.raises(SchemaMismatch, match="twice"):
        STREAM.decode(stream(pa.Table.from_arrays([[1], [2]], names=["a", "a"])), Signature())


def test_the_models_parameters_keep_their_defaults() -> None:
    signature = Signature(params=(ParamSpec("scale", DataType.double, 1.5),))
    assert STREAM.decode(stream(NUMBERS), signature).params == {"scale": 1.5}


def answered(result: Any, outputs: Schema | None = None) -> pa.Table:
    codec = ArrowAnswer(JsonCodec(coerce="lossless", depth_limit=64))
    payload = codec.decode(b'{"inputs": [1]}', Signature(outputs=outputs))
    assert payload.rows == 1
    return ipc.open_stream(codec.encode(result)).read_all()


@pytest.mark.parametrize(
    ("result", "wanted"),
    [
        (np.array([1.5, np.nan]), {"predictions": [1.5, pytest.approx(np.nan, nan_ok=True)]}),
        (np.array([1, 2], "int8"), {"predictions": [1, 2]}),
        (np.array([True, False, True]), {"predictions": [True, False, True]}),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), {"predictions": [[1.0, 2.0], [3.0, 4.0]]}),
        (np.array(["a", "é"]), {"predictions": ["a", "é"]}),
        (["a", None], {"predictions": ["a", None]}),
        ([1, None], {"predictions": [1, None]}),
        ([b"\xff"], {"predictions": [b"\xff"]}),
        ([[1], [2, 3]], {"predictions": [[1], [2, 3]]}),
        ([{"k": 1}], {"predictions": [{"k": 1}]}),
        (3.5, {"predictions": [3.5]}),
        (pd.DataFrame({"p": [0.5], "q": ["x"]}), {"p": [0.5], "q": ["x"]}),
        (pd.Series([1, None], dtype="Int64", name="y"), {"y": [1, None]}),
        ({"u": np.ones(2), "v": np.zeros(2, "int32")}, {"u": [1.0, 1.0], "v": [0, 0]}),
        (np.empty((0, 2)), {"predictions": []}),
        (np.array(["2024-01-31"], "datetime64[D]"), {"predictions": [pd.Timestamp("2024-01-31")]}),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_answers_are_columns(result: Any, wanted: dict[str, list[Any]]) -> None:
    assert answered(result).to_pydict() == wanted


def test_the_signature_names_what_has_no_name() -> None:
    outputs = Schema((ColumnSpec(DataType.double, "p"), ColumnSpec(DataType.double, "q")))
    assert answered(np.array([[1.0, 2.0]]), outputs).to_pydict() == {"p": [1.0], "q": [2.0]}


@pytest.mark.parametrize(
    "result",
    [[object()], np.array([1j]), {"u": np.ones(1), "v": np.ones(2)}, [1, "a"]],
    ids=["object", "complex", "lengths", "kinds"],
)
def test_an_answer_without_a_form_is_said_to_be_so(result: Any) -> None:
    with pytest.raises(UnencodableResult):
        answered(result)


def test_decimals_go_both_ways() -> None:
    values = [decimal.Decimal("1.50"), None]
    assert answered(values).to_pydict() == {"predictions": values}


HIDING = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
"""
ASKING = """
import serving.app
from modelpack.schema import Signature
from serving.codecs import by_media_type
from serving.codecs.arrow import ArrowAnswer
codecs = by_media_type(coerce="lossless", depth_limit=64)
assert "pyarrow" not in sys.modules
json = codecs["application/json"]
columnar = [codecs[f"application/vnd.apache.{name}"] for name in ("arrow.stream", "parquet")]
for codec in (*columnar, ArrowAnswer(json)):
    try:
        codec.decode(b'{"inputs": [1]}', Signature())
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_pyarrow_is_loaded_with_the_first_body_and_missed_by_name() -> None:
    hidden = HIDING + "sys.meta_path.insert(0, Hidden())" + ASKING
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=True)
    line = (
        'ArrowMissing this kind of body needs pyarrow, which is not installed: pip install "modelpack[arrow]"'
    )
    assert done.stdout.splitlines() == [line] * 3
    there = subprocess.run(
        [sys.executable, "-c", HIDING + ASKING], capture_output=True, text=True, check=True
    )
    assert [said.split()[0] for said in there.stdout.splitlines()] == ["InvalidRequest"] * 2
