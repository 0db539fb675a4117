"""Values from requests held to a schema: JSON, CSV, and MLflow's lenient table row by row."""

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

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
)
from modelpack.schema.wire import (
    inputs_from_json,
    instances_from_json,
    table_from_records,
    table_from_rows,
    table_from_text,
    tensors_from_json,
)

B, I, L, F, D, S, X, T = DataType  # noqa: E741 - a matrix is read by its letters
ALL = list(DataType)


def a_column(type_: ColumnType, *, required: bool = True) -> Schema:
    return Schema((ColumnSpec(type_, "a", required),))


def cells(data: Any) -> list[Any]:
    assert isinstance(data, Table)
    read = data.columns["a"]
    return [None if value is None else value for value in read.tolist()]


def from_json(
    text: str, type_: ColumnType, *, required: bool = True, coerce: Coerce = "lossless"
) -> list[Any]:
    schema = a_column(type_, required=required)
    return cells(table_from_rows([[json.loads(text)]], ["a"], schema, coerce=coerce))


def nanoseconds(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


JANUARY = nanoseconds("2024-01-01")
TAKEN: list[tuple[str, dict[DataType, Any]]] = [
    ("true", {B: True}),
    ("1", {I: 1, L: 1, F: 1.0, D: 1.0}),
    ("1.0", {I: 1, L: 1, F: 1.0, D: 1.0}),
    ("1e3", {I: 1000, L: 1000, F: 1000.0, D: 1000.0}),
    ("-0.0", {I: 0, L: 0, F: 0.0, D: 0.0}),
    ("1.5", {F: 1.5, D: 1.5}),
    ("0.1", {F: float(np.float32(0.1)), D: 0.1}),
    ("1e-999", {I: 0, L: 0, F: 0.0, D: 0.0}),
    ("1e-60", {F: 0.0, D: 1e-60}),
    ("1e39", {D: 1e39}),
    ("1e999", {}),
    ("-1e999", {}),
    ("NaN", {}),
    ("Infinity", {}),
    ("2147483647", {I: 2**31 - 1, L: 2**31 - 1, D: 2.0**31 - 1}),
    ("2147483648", {L: 2**31, F: 2.0**31, D: 2.0**31}),
    ("2147483648.0", {L: 2**31, F: 2.0**31, D: 2.0**31}),
    ("16777217", {I: 2**24 + 1, L: 2**24 + 1, D: 2.0**24 + 1}),
    ("9007199254740992", {L: 2**53, F: 2.0**53, D: 2.0**53}),
    ("9007199254740993", {L: 2**53 + 1}),
    ("9223372036854775807", {L: 2**63 - 1}),
    ("-9223372036854775808", {L: -(2**63), F: -(2.0**63), D: -(2.0**63)}),
    ("9223372036854775808", {F: 2.0**63, D: 2.0**63}),
    ("1" + "0" * 400, {}),
    ('"x"', {S: "x"}),
    ('""', {S: "", X: b""}),
    ('"1"', {S: "1"}),
    ('"true"', {S: "true", X: base64.b64decode("true")}),
    ('"\\ud83d\\ude00"', {S: "😀"}),
    ('"\\ud800"', {}),
    ('"\\udc00\\ud800"', {}),
    ('"aGk="', {S: "aGk=", X: b"hi"}),
    ('"aGk=\\n"', {S: "aGk=\n", X: b"hi"}),
    ('"aGl="', {S: "aGl="}),
    ('"aGk"', {S: "aGk"}),
    ('"a Gk="', {S: "a Gk="}),
    ('"2024-01-01"', {S: "2024-01-01", T: JANUARY}),
    ('"2024-01-01T00:00"', {S: "2024-01-01T00:00", T: JANUARY}),
    ('"2024-01-01 00:00:00"', {S: "2024-01-01 00:00:00", T: JANUARY}),
    ('"2024-01-01T01:00:00+01:00"', {S: "2024-01-01T01:00:00+01:00", T: JANUARY}),
    ('"2023-12-31T19:00:00-0500"', {S: "2023-12-31T19:00:00-0500", T: JANUARY}),
    ('"2024-01-01T00:00:00.000000007Z"', {S: "2024-01-01T00:00:00.000000007Z", T: JANUARY + 7}),
    ('"01/02/2024"', {S: "01/02/2024"}),
    ('"20240101"', {S: "20240101", X: base64.b64decode("20240101")}),
    ('"now"', {S: "now"}),
    ('"NaT"', {S: "NaT"}),
    ('"9999-01-01"', {S: "9999-01-01"}),
    ("1700000000000000000", {L: 17 * 10**17, D: 1.7e18}),
    ("null", {F: None, D: None}),
    ("[1]", {}),
    ("{}", {}),
]


@pytest.mark.parametrize("type_", ALL, ids=str)
@pytest.mark.parametrize(("text", "types"), TAKEN, ids=[text[:30] for text, _ in TAKEN])
def test_a_json_value_arrives_unchanged_or_is_refused(
    text: str, types: dict[DataType, Any], type_: DataType
) -> None:
    if type_ not in types:
        with pytest.raises(SchemaMismatch, match="row 0, column 'a'"):
            from_json(text, type_)
        return
    [value] = from_json(text, type_)
    if types[type_] is None:
        assert np.isnan(value)
        return
    assert value == types[type_]
    assert type(value) is type(types[type_])


@pytest.mark.parametrize("type_", ALL, ids=str)
def test_null_is_taken_where_a_column_is_optional(type_: DataType) -> None:
    [value] = from_json("null", type_, required=False)
    assert value is None or (type_ in (F, D) and np.isnan(value))


NESTED: list[tuple[ColumnType, str, bool]] = [
    (Array(L), "[1, 2.0]", True),
    (Array(L), "[1, 2.5]", False),
    (Array(L), "[true]", False),
    (Array(L), "[]", True),
    (Array(L), "null", False),
    (Array(L), "[null]", False),
    (Array(D), "[null]", True),
    (Array(X), '["aGk="]', True),
    (Array(T), '["2024-01-01"]', True),
    (Array(T), "[0]", False),
    (Map(S), '{"k": "v"}', True),
    (Map(S), '{"k": 1}', False),
    (Map(S), '{"\\ud800": "v"}', False),
    (Object((Property("k", B),)), '{"k": true}', True),
    (Object((Property("k", B),)), '{"k": 1}', False),
    (Object((Property("k", B),)), '{"k": true, "z": 1}', False),
    (AnyType(), '{"k": [1, null, "x"]}', True),
    (AnyType(), '[["\\ud800"]]', False),
    (AnyType(), '{"\\ud800": 1}', False),
    (AnyType(), "[1e999]", False),
]


@pytest.mark.parametrize(("type_", "text", "taken"), NESTED)
def test_cells_that_hold_lists_and_objects_are_read_to_the_bottom(
    type_: ColumnType, text: str, taken: bool
) -> None:
    if not taken:
        with pytest.raises(SchemaMismatch, match="row 0, column 'a'"):
            from_json(text, type_)
        return
    [value] = from_json(text, type_)
    if type_ not in (Array(D), Array(X), Array(T)):
        assert value == json.loads(text)


def test_binary_and_moments_inside_a_cell_are_read_too() -> None:
    assert from_json('["aGk="]', Array(X)) == [[b"hi"]]
    assert from_json('["2024-01-01T02:00:00+02:00"]', Array(T)) == [[np.datetime64("2024-01-01", "ns")]]


def test_a_value_of_any_depth_is_refused_or_taken_without_recursion() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert isinstance(table_from_rows([[deep]], ["a"], a_column(AnyType())), Table)
    with pytest.raises(SchemaMismatch):
        table_from_rows([[deep]], ["a"], a_column(Array(L)))


# The table of schema/README.md: what MLflow 3.17 takes on the wire beyond the lossless rules.
LENIENT_JSON: list[tuple[str, DataType, Any]] = [
    ("true", I, 1),
    ("false", L, 0),
    ("true", F, 1.0),
    ("false", D, 0.0),
    ("0", B, False),
    ("2.5", B, True),
    ('"false"', B, True),
    ('""', B, False),
    ('"1"', I, 1),
    ('"-7"', L, -7),
    ('"1.5"', F, 1.5),
    ('"1.5e3"', D, 1500.0),
    ("9007199254740993", D, 2.0**53),
    ("16777217", F, 2.0**24),
    ("5", S, 5),
    ("[1]", S, [1]),
    ("null", S, None),
    ("null", B, None),
    ("null", T, None),
    ("1700000000000000000", T, 17 * 10**17),
    ("1.5e18", T, 15 * 10**17),
    ('"aGl="', X, b"hi"),
    ('"a*Gk="', X, b"hi"),
]


@pytest.mark.parametrize(("text", "type_", "value"), LENIENT_JSON)
def test_mlflows_leniency_takes_more_json(text: str, type_: DataType, value: Any) -> None:
    with pytest.raises(SchemaMismatch):
        from_json(text, type_)
    read = from_json(text, type_, coerce="mlflow")
    assert read == [value]
    assert type(read[0]) is type(value)


REFUSED_IN_BOTH: list[tuple[str, DataType]] = [
    ("1.5", I),
    ("1.5", L),
    ("3000000000", I),
    ("1e20", L),
    ("9223372036854775808", L),
    ('"1.5"', L),
    ('"3000000000"', I),
    ('"1_000"', L),
    ('" 1 "', D),
    ('"inf"', D),
    ('"NaN"', D),
    ("1e39", F),
    ("1e999", D),
    ("null", I),
    ("null", L),
    ("null", X),
    ("[]", B),
    ('"\\ud800"', S),
    ('["\\ud800"]', S),
    ("1e999", S),
    ('""', T),
    ('"01/02/2024"', T),
    ("1.5", T),
    ("true", T),
    ("1e300", T),
    ('"aGk"', X),
    ("5", X),
]


@pytest.mark.parametrize(("text", "type_"), REFUSED_IN_BOTH)
@pytest.mark.parametrize("coerce", ["lossless", "mlflow"])
def test_no_leniency_truncates_wraps_or_guesses(text: str, type_: DataType, coerce: Coerce) -> None:
    with pytest.raises(SchemaMismatch):
        from_json(text, type_, coerce=coerce)


def from_text(text: str, type_: DataType, *, required: bool = True, coerce: Coerce = "lossless") -> list[Any]:
    return cells(table_from_text([[text]], ["a"], a_column(type_, required=required), coerce=coerce))


TEXTS: list[tuple[str, dict[DataType, Any]]] = [
    ("True", {B: True, S: "True", X: base64.b64decode("True")}),
    ("false", {B: False, S: "false"}),
    ("yes", {S: "yes"}),
    ("1", {I: 1, L: 1, F: 1.0, D: 1.0, S: "1"}),
    (" 7", {I: 7, L: 7, F: 7.0, D: 7.0, S: " 7"}),
    ("+5", {I: 5, L: 5, F: 5.0, D: 5.0, S: "+5"}),
    ("2.0", {I: 2, L: 2, F: 2.0, D: 2.0, S: "2.0"}),
    ("1e3", {I: 1000, L: 1000, F: 1000.0, D: 1000.0, S: "1e3"}),
    ("2.5", {F: 2.5, D: 2.5, S: "2.5"}),
    (".5", {F: 0.5, D: 0.5, S: ".5"}),
    ("9007199254740993", {L: 2**53 + 1, S: "9007199254740993", X: base64.b64decode("9007199254740993")}),
    ("3000000000", {L: 3 * 10**9, F: 3e9, D: 3e9, S: "3000000000"}),
    ("1e400", {S: "1e400"}),
    ("1e999999999", {S: "1e999999999"}),
    ("9" * 5000, {S: "9" * 5000, X: base64.b64decode("9" * 5000)}),
    ("1,500", {S: "1,500"}),
    ("1_000", {S: "1_000"}),
    ("0x1F", {S: "0x1F", X: base64.b64decode("0x1F")}),
    ("٣", {S: "٣"}),
    ("inf", {F: np.inf, D: np.inf, S: "inf"}),
    ("NaN", {F: None, D: None, S: "NaN"}),
    ("", {F: None, D: None, S: "", X: None}),
    ("NA", {S: "NA"}),
    ("2024-01-01", {T: JANUARY, S: "2024-01-01"}),
    ("2024-01-01 00:00:00", {T: JANUARY, S: "2024-01-01 00:00:00"}),
    ("aGk=", {S: "aGk=", X: b"hi"}),
]
del TEXTS[21][1][X]  # an empty cell of a binary column is missing


@pytest.mark.parametrize("type_", ALL, ids=str)
@pytest.mark.parametrize(("text", "types"), TEXTS, ids=[text[:20] for text, _ in TEXTS])
def test_a_csv_cell_arrives_unchanged_or_is_refused(
    text: str, types: dict[DataType, Any], type_: DataType
) -> None:
    if type_ not in types:
        with pytest.raises(SchemaMismatch, match="row 0, column 'a'"):
            from_text(text, type_)
        return
    [value] = from_text(text, type_)
    if types[type_] is None:
        assert np.isnan(value)
        return
    assert value == types[type_]
    assert type(value) is type(types[type_])


@pytest.mark.parametrize("type_", [B, I, L, S, X], ids=str)
def test_an_empty_csv_cell_of_an_optional_column_is_missing(type_: DataType) -> None:
    assert from_text("", type_, required=False) == [None]


LENIENT_TEXT: list[tuple[str, DataType, Any]] = [
    ("True", I, 1),
    ("false", L, 0),
    ("true", D, 1.0),
    ("1", B, True),
    ("0.0", B, False),
    ("9007199254740993", D, 2.0**53),
    ("NA", D, None),
    ("NULL", F, None),
]


@pytest.mark.parametrize(("text", "type_", "value"), LENIENT_TEXT)
def test_mlflows_leniency_takes_more_csv(text: str, type_: DataType, value: Any) -> None:
    with pytest.raises(SchemaMismatch):
        from_text(text, type_)
    [read] = from_text(text, type_, coerce="mlflow")
    assert (np.isnan(read)) if value is None else (read == value and type(read) is type(value))


@pytest.mark.parametrize("text", ["", "NA", "None", "nan"])
def test_mlflows_leniency_takes_pandas_words_for_nothing_as_missing_text(text: str) -> None:
    assert from_text(text, S) == [text]
    assert from_text(text, S, coerce="mlflow") == [None]


@pytest.mark.parametrize(
    ("text", "type_"), [("2", B), ("1.5", L), ("", L), ("3000000000", I), ("yes", B), ("x", T)]
)
def test_no_leniency_truncates_or_guesses_csv(text: str, type_: DataType) -> None:
    with pytest.raises(SchemaMismatch):
        from_text(text, type_, coerce="mlflow")


NAMED = Schema((ColumnSpec(L, "a"), ColumnSpec(S, "b"), ColumnSpec(D, "c", required=False)))
UNNAMED = Schema((ColumnSpec(L), ColumnSpec(S)))
TWO = {"a": [1, 2], "b": ["x", "y"]}


def columns(data: Any) -> dict[str | int, list[Any]]:
    assert isinstance(data, Table)
    return {name: read.tolist() for name, read in data.columns.items()}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: table_from_rows([[1, "x"], [2, "y"]], ["a", "b"], NAMED), id="rows"),
        pytest.param(
            lambda: table_from_rows([["x", 0, 1], ["y", 0, 2]], ["b", "z", "a"], NAMED), id="any order"
        ),
        pytest.param(
            lambda: table_from_records([{"a": 1, "b": "x"}, {"b": "y", "a": 2, "z": 1}], NAMED), id="records"
        ),
        pytest.param(lambda: table_from_text([["1", "x"], ["2", "y"]], ["a", "b"], NAMED), id="text"),
        pytest.param(lambda: inputs_from_json(TWO, NAMED), id="inputs of lists"),
        pytest.param(
            lambda: inputs_from_json([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], NAMED), id="inputs of objects"
        ),
        pytest.param(
            lambda: instances_from_json([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], NAMED), id="instances"
        ),
    ],
)
def test_every_form_of_a_request_makes_the_same_table(data: Callable[[], Any]) -> None:
    assert columns(data()) == TWO


