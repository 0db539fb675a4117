"""Python values held to a schema: the whole matrix of what passes and what is refused."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from modelpack.errors import SchemaMismatch
from modelpack.schema import (
    AnyType,
    Array,
    Coerce,
    ColumnSpec,
    ColumnType,
    DataType,
    Map,
    Object,
    Property,
    Schema,
    Table,
    TensorSpec,
    enforce,
)

NAN = float("nan")
NOON = datetime(2024, 1, 2, 12)  # noqa: DTZ001 - columns know no zone
BERLIN = timezone(timedelta(hours=1))
ALL = list(DataType)


def objects(*values: object) -> pd.Series:
    return pd.Series(list(values), dtype=object)


def column(
    series: pd.Series, type_: ColumnType, *, required: bool = True, coerce: Coerce = "lossless"
) -> Any:
    schema = Schema((ColumnSpec(type_, "a", required),))
    table = enforce(pd.DataFrame({"a": series}), schema, coerce=coerce)
    assert isinstance(table, Table)
    return table.columns["a"]


B, I, L, F, D, S, X, T = ALL  # noqa: E741 - a matrix is read by its letters

# What arrives, the types that take it, and what the column then holds.
TAKEN: list[tuple[str, pd.Series, list[DataType], list[Any]]] = [
    ("bool", pd.Series([True, False]), [B], [True, False]),
    ("boolean", pd.Series([True, False], dtype="boolean"), [B], [True, False]),
    ("object bools", objects(True, np.False_), [B], [True, False]),
    *((d, pd.Series([1, 100], dtype=d), [I, L, F, D], [1, 100]) for d in ("int8", "int16", "int32", "int64")),
    *((d, pd.Series([1, 100], dtype=d), [I, L, F, D], [1, 100]) for d in ("uint8", "uint32", "uint64")),
    *((d, pd.Series([1, 100], dtype=d), [I, L, F, D], [1, 100]) for d in ("Int64", "UInt8", "Int32")),
    ("object ints", objects(1, np.int16(2)), [I, L, F, D], [1, 2]),
    ("32 bits", pd.Series([2**31 - 1, -(2**31)]), [I, L, D], [2**31 - 1, -(2**31)]),
    ("33 bits", pd.Series([2**31]), [L, F, D], [2**31]),
    ("below 33 bits", pd.Series([-(2**31) - 1]), [L, D], [-(2**31) - 1]),
    ("24 bits and more", pd.Series([2**24 + 1]), [I, L, D], [2**24 + 1]),
    ("2^53", pd.Series([2**53]), [L, F, D], [2**53]),
    ("2^53 + 1", pd.Series([2**53 + 1]), [L], [2**53 + 1]),
    ("2^60 + 2^40", pd.Series([2**60 + 2**40]), [L, F, D], [2**60 + 2**40]),
    ("2^63 - 1", pd.Series([2**63 - 1]), [L], [2**63 - 1]),
    ("2^63", pd.Series([2**63], dtype="uint64"), [F, D], [2**63]),
    ("2^64 - 1", pd.Series([2**64 - 1], dtype="uint64"), [], []),
    ("beyond 64 bits", objects(2**70), [F, D], [2**70]),
    ("floats that are whole", pd.Series([1.0, -0.0]), [I, L, F, D], [1, 0]),
    ("float64", pd.Series([0.1]), [D], [0.1]),
    ("float64 that a float32 holds", pd.Series([0.5, np.inf]), [F, D], [0.5, np.inf]),
    ("float32", pd.Series([0.5], dtype="float32"), [F, D], [0.5]),
    ("float16", pd.Series([0.5], dtype="float16"), [F, D], [0.5]),
    ("Float64", pd.Series([0.25], dtype="Float64"), [F, D], [0.25]),
    ("1e300", pd.Series([1e300]), [D], [1e300]),
    ("infinity", pd.Series([-np.inf]), [F, D], [-np.inf]),
    ("decimal that a double holds", objects(Decimal("2.50")), [F, D], [2.5]),
    ("whole decimal", objects(Decimal("2.00")), [I, L, F, D], [2]),
    ("decimal that no double holds", objects(Decimal("0.1")), [], []),
    ("endless decimal", objects(Decimal("1e400")), [], []),
    ("text", pd.Series(["x", ""]), [S], ["x", ""]),
    ("object text", objects("1", np.str_("é")), [S], ["1", "é"]),
    ("StringDtype", pd.Series(["x"], dtype="string"), [S], ["x"]),
    ("category of text", pd.Series(["x"], dtype="category"), [S], ["x"]),
    ("category of numbers", pd.Series([1], dtype="category"), [I, L, F, D], [1]),
    ("half a surrogate pair", objects("\ud800"), [], []),
    ("bytes", objects(b"x\0", bytearray(b"y")), [X], [b"x\0", b"y"]),
    ("datetime64", pd.Series(pd.to_datetime(["2024-01-02 12:00"])), [T], [NOON]),
    ("datetime64[s]", pd.Series([NOON], dtype="datetime64[s]"), [T], [NOON]),
    ("zone", pd.Series([pd.Timestamp(NOON.replace(hour=13), tz=BERLIN)]), [T], [NOON]),
    ("object moments", objects(NOON, NOON.replace(tzinfo=UTC), np.datetime64(NOON)), [T], [NOON] * 3),
    ("dates", objects(date(2024, 1, 2)), [T], [NOON.replace(hour=0)]),
    ("the year 9999", objects(datetime(9999, 1, 1, tzinfo=UTC)), [], []),
    ("the year 1", pd.Series([np.datetime64("0001-01-01", "s")]), [], []),
    ("timedelta", pd.Series(pd.to_timedelta([1])), [], []),
    ("complex", pd.Series([1j]), [], []),
    ("period", pd.Series(pd.period_range("2024", periods=1)), [], []),
    ("lists", objects([1]), [], []),
    ("objects", objects({"a": 1}), [], []),
]


@pytest.mark.parametrize("type_", ALL, ids=str)
@pytest.mark.parametrize(
    ("series", "types", "values"), [one[1:] for one in TAKEN], ids=[one[0] for one in TAKEN]
)
def test_a_column_arrives_unchanged_or_is_refused(
    series: pd.Series, types: list[DataType], values: list[Any], type_: DataType
) -> None:
    if type_ not in types:
        with pytest.raises(SchemaMismatch, match="row 0, column 'a': expected"):
            column(series, type_)
        return
    read = column(series, type_)
    assert read.dtype == type_.numpy
    assert not np.ma.is_masked(read)
    expected = np.array(values, dtype=type_.numpy).tolist() if type_ is T else values
    assert read.tolist() == expected


MISSING: list[tuple[str, pd.Series]] = [
    ("None", objects(None)),
    ("NaN", objects(NAN)),
    ("NA", objects(pd.NA)),
    ("NaT", objects(pd.NaT)),
    ("numpy NaT", objects(np.datetime64("NaT"))),
    ("float column", pd.Series([NAN])),
]


@pytest.mark.parametrize("type_", ALL, ids=str)
@pytest.mark.parametrize("series", [one[1] for one in MISSING], ids=[one[0] for one in MISSING])
def test_nothing_is_taken_where_a_column_is_optional(series: pd.Series, type_: DataType) -> None:
    read = column(series, type_, required=False)
    assert pd.DataFrame({"a": Table({"a": read}, 1).frame()["a"]})["a"].isna().tolist() == [True]
    assert np.ma.is_masked(read) == (type_ in (B, I, L))
    assert read.dtype == type_.numpy


@pytest.mark.parametrize("type_", ALL, ids=str)
@pytest.mark.parametrize("series", [one[1] for one in MISSING], ids=[one[0] for one in MISSING])
def test_nothing_is_refused_where_a_column_is_required_unless_nan_can_stand_for_it(
    series: pd.Series, type_: DataType
) -> None:
    if type_ in (F, D):
        assert np.isnan(column(series, type_)).all()
        return
    with pytest.raises(SchemaMismatch, match="row 0, column 'a'"):
        column(series, type_)


@pytest.mark.parametrize("dtype", ["Int64", "Int8", "UInt64", "boolean", "Float64"])
def test_nullable_columns_keep_what_is_missing(dtype: str) -> None:
    type_ = B if dtype == "boolean" else D if dtype == "Float64" else L
    series = pd.Series([True if dtype == "boolean" else 1, None], dtype=dtype)
    read = Table({"a": column(series, type_, required=False)}, 2).frame()["a"]
    assert read.isna().tolist() == [False, True]
    assert read[0] == series[0]


def test_a_nullable_column_without_gaps_fits_a_required_one() -> None:
    assert column(pd.Series([1, 2], dtype="Int64"), L).tolist() == [1, 2]
    with pytest.raises(SchemaMismatch, match="row 1, column 'a': expected long, got nothing"):
        column(pd.Series([1, None], dtype="Int64"), L)


def test_large_nullable_whole_numbers_are_not_rounded_on_their_way() -> None:
    read = column(pd.Series([2**63 - 1, None], dtype="Int64"), L, required=False)
    assert read.tolist() == [2**63 - 1, None]


def test_a_float_column_with_gaps_becomes_optional_whole_numbers() -> None:
    assert column(pd.Series([1.0, NAN]), I, required=False).tolist() == [1, None]


LENIENT: list[tuple[str, pd.Series, DataType, list[Any] | None]] = [
    ("text as binary", pd.Series(["é"]), X, ["é".encode()]),
    ("decimal", objects(Decimal("0.1")), D, [0.1]),
    ("no text", pd.Series(["x", None]), S, ["x", None]),
    ("anything as text", objects(1, [2]), S, [1, [2]]),
    ("no bytes", objects(b"x", None), X, [b"x", None]),
    ("no boolean", objects(True, None), B, [True, None]),
    ("no moment", pd.Series([pd.NaT]), T, [None]),
    ("text as moment", objects("2024-01-02"), T, None),
]


@pytest.mark.parametrize(
    ("series", "type_", "values"), [one[1:] for one in LENIENT], ids=[one[0] for one in LENIENT]
)
def test_mlflows_leniency_takes_more(series: pd.Series, type_: DataType, values: list[Any] | None) -> None:
    with pytest.raises(SchemaMismatch):
        column(series, type_)
    read = column(series, type_, coerce="mlflow")
    if values is not None:
        assert read.tolist() == values
    assert len(read) == len(series)


@pytest.mark.parametrize(
    ("series", "type_"),
    [
        (pd.Series([1.5]), L),
        (pd.Series([3_000_000_000]), I),
        (pd.Series([2**53 + 1]), D),
        (pd.Series([0.1]), F),
        (pd.Series(["1"]), L),
        (pd.Series([1]), B),
        (pd.Series([True]), L),
        (objects(1, None), L),
    ],
)
def test_even_mlflows_leniency_never_truncates_wraps_or_guesses(series: pd.Series, type_: DataType) -> None:
    with pytest.raises(SchemaMismatch):
        column(series, type_, coerce="mlflow")


NAMED = Schema((ColumnSpec(L, "a"), ColumnSpec(S, "b"), ColumnSpec(D, "c", required=False)))


def names(data: Any, schema: Schema = NAMED) -> dict[str | int, list[Any]]:
    table = enforce(data, schema)
    assert isinstance(table, Table)
    return {name: read.tolist() for name, read in table.columns.items()}


TWO_ROWS = {"a": [1, 2], "b": ["x", "y"]}
SHAPES: dict[str, Any] = {
    "frame": pd.DataFrame(TWO_ROWS),
    "frame in another order": pd.DataFrame(TWO_ROWS)[["b", "a"]],
    "frame with more columns": pd.DataFrame(TWO_ROWS).assign(z=0, q=objects([1], {})),
    "frame with an index": pd.DataFrame(TWO_ROWS, index=[7, 5]),
    "dict of lists": TWO_ROWS,
    "dict of tuples": {"a": (1, 2), "b": ("x", "y")},
    "dict of arrays": {"a": np.array([1, 2]), "b": np.array(["x", "y"])},
    "dict of series": {"a": pd.Series([1, 2]), "b": pd.Series(["x", "y"])},
    "dict with more": {**TWO_ROWS, "z": 5},
    "records": [{"a": 1, "b": "x"}, {"b": "y", "a": 2, "z": None}],
    "table": Table({"a": np.array([1, 2]), "b": np.array(["x", "y"], dtype=object)}, 2),
}


@pytest.mark.parametrize("data", SHAPES.values(), ids=SHAPES)
def test_named_columns_are_found_by_name_in_every_shape(data: Any) -> None:
    assert names(data) == TWO_ROWS


def test_an_optional_column_is_there_when_it_came() -> None:
    assert names([{"a": 1, "b": "x", "c": 0.5}, {"a": 2, "b": "y", "c": None}])["c"][0] == 0.5
    partly = names([{"a": 1, "b": "x", "c": 0.5}, {"a": 2, "b": "y"}])["c"]
    assert partly[0] == 0.5
    assert np.isnan(partly[1])


def test_a_dict_of_single_values_is_one_row() -> None:
    assert names({"a": 1, "b": "x"}) == {"a": [1], "b": ["x"]}


def test_no_rows_are_rows_too() -> None:
    assert names(pd.DataFrame({"a": [], "b": []}).astype({"a": "int64", "b": "str"})) == {"a": [], "b": []}
    assert names([]) == {"a": [], "b": [], "c": []}


def make_unnamed(*types: DataType) -> Schema:
    return Schema(tuple(ColumnSpec(type_) for type_ in types))


@pytest.mark.parametrize(
    ("data", "types", "columns"),
    [
        pytest.param([1, 2], [L], {0: [1, 2]}, id="list"),
        pytest.param(5, [L], {0: [5]}, id="one value"),
        pytest.param("x", [S], {0: ["x"]}, id="one text"),
        pytest.param(np.float32(0.5), [D], {0: [0.5]}, id="numpy scalar"),
        pytest.param(np.array(5), [L], {0: [5]}, id="array of no dimensions"),
        pytest.param(np.array([1, 2]), [L], {0: [1, 2]}, id="vector"),
        pytest.param(np.array([[1, 2], [3, 4]]), [L, D], {0: [1, 3], 1: [2, 4]}, id="matrix"),
        pytest.param([[1, "x"], [2, "y"]], [L, S], {0: [1, 2], 1: ["x", "y"]}, id="rows"),
        pytest.param([(1, "x", 0)], [L, S], {0: [1], 1: ["x"]}, id="trailing column"),
        pytest.param(pd.DataFrame(TWO_ROWS), [L, S], TWO_ROWS, id="frame with names of its own"),
        pytest.param(pd.Series([1, 2]), [L], {0: [1, 2]}, id="series"),
        pytest.param(scipy.sparse.csr_matrix([[0.0, 1.0]]), [D, D], {0: [0.0], 1: [1.0]}, id="sparse"),
        pytest.param([], [L], {0: []}, id="no rows"),
    ],
)
def test_unnamed_columns_are_found_by_position(
    data: Any, types: list[DataType], columns: dict[str | int, list[Any]]
) -> None:
    assert names(data, make_unnamed(*types)) == columns


def test_a_single_named_column_may_come_without_its_name() -> None:
    assert names([1, 2], Schema((ColumnSpec(L, "a"),))) == {"a": [1, 2]}


def test_columns_called_by_numbers_are_found_by_text_too() -> None:
    schema = Schema((ColumnSpec(D, 0), ColumnSpec(D, 1)))
    assert names(pd.DataFrame([[0.5, 1.5]]), schema) == {0: [0.5], 1: [1.5]}
    assert names([{"1": 1.5, "0": 0.5}], schema) == {0: [0.5], 1: [1.5]}


def test_an_array_cell_is_not_taken_apart() -> None:
    schema = Schema((ColumnSpec(Array(L), "a"), ColumnSpec(S, "b")))
    assert names({"a": [1, 2], "b": "x"}, schema) == {"a": [[1, 2]], "b": ["x"]}
    assert names([[1, 2], [3]], Schema((ColumnSpec(Array(L)),))) == {0: [[1, 2], [3]]}


REFUSED_SHAPES: list[tuple[str, Any, Schema, str]] = [
    ("missing column", pd.DataFrame({"a": [1]}), NAMED, "column 'b': expected string, got no such column"),
    ("missing in a record", [{"a": 1, "b": "x"}, {"a": 2}], NAMED, "row 1, column 'b'"),
    ("unlabelled rows", [[1, "x"]], NAMED, "column 'a'"),
    ("unlabelled matrix", np.zeros((1, 2)), NAMED, "column 'a'"),
    ("one value for several columns", 5, NAMED, "column 'a'"),
    ("duplicate columns", pd.DataFrame([[1, 2, "x"]], columns=["a", "a", "b"]), NAMED, "'a' twice"),
    ("duplicate by text", pd.DataFrame([[1, 2]], columns=["0", 0]), make_unnamed(L), "twice"),
    ("ragged lists", {"a": [1, 2], "b": ["x"]}, NAMED, "column 'b': expected 2 values, got 1"),
    ("a list beside a value", {"a": [1, 2], "b": "x"}, NAMED, "column 'b'"),
    ("ragged rows", [[1, 2], [3]], make_unnamed(L, L), "row 1: expected 2 values, got 1"),
    ("records beside values", [{"a": 1, "b": "x"}, 5], NAMED, "column 'a'"),
    ("too few columns", [[1]], make_unnamed(L, L), "expected 2 columns, got 1"),
    ("three dimensions", np.zeros((1, 2, 3)), make_unnamed(D), "array of rows"),
    ("structured array", np.zeros(2, dtype="f4,f4"), make_unnamed(D), "array of rows"),
    ("odd keys", {None: 1}, NAMED, "names"),
    ("no name in UTF-8", {"\udc00": 1, "a": 1, "b": "x"}, make_unnamed(L), "names that are text"),
]


@pytest.mark.parametrize(
    ("data", "schema", "message"), [one[1:] for one in REFUSED_SHAPES], ids=[one[0] for one in REFUSED_SHAPES]
)
def test_shapes_that_do_not_fit_are_refused(data: Any, schema: Schema, message: str) -> None:
    with pytest.raises(SchemaMismatch, match=message) as caught:
        enforce(data, schema)
    assert len(str(caught.value)) <= 300


PERSON = Object((Property("age", L), Property("tags", Array(S), required=False)))
CELLS: list[tuple[ColumnType, Any, Any]] = [
    (Array(L), [1, 2.0], [1, 2]),
    (Array(D), (1, None), [1.0, NAN]),
    (Array(Array(S)), [["x"], []], [["x"], []]),
    (PERSON, {"age": 5, "tags": ["x"]}, {"age": 5, "tags": ["x"]}),
    (PERSON, {"age": 5, "tags": None}, {"age": 5, "tags": None}),
    (PERSON, {"age": 5}, {"age": 5}),
    (Map(D), {"x": 1, "y": 0.5}, {"x": 1.0, "y": 0.5}),
    (Map(PERSON), {}, {}),
]


@pytest.mark.parametrize(("type_", "value", "read"), CELLS, ids=str)
def test_cells_that_hold_lists_and_objects_are_read_to_the_bottom(
    type_: ColumnType, value: Any, read: Any
) -> None:
    assert repr(column(objects(value), type_)[0]) == repr(read)


BAD_CELLS: list[tuple[ColumnType, Any, str]] = [
    (Array(L), [1, "x"], r"expected long, got at \[1\]: 'x' \(text\)"),
    (Array(L), [1, None], r"got at \[1\]: nothing"),
    (Array(L), "12", "expected array of long"),
    (Array(Array(L)), [[1], [2.5]], r"at \[1\]\[0\]"),
    (PERSON, {"age": "5"}, r"at \.age"),
    (PERSON, {}, r"expected long, got at \.age: nothing"),
    (PERSON, {"age": 5, "name": "x"}, "expected properties named age, tags, got 'name'"),
    (PERSON, [5], "expected object"),
    (Map(L), {"x": "y"}, r"at \.x"),
    (Map(L), {5: 5}, "key of a map"),
    (Map(L), [5], "expected map of long"),
]


@pytest.mark.parametrize(("type_", "value", "message"), BAD_CELLS, ids=str)
def test_what_is_wrong_inside_a_cell_is_named_by_its_place(
    type_: ColumnType, value: Any, message: str
) -> None:
    with pytest.raises(SchemaMismatch, match=f"row 0, column 'a': .*{message}"):
        column(objects(value), type_)


def test_arrays_in_cells_stay_arrays() -> None:
    read = column(objects(np.array([1, 2], dtype="int32")), Array(L))[0]
    assert isinstance(read, np.ndarray)
    assert read.dtype == np.int64


def test_any_is_not_looked_at() -> None:
    odd = object()
    assert column(objects(odd, None), AnyType()).tolist() == [odd, None]
    assert column(pd.Series([1.5]), AnyType()).dtype == np.float64


TENSORS: list[tuple[str, Any, tuple[int, ...], Any]] = [
    ("float64", np.array([[0.5, 1.5]]), (-1, 2), [[0.5, 1.5]]),
    ("float64", np.array([[1, 2]]), (-1, 2), [[1.0, 2.0]]),
    ("float64", np.array([[0.5, 1.5]], dtype="float32"), (-1, 2), [[0.5, 1.5]]),
    ("float64", [[0.5, 1]], (-1, 2), [[0.5, 1.0]]),
    ("float64", ((0.5, 1),), (-1, 2), [[0.5, 1.0]]),
    ("float64", [np.array([0.5, 1.0])], (-1, 2), [[0.5, 1.0]]),
    ("float64", np.array([[0.5, 1]], dtype=object), (-1, 2), [[0.5, 1.0]]),
    ("float64", np.array([0.5]).astype(">f8"), (-1,), [0.5]),
    ("float32", np.array([0.5]), (-1,), [0.5]),
    ("float16", np.array([0.5]), (-1,), [0.5]),
    ("int64", np.array([1.0, 2.0]), (2,), [1, 2]),
    ("uint8", np.array([0, 255]), (-1,), [0, 255]),
    ("uint64", np.array([2**63], dtype="uint64"), (-1,), [2**63]),
    ("uint64", [2**64 - 1], (-1,), [2**64 - 1]),
    ("bool", np.array([True]), (-1,), [True]),
    ("str", np.array(["a", "bc"]), (-1,), ["a", "bc"]),
    ("bytes", np.array([b"a"]), (-1,), [b"a"]),
    ("datetime64[D]", np.array(["2024-01-02"], dtype="datetime64[ns]"), (-1,), [date(2024, 1, 2)]),
    ("complex128", np.array([1j]), (-1,), [1j]),
    ("object", np.array([None, 1]), (-1,), [None, 1]),
    ("object", [[1], "x"], (-1,), [[1], "x"]),
    ("float64", pd.DataFrame({"x": [0.5], "y": [1]}), (-1, 2), [[0.5, 1.0]]),
    ("float64", pd.DataFrame({"x": [1, None]}, dtype="Int64"), (-1, 1), None),
    ("float64", pd.DataFrame({"x": [[0.5, 1], [1, 2]]}), (-1, 2), [[0.5, 1.0], [1.0, 2.0]]),
    ("float64", pd.DataFrame({"x": [[1, 2, 3, 4]]}), (-1, 2, 2), [[[1.0, 2.0], [3.0, 4.0]]]),
    ("float64", pd.DataFrame({"x": [0.5, 1]}), (-1,), [0.5, 1.0]),
    ("float64", Table({"x": np.array([0.5]), "y": np.array([1.5])}, 1), (-1, 2), [[0.5, 1.5]]),
    ("float64", 0.5, (), 0.5),
]


@pytest.mark.parametrize(("dtype", "value", "shape", "read"), TENSORS)
def test_tensors_arrive_unchanged(dtype: str, value: Any, shape: tuple[int, ...], read: Any) -> None:
    spec = TensorSpec(np.dtype(dtype), shape)
    tensor = enforce(value, Schema((spec,)))
    assert isinstance(tensor, np.ndarray)
    assert tensor.dtype.kind == spec.dtype.kind
    if read is not None:
        assert tensor.tolist() == read


BAD_TENSORS: list[tuple[str, Any, tuple[int, ...]]] = [
    ("float64", np.zeros((1, 3)), (-1, 2)),
    ("float64", np.zeros(2), (-1, 2)),
    ("float64", np.zeros((2, 2)), (3, 2)),
    ("float64", np.array([True]), (-1,)),
    ("float64", np.array(["1"]), (-1,)),
    ("float64", np.array([2**53 + 1]), (-1,)),
    ("float64", np.array([1j]), (-1,)),
    ("float64", [[1, 2], [3]], (-1, 2)),
    ("float64", [1, [2]], (-1,)),
    ("float64", {"a": [1]}, (-1,)),
    ("float64", None, (-1,)),
    ("float64", [np.array(1.0)], (-1, 1)),
    ("float64", pd.DataFrame({"x": ["a"], "y": [1]}), (-1, 2)),
    ("float64", pd.DataFrame({"x": [0.5], "y": [1]}), (-1, 3)),
    ("float64", pd.DataFrame({"x": [0.5], "y": [1]}), (-1, 2, 2)),
    ("float64", np.ma.MaskedArray([0.5], mask=[True]), (-1,)),
    ("float64", np.zeros(1, dtype="f4,f4"), (-1,)),
    ("float32", np.array([0.1]), (-1,)),
    ("float32", np.array([1e39]), (-1,)),
    ("float16", np.array([70000]), (-1,)),
    ("int64", np.array([0.5]), (-1,)),
    ("int64", np.array([np.nan]), (-1,)),
    ("int64", np.array([2.0**63]), (-1,)),
    ("int64", np.array([2**63], dtype="uint64"), (-1,)),
    ("int8", np.array([128]), (-1,)),
    ("int8", [128], (-1,)),
    ("uint8", np.array([-1]), (-1,)),
    ("uint64", [-1], (-1,)),
    ("uint64", [True], (-1,)),
    ("bool", np.array([1]), (-1,)),
    ("str", np.array([1]), (-1,)),
    ("str", ["a\0"], (-1,)),
    ("bytes", ["a"], (-1,)),
    ("bytes", [b"a\0"], (-1,)),
    ("datetime64[D]", np.array(["2024-01-02T12"], dtype="datetime64[ns]"), (-1,)),
    ("timedelta64[ns]", [1], (-1,)),
]


@pytest.mark.parametrize(("dtype", "value", "shape"), BAD_TENSORS)
def test_tensors_that_would_change_are_refused(dtype: str, value: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(SchemaMismatch, match="tensor") as caught:
        enforce(value, Schema((TensorSpec(np.dtype(dtype), shape),)))
    assert len(str(caught.value)) <= 300


TWO = Schema((TensorSpec(np.dtype("float64"), (-1, 2), "x"), TensorSpec(np.dtype("int32"), (-1,), "y")))


@pytest.mark.parametrize(
    "data",
    [
        {"y": np.array([1]), "x": np.zeros((1, 2)), "z": 5},
        {"x": [[0, 0]], "y": [1]},
        pd.DataFrame({"x": [[0.0, 0.0]], "y": [1]}),
    ],
)
def test_named_tensors_are_found_by_name(data: Any) -> None:
    tensors = enforce(data, TWO)
    assert isinstance(tensors, dict)
    assert {name: one.tolist() for name, one in tensors.items()} == {"x": [[0.0, 0.0]], "y": [1]}


@pytest.mark.parametrize(
    "data", [{"x": np.zeros((1, 2))}, np.zeros((1, 2)), pd.DataFrame({"x": [[0.0, 0.0]]})]
)
def test_every_named_tensor_must_be_there(data: Any) -> None:
    with pytest.raises(SchemaMismatch, match="y"):
        enforce(data, TWO)


def test_a_single_named_tensor_may_come_without_its_name() -> None:
    schema = Schema((TensorSpec(np.dtype("float64"), (-1,), "x"),))
    assert enforce(np.array([0.5]), schema)["x"].tolist() == [0.5]  # type: ignore[index]  # a dict


SPARSE: list[Callable[[Any], Any]] = [
    scipy.sparse.csr_matrix,
    scipy.sparse.csc_array,
    scipy.sparse.coo_matrix,
    scipy.sparse.lil_matrix,
    scipy.sparse.dok_array,
]


@pytest.mark.parametrize("make", SPARSE)
@pytest.mark.parametrize("dtype", ["float64", "int32"])
def test_sparse_matrices_stay_sparse(make: Callable[[Any], Any], dtype: str) -> None:
    given = make(np.eye(3, dtype=dtype))
    read: Any = enforce(given, Schema((TensorSpec(np.dtype("float64"), (-1, 3)),)))
    assert scipy.sparse.issparse(read)
    assert read.dtype == np.float64
    assert read.toarray().tolist() == np.eye(3).tolist()


@pytest.mark.parametrize(
    "given", [np.eye(2), np.eye(3, dtype=bool), np.diag([2**53 + 1, 1, 1])], ids=["shape", "kind", "value"]
)
def test_sparse_matrices_that_do_not_fit_are_refused(given: np.ndarray) -> None:
    with pytest.raises(SchemaMismatch):
        enforce(scipy.sparse.csr_matrix(given), Schema((TensorSpec(np.dtype("float64"), (-1, 3)),)))


def test_arrays_of_several_shapes_are_taken_where_lengths_are_free() -> None:
    ragged = np.fromiter([np.zeros((1, 2)), np.zeros((3, 2))], dtype=object, count=2)
    read = enforce(ragged, Schema((TensorSpec(np.dtype("float64"), (-1, -1, 2)),)))
    assert [one.shape for one in read] == [(1, 2), (3, 2)]  # type: ignore[union-attr]  # an array of arrays
    with pytest.raises(SchemaMismatch):
        enforce(ragged, Schema((TensorSpec(np.dtype("float64"), (-1, -1, 3)),)))


@pytest.mark.parametrize("schema", [None, Schema((ColumnSpec(AnyType()),))], ids=["none", "any"])
def test_without_a_promise_everything_passes_as_it_is(schema: Schema | None) -> None:
    data = {"messages": [object()]}
    assert enforce(data, schema) is data


def test_long_values_and_names_are_not_echoed() -> None:
    schema = Schema((ColumnSpec(L, "a" * 5000),))
    with pytest.raises(SchemaMismatch) as caught:
        enforce(pd.DataFrame({"a" * 5000: ["secret" * 1000]}), schema)
    assert len(str(caught.value)) <= 300
    assert "secret" * 8 not in str(caught.value)