def test_unnamed_columns_are_found_by_position() -> None:
    assert columns(table_from_rows([[1, "x", 0]], None, UNNAMED)) == {0: [1], 1: ["x"]}
    assert columns(table_from_rows([[1, "x"]], ["p", "q"], UNNAMED)) == {"p": [1], "q": ["x"]}
    assert columns(instances_from_json([[1, "x"], [2, "y"]], UNNAMED)) == {0: [1, 2], 1: ["x", "y"]}
    assert columns(inputs_from_json([1, 2], Schema((ColumnSpec(L),)))) == {0: [1, 2]}
    assert columns(inputs_from_json(5, Schema((ColumnSpec(L),)))) == {0: [5]}


def test_columns_called_by_numbers_are_found_in_rows_without_names() -> None:
    schema = Schema((ColumnSpec(L, 0), ColumnSpec(S, 1)))
    assert columns(table_from_rows([[1, "x"]], None, schema)) == {0: [1], 1: ["x"]}
    assert columns(table_from_records([{"0": 1, "1": "x"}], schema)) == {0: [1], 1: ["x"]}


def test_no_rows_in_no_rows_out() -> None:
    read = table_from_rows([], ["a", "b"], NAMED)
    assert isinstance(read, Table)
    assert (read.rows, {name: one.dtype.kind for name, one in read.columns.items()}) == (
        0,
        {"a": "i", "b": "O"},
    )
    empty = table_from_records([], NAMED)
    assert isinstance(empty, Table)
    assert empty.rows == 0


def test_a_record_without_a_required_name_is_refused_whatever_its_neighbours_have() -> None:
    with pytest.raises(SchemaMismatch, match="row 1, column 'a': expected long, got nothing"):
        table_from_records([{"a": 1, "b": "x"}, {"b": "y"}], NAMED)
    schema = Schema((ColumnSpec(D, "a"), ColumnSpec(S, "b")))
    with pytest.raises(SchemaMismatch, match="row 1, column 'a'"):
        table_from_records([{"a": 1, "b": "x"}, {"b": "y"}], schema)
    lenient = table_from_records([{"a": 1, "b": "x"}, {"b": "y"}], schema, coerce="mlflow")
    assert isinstance(lenient, Table)
    assert np.isnan(lenient.columns["a"]).tolist() == [False, True]


GARBAGE: list[Any] = [
    None,
    True,
    5,
    1.5,
    "x",
    {},
    {"a": 1},
    [None],
    [5],
    ["ab"],
    [[]],
    [{}],
    [[1], 5],
    [[1], [1, 2]],
]


@pytest.mark.parametrize("rows", GARBAGE, ids=str)
@pytest.mark.parametrize("schema", [NAMED, None, Schema((TensorSpec(np.dtype("int64"), (-1, 1)),))])
def test_garbage_for_rows_is_refused(rows: Any, schema: Schema | None) -> None:
    with pytest.raises(SchemaMismatch):
        table_from_rows(rows, ["a", "b"], schema)


@pytest.mark.parametrize(
    "names",
    [
        "ab",
        5,
        {},
        [None, "b"],
        [{}, "b"],
        [True, "b"],
        [1.5, "b"],
        ["a"],
        ["a", "a"],
        [10**5000, "b"],
        ["\ud800", "b"],
    ],
)
@pytest.mark.parametrize("schema", [NAMED, UNNAMED, None], ids=["named", "unnamed", "none"])
def test_garbage_for_names_is_refused(names: Any, schema: Schema | None) -> None:
    with pytest.raises(SchemaMismatch):
        table_from_rows([[1, "x"]], names, schema)


@pytest.mark.parametrize(
    "records", [None, 5, "x", {}, [5], [None], [[]], [{"a": 1, "b": "x"}, 5], [{}]], ids=str
)
def test_garbage_for_records_is_refused(records: Any) -> None:
    with pytest.raises(SchemaMismatch):
        table_from_records(records, NAMED)


@pytest.mark.parametrize(
    "value", [None, True, "x", 1.5, [None], [[1]], {"a": 1}, {"a": [1], "b": "x"}, {"a": {}}]
)
def test_garbage_for_inputs_is_refused(value: Any) -> None:
    with pytest.raises(SchemaMismatch):
        inputs_from_json(value, NAMED)
    with pytest.raises(SchemaMismatch):
        instances_from_json(value, NAMED)


def tensor(dtype: str, *shape: int, name: str | None = None) -> Schema:
    return Schema((TensorSpec(np.dtype(dtype), shape, name),))


TENSORS: list[tuple[str, str, tuple[int, ...], Any]] = [
    ("[[1, 2.5]]", "float64", (-1, 2), [[1.0, 2.5]]),
    ("[[0.1]]", "float32", (-1, 1), [[float(np.float32(0.1))]]),
    ("[0.1]", "float16", (-1,), [float(np.float16(0.1))]),
    ("[1, 2.0]", "int8", (-1,), [1, 2]),
    ("[255]", "uint8", (-1,), [255]),
    ("[18446744073709551615]", "uint64", (-1,), [2**64 - 1]),
    ("[[true], [false]]", "bool", (2, 1), [[True], [False]]),
    ('["a", "bcd"]', "str", (-1,), ["a", "bcd"]),
    ('["aGk="]', "bytes", (-1,), [b"hi"]),
    ('["2024-01-01"]', "datetime64[ns]", (-1,), [JANUARY]),
    ("[]", "float64", (-1, 4), []),
    ("[[], []]", "float64", (-1, 0), [[], []]),
    ("[[]]", "float64", (-1, 0, 3), [[]]),
    ("5", "int64", (), 5),
    ('[null, {"a": 1}, [2]]', "object", (-1,), [None, {"a": 1}, [2]]),
    ('[[1, "x"]]', "object", (-1, 2), [[1, "x"]]),
]


@pytest.mark.parametrize(("text", "dtype", "shape", "read"), TENSORS)
def test_nested_lists_arrive_as_tensors(text: str, dtype: str, shape: tuple[int, ...], read: Any) -> None:
    data = tensors_from_json(json.loads(text), tensor(dtype, *shape))
    assert isinstance(data, np.ndarray)
    assert unsized(data) == np.dtype(dtype)
    assert data.tolist() == read
    assert len(data.shape) == len(shape)


def unsized(data: np.ndarray) -> np.dtype[Any]:
    return np.dtype(data.dtype.kind) if data.dtype.kind in "US" else data.dtype


BAD_TENSORS: list[tuple[str, str, tuple[int, ...]]] = [
    ("[[1, 2], [1]]", "float64", (-1, 2)),
    ("[[1, 2, 3]]", "float64", (-1, 2)),
    ("[[[1, 2]]]", "float64", (-1, 2)),
    ("[1, 2]", "float64", (-1, 2)),
    ("[[1, [2]]]", "float64", (-1, 2)),
    ("[[1, null]]", "float64", (-1, 2)),
    ('[[1, "2"]]', "float64", (-1, 2)),
    ("[[1, true]]", "float64", (-1, 2)),
    ("[[1, {}]]", "float64", (-1, 2)),
    ("[[1, 1e999]]", "float64", (-1, 2)),
    ("[[1, 9007199254740993]]", "float64", (-1, 2)),
    ("[1e39]", "float32", (-1,)),
    ("[70000]", "float16", (-1,)),
    ("[70000.5]", "float16", (-1,)),
    ("[1.5]", "int64", (-1,)),
    ("[128]", "int8", (-1,)),
    ("[-1]", "uint8", (-1,)),
    ("[-1]", "uint64", (-1,)),
    ("[18446744073709551616]", "uint64", (-1,)),
    ("[true]", "uint64", (-1,)),
    ("[1]", "bool", (-1,)),
    ("[1]", "str", (-1,)),
    ('["a\\u0000"]', "str", (-1,)),
    ('["\\ud800"]', "str", (-1,)),
    ('["\\ud800"]', "object", (-1,)),
    ('["AA=="]', "bytes", (-1,)),
    ('["***"]', "bytes", (-1,)),
    ("[0]", "datetime64[ns]", (-1,)),
    ("[1]", "complex128", (-1,)),
    ("[1]", "timedelta64[ns]", (-1,)),
    ("[]", "float64", (1, 4)),
    ("null", "float64", (-1,)),
    ("1", "float64", (-1,)),
    ('"1"', "float64", (-1,)),
    ('{"a": [1]}', "float64", (-1,)),
    ('[{"b64": "AAAA"}]', "float64", (-1,)),
    ("[1]", "float64", ()),
]


@pytest.mark.parametrize(("text", "dtype", "shape"), BAD_TENSORS)
@pytest.mark.parametrize("read", [tensors_from_json, inputs_from_json, instances_from_json])
def test_lists_that_are_no_such_tensor_are_refused(
    read: Callable[..., Any], text: str, dtype: str, shape: tuple[int, ...]
) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        read(json.loads(text), tensor(dtype, *shape))
    assert len(str(caught.value)) <= 300


def test_a_refused_tensor_names_the_row() -> None:
    with pytest.raises(SchemaMismatch, match="row 2"):
        tensors_from_json([[1, 2], [3, 4], [5, "x"]], tensor("float64", -1, 2))


LENIENT_TENSORS = [
    ("[1, null]", "float64", [1.0, None]),
    ('["1.5", true]', "float64", [1.5, 1.0]),
    ('["7"]', "int64", [7]),
]


@pytest.mark.parametrize(("text", "dtype", "read"), LENIENT_TENSORS)
def test_mlflows_leniency_takes_more_tensors(text: str, dtype: str, read: list[Any]) -> None:
    with pytest.raises(SchemaMismatch):
        tensors_from_json(json.loads(text), tensor(dtype, -1))
    data = tensors_from_json(json.loads(text), tensor(dtype, -1), coerce="mlflow")
    np.testing.assert_array_equal(data, np.array(read, dtype=dtype))


PAIR = Schema((TensorSpec(np.dtype("float64"), (-1, 2), "x"), TensorSpec(np.dtype("int64"), (-1,), "y")))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: inputs_from_json({"x": [[1, 2]], "y": [5], "z": None}, PAIR), id="inputs"),
        pytest.param(lambda: instances_from_json([{"x": [1, 2], "y": 5}], PAIR), id="instances"),
        pytest.param(lambda: instances_from_json({"x": [[1, 2]], "y": [5]}, PAIR), id="instances by name"),
        pytest.param(lambda: table_from_rows([[[1, 2], 5]], ["x", "y"], PAIR), id="rows"),
        pytest.param(lambda: table_from_records([{"x": [1, 2], "y": 5}], PAIR), id="records"),
    ],
)
def test_named_tensors_are_found_by_name_in_every_form(data: Callable[[], Any]) -> None:
    assert {name: one.tolist() for name, one in data().items()} == {"x": [[1.0, 2.0]], "y": [5]}


@pytest.mark.parametrize(
    "instances", [[{"x": [1, 2]}], [{"x": [1, 2], "y": 5}, 5], [5], {"x": [[1, 2]], "y": [5, 6]}]
)
def test_instances_must_name_every_tensor_equally_often(instances: Any) -> None:
    with pytest.raises(SchemaMismatch):
        instances_from_json(instances, PAIR)


def test_a_frame_is_taken_by_an_unnamed_tensor() -> None:
    wide = tensor("float64", -1, 2)
    assert table_from_rows([[1, 2.5], [3, 4]], ["p", "q"], wide).tolist() == [[1.0, 2.5], [3.0, 4.0]]  # type: ignore[union-attr]
    assert table_from_text([["1", "2.5"]], ["p", "q"], wide).tolist() == [[1.0, 2.5]]  # type: ignore[union-attr]
    with pytest.raises(SchemaMismatch):
        table_from_rows([[1, "x"]], ["p", "q"], wide)


def test_a_single_named_input_may_come_without_its_name() -> None:
    assert inputs_from_json([[1]], tensor("int64", -1, 1, name="x"))["x"].tolist() == [[1]]  # type: ignore[index]
    assert columns(inputs_from_json([1, 2], a_column(L))) == {"a": [1, 2]}


PLAIN_COLUMNS: list[tuple[list[Any], str, list[Any]]] = [
    ([True, False], "bool", [True, False]),
    ([1, 2], "int64", [1, 2]),
    ([1, 2.5], "float64", [1.0, 2.5]),
    ([1.5, None], "float64", [1.5, None]),
    ([2**53 + 1, None], "object", [2**53 + 1, None]),
    ([2**70], "object", [2**70]),
    ([None, None], "object", [None, None]),
    ([True, 1], "object", [True, 1]),
    (["x", 1], "object", ["x", 1]),
    ([[1], {"a": 2}], "object", [[1], {"a": 2}]),
    ([], "object", []),
]


@pytest.mark.parametrize(("values", "dtype", "read"), PLAIN_COLUMNS)
@pytest.mark.parametrize("schema", [None, Schema((ColumnSpec(AnyType()),))], ids=["none", "any"])
def test_without_a_schema_columns_are_what_they_look_like(
    values: list[Any], dtype: str, read: list[Any], schema: Schema | None
) -> None:
    for data in (
        table_from_rows([[value] for value in values], ["a"], schema),
        table_from_records([{"a": value} for value in values], schema) if values else None,
    ):
        if data is not None:
            assert isinstance(data, Table)
            assert data.columns["a"].dtype == np.dtype(dtype)
            np.testing.assert_array_equal(data.columns["a"], np.fromiter(read, dtype=object).astype(dtype))


def test_without_a_schema_csv_is_read_as_pandas_would() -> None:
    rows = [["1", "1.5", "True", "x", "", "9007199254740993"], ["2", "", "false", "", "", "1.5"]]
    read = table_from_text(rows, list("abcdef"), None)
    assert isinstance(read, Table)
    assert {name: str(one.dtype) for name, one in read.columns.items()} == {
        "a": "int64", "b": "float64", "c": "bool", "d": "object", "e": "float64", "f": "object"
    }  # fmt: skip
    assert read.columns["d"].tolist() == ["x", None]
    assert read.columns["f"].tolist() == ["9007199254740993", "1.5"]


@pytest.mark.parametrize(
    ("value", "dtype", "read"),
    [
        ([[1, 2], [3, 4]], "int64", [[1, 2], [3, 4]]),
        ([1, 2.5], "float64", [1.0, 2.5]),
        ([[True]], "bool", [[True]]),
        (["x", "y"], "object", ["x", "y"]),
        (["x", 1], "object", ["x", 1]),
        (5, "int64", 5),
        ("x", "object", "x"),
        ([], "object", []),
        ([[], []], "object", [[], []]),
    ],
)
def test_without_a_schema_inputs_are_arrays(value: Any, dtype: str, read: Any) -> None:
    data = inputs_from_json(value, None)
    assert isinstance(data, np.ndarray)
    assert (data.dtype, data.tolist()) == (np.dtype(dtype), read)


def test_without_a_schema_objects_are_dicts_of_arrays_and_lists_of_objects_stay() -> None:
    data = inputs_from_json({"a": [1, 2], "b": "x"}, None)
    assert isinstance(data, dict)
    assert {name: one.tolist() for name, one in data.items()} == {"a": [1, 2], "b": "x"}
    assert inputs_from_json([{"a": 1}, {"b": 2}], None) == [{"a": 1}, {"b": 2}]
    named = instances_from_json([{"a": 1}, {"a": 2}], None)
    assert isinstance(named, dict)
    assert named["a"].tolist() == [1, 2]


@pytest.mark.parametrize(
    "value", [[[1], [1, 2]], [1, [2]], [[1], 2], ["\ud800"], [{"a": "\ud800"}], [1e999], {"a": [[1], 2]}]
)
def test_without_a_schema_lists_must_still_be_even_and_proper(value: Any) -> None:
    with pytest.raises(SchemaMismatch):
        inputs_from_json(value, None)


@pytest.mark.parametrize("value", [[{"a": 1}, {"b": 2}], [{"a": 1}, 5], {"a": [1], "b": [1, 2]}])
def test_without_a_schema_instances_must_still_be_of_one_length(value: Any) -> None:
    with pytest.raises(SchemaMismatch):
        instances_from_json(value, None)


def test_without_a_schema_depth_is_bounded() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(SchemaMismatch, match="levels"):
        inputs_from_json(deep, None)
