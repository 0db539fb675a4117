"""Compiled schemas: what they read equals what the wire module reads, and in doubt they read nothing."""

import math
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelpack.errors import SchemaMismatch
from modelpack.schema import Array, ColumnSpec, DataType, Schema, Table, TensorSpec, wire
from modelpack.schema.compile import ColumnDecoder, Numbers, TensorDecoder, compile_schema

NUMBERS = {"age": DataType.long, "income": DataType.double, "n": DataType.integer, "share": DataType.float}
MIXED = {**NUMBERS, "plan": DataType.string, "paid": DataType.boolean, "since": DataType.datetime}


def schema_of(columns: dict[str, DataType], optional: tuple[str, ...] = ()) -> Schema:
    return Schema(tuple(ColumnSpec(type_, name, name not in optional) for name, type_ in columns.items()))


def decoder_of(columns: dict[str, DataType], optional: tuple[str, ...] = ()) -> ColumnDecoder:
    decoder = compile_schema(schema_of(columns, optional))
    assert isinstance(decoder, ColumnDecoder)
    return decoder


def tensor_of(dtype: str, *shape: int, name: str | None = None) -> TensorDecoder:
    decoder = compile_schema(Schema((TensorSpec(np.dtype(dtype), shape, name),)))
    assert isinstance(decoder, TensorDecoder)
    return decoder


def check_same(met: Any, wanted: Any) -> None:
    """That two tables are one to any model: names, order, dtypes, values, frame and matrix."""
    assert isinstance(met, Table)
    assert isinstance(wanted, Table)
    assert met.rows == wanted.rows == len(met)
    assert list(met.columns) == list(wanted.columns)
    for name, column in wanted.columns.items():
        assert met.columns[name].dtype == column.dtype
        np.testing.assert_array_equal(met.columns[name], column)
    pd.testing.assert_frame_equal(met.frame(), wanted.frame())
    if all(column.dtype.kind in "biuf" for column in wanted.columns.values()):
        check_same_matrix(met, wanted)


def check_same_matrix(met: Table, wanted: Table) -> None:
    try:
        matrix = wanted.matrix()
    except SchemaMismatch as error:
        # A whole number that the floats beside it cannot hold.
        with pytest.raises(SchemaMismatch, match=re.escape(str(error))):
            met.matrix()
        return
    assert met.matrix().dtype == matrix.dtype
    np.testing.assert_array_equal(met.matrix(), matrix)


ROWS = [[33, 1.5, 7, 0.1], [2.0, -4, -(2**31), 16777216], [0, 1e15, 2**31 - 1, -0.5]]


@pytest.mark.parametrize("count", [1, 2, 3, 40])
def test_rows_of_numbers_become_the_table_that_the_wire_module_makes(count: int) -> None:
    rows = (ROWS * 20)[:count]
    table = decoder_of(NUMBERS).from_rows(rows, list(NUMBERS))
    check_same(table, wire.table_from_rows(rows, list(NUMBERS), schema_of(NUMBERS)))


@pytest.mark.parametrize("count", [1, 30])
def test_rows_of_many_types_become_the_table_that_the_wire_module_makes(count: int) -> None:
    rows: list[Any] = [
        [33, 1.5, 7, 0.1, "Böll", True, "2024-01-31T12:00:00"],
        [1, None, 2, 3, "", False, "2024-01-31"],
    ]
    rows = (rows * 15)[:count]
    table = decoder_of(MIXED).from_rows(rows, list(MIXED))
    check_same(table, wire.table_from_rows(rows, list(MIXED), schema_of(MIXED)))


def test_columns_come_in_the_schemas_order_whatever_theirs_is() -> None:
    rows: list[Any] = [
        [True, "x", 0.5, 1, 2.5, 3, "2024-01-31", [1]],
        [False, "y", 1, 4, 5, 6, "2024-02-01", {}],
    ]
    names = ["paid", "plan", "share", "n", "income", "age", "since", "more"]
    table = decoder_of(MIXED).from_rows(rows, names)
    check_same(table, wire.table_from_rows(rows, names, schema_of(MIXED)))


def test_records_become_the_table_that_the_wire_module_makes() -> None:
    records: list[Any] = [
        {"more": [1], "n": 1, "age": 2, "share": 0.25, "income": 3},
        {"age": 5, "income": 6, "n": 7, "share": 8},
    ]
    check_same(
        decoder_of(NUMBERS).from_records(records), wire.table_from_records(records, schema_of(NUMBERS))
    )


def test_optional_columns_may_be_absent_and_optional_texts_null() -> None:
    optional = ("plan", "age")
    rows: list[Any] = [[1.5, 2, 3, None, True, "2024-01-31"], [2.5, 3, 4, "x", False, "2024-01-31"]]
    names = ["income", "n", "share", "plan", "paid", "since"]
    table = decoder_of(MIXED, optional).from_rows(rows, names)
    check_same(table, wire.table_from_rows(rows, names, schema_of(MIXED, optional)))


def test_names_that_are_numbers_may_be_written_as_texts() -> None:
    schema = Schema((ColumnSpec(DataType.double, 0), ColumnSpec(DataType.long, 1)))
    decoder = compile_schema(schema)
    assert isinstance(decoder, ColumnDecoder)
    written: list[Any] = [[0, 1], ["0", "1"], ["1", "0"], None]
    for names in written:
        check_same(decoder.from_rows([[1, 2]], names), wire.table_from_rows([[1, 2]], names, schema))


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        pytest.param([], ["age", "income", "n", "share"], id="no rows"),
        pytest.param([[1, 2, 3]], ["age", "income", "n"], id="a column lacks"),
        pytest.param([[1, 2, 3, 4, 5]], ["age", "income", "n", "share", "age"], id="a name twice"),
        pytest.param([[1, 2, 3, 4], [1, 2, 3]], ["age", "income", "n", "share"], id="ragged rows"),
        pytest.param([[1, 2, 3]], ["age", "income", "n", "share"], id="short row"),
        pytest.param([(1, 2, 3, 4)], ["age", "income", "n", "share"], id="not a list"),
        pytest.param([[1, 2, 3, 4]], ["age", "income", "n", 3], id="a name that is no text"),
        pytest.param([[1, 2, 3, 4]], ["age", "income", "n", ["share"]], id="a name that is a list"),
        pytest.param([[1.5, 2, 3, 4]], ["age", "income", "n", "share"], id="a fraction in a long column"),
        pytest.param([[1, 2, 2**31, 4]], ["age", "income", "n", "share"], id="too large for an integer"),
        pytest.param([[1, 2**53 + 1, 3, 4]], ["age", "income", "n", "share"], id="no double"),
        pytest.param([[1, 2, 3, 2**24 + 1]], ["age", "income", "n", "share"], id="no float"),
        pytest.param([[1, 2, 3, 1e39]], ["age", "income", "n", "share"], id="a float too large"),
        pytest.param([[2**63, 2, 3, 4]], ["age", "income", "n", "share"], id="too large for a long"),
        pytest.param([[1, True, 3, 4]], ["age", "income", "n", "share"], id="a boolean"),
        pytest.param([[1, "2", 3, 4]], ["age", "income", "n", "share"], id="a text"),
        pytest.param([[None, 2, 3, 4]], ["age", "income", "n", "share"], id="null in a long column"),
        pytest.param([[1, [2], 3, 4]], ["age", "income", "n", "share"], id="a list in a cell"),
    ],
)
@pytest.mark.parametrize("more", [0, 30])
def test_in_doubt_there_is_no_table(rows: list[Any], names: list[Any], more: int) -> None:
    assert decoder_of(NUMBERS).from_rows([*rows, *([[1, 2, 3, 4]] * more if rows else ())], names) is None


@pytest.mark.parametrize(
    "row",
    [
        [1, 2, 3, 4, None, True, "2024-01-31"],
        [1, 2, 3, 4, "x", 1, "2024-01-31"],
        [1, 2, 3, 4, "x", True, "yesterday"],
        [1, 2, 3, 4, "x", True, 5],
    ],
)
def test_texts_booleans_and_times_of_another_kind_make_no_table(row: list[Any]) -> None:
    assert decoder_of(MIXED).from_rows([row], list(MIXED)) is None


@pytest.mark.parametrize(
    "records", [[], [1], [{"age": 1}], [{"age": 1, "income": 2, "n": 3, "share": 4}, {}]]
)
def test_records_that_lack_a_column_make_no_table(records: list[Any]) -> None:
    assert decoder_of(NUMBERS).from_records(records) is None


def test_a_float_that_may_have_been_an_integer_of_more_than_64_bits_makes_no_table() -> None:
    decoder = decoder_of({"income": DataType.double})
    assert decoder.from_rows([[float(2**64)]], ["income"]) is None
    assert decoder.from_rows([[-float(2**63)]], ["income"]) is None
    assert decoder.from_rows([[float(2**63) - 1024]], ["income"]) is not None


@pytest.mark.parametrize("count", [1, 40])
def test_a_block_becomes_the_table_that_the_wire_module_makes_of_its_rows(count: int) -> None:
    rows = [[float(number), number / 3, -float(number), number / 7] for number in range(1, count + 1)]
    names = ["n", "share", "age", "income"]
    wanted = wire.table_from_rows([[*map(as_written, row)] for row in rows], names, schema_of(NUMBERS))
    check_same(decoder_of(NUMBERS).from_block(np.array(rows), names), wanted)


def as_written(number: float) -> float | int:
    return int(number) if number.is_integer() else number


@pytest.mark.parametrize(
    "row",
    [
        [1.5, 1, 1, 1],
        [-0.0, 1, 1, 1],
        [1, 2.0**53, 1, 1],
        [1, 1, 2.0**31, 1],
        [1, 1, 1, 2.0**24 + 2],
        [1, math.nan, 1, 1],
        [math.inf, 1, 1, 1],
        [1, 1, -(2.0**31) - 1, 1],
    ],
)
@pytest.mark.parametrize("more", [0, 30])
def test_a_block_with_a_number_in_doubt_makes_no_table(row: list[float], more: int) -> None:
    block = np.array([*[[1.0, 1, 1, 1]] * more, row])
    assert decoder_of(NUMBERS).from_block(block, list(NUMBERS)) is None


def test_a_minus_zero_in_a_long_column_is_the_zero_that_it_is() -> None:
    table = decoder_of(NUMBERS).from_rows([[-0.0, -0.0, 1, 1]], list(NUMBERS))
    assert table is not None
    assert np.signbit(table.matrix()).tolist() == [[False, True, False, False]]


@pytest.mark.parametrize("names", [["age"], ["age", "income", "n"], None, ["age", "income", "n", "n"]])
def test_a_block_under_other_names_makes_no_table(names: list[str] | None) -> None:
    assert decoder_of(NUMBERS).from_block(np.ones((2, 4)), names) is None


def test_a_table_of_doubles_gives_its_block_as_the_matrix_without_a_copy() -> None:
    block = np.ones((3, 2))
    table = decoder_of({"a": DataType.double, "b": DataType.double}).from_block(block, ["a", "b"])
    assert table is not None
    assert np.shares_memory(table.matrix(), block)
    assert "columns" not in vars(table)


def test_tables_of_numbers_stack() -> None:
    decoder = decoder_of(NUMBERS)
    parts = [decoder.from_rows([row], list(NUMBERS)) for row in ROWS[:2]]
    stacked = Numbers.stack([part for part in parts if isinstance(part, Numbers)])
    check_same(stacked, wire.table_from_rows(ROWS[:2], list(NUMBERS), schema_of(NUMBERS)))


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32"])
@pytest.mark.parametrize("shape", [(1,), (2, 1), (50,), (2, 3), (9, 7), (2, 3, 4), (1, 1, 1)])
def test_lists_become_the_tensor_that_the_wire_module_makes(dtype: str, shape: tuple[int, ...]) -> None:
    value = (np.arange(math.prod(shape)).reshape(shape) - 2).tolist()
    free = (-1,) * len(shape)
    schema = Schema((TensorSpec(np.dtype(dtype), free),))
    met = tensor_of(dtype, *free).from_lists(value)
    wanted: Any = wire.inputs_from_json(value, schema)
    assert met.dtype == wanted.dtype
    np.testing.assert_array_equal(met, wanted)
    named = tensor_of(dtype, *free, name="x").from_lists(value)
    np.testing.assert_array_equal(named["x"], wanted)


@pytest.mark.parametrize(
    "value",
    [
        1,
        None,
        [],
        [[]],
        [[1, 2], [3]],
        [[1], 2],
        [[1, "2"]],
        [[True, 2]],
        [[1, None]],
        [[[1, 2]]],
        [[1, 2, 3]],
        {},
    ],
)
def test_lists_of_another_shape_or_kind_make_no_tensor(value: Any) -> None:
    assert tensor_of("float64", -1, 2).from_lists(value) is None


@pytest.mark.parametrize(
    ("dtype", "number"), [("int32", 0.5), ("int32", 2**31), ("float32", 2**24 + 1), ("int64", 2**53)]
)
@pytest.mark.parametrize("more", [0, 40])
def test_a_number_in_doubt_makes_no_tensor(dtype: str, number: float, more: int) -> None:
    decoder = tensor_of(dtype, -1, 1)
    assert decoder.from_lists([[1]] * more + [[number]]) is None
    assert decoder.from_block(np.array([[1.0]] * more + [[float(number)]])) is None


def test_a_block_becomes_a_tensor_of_its_shape() -> None:
    block = np.arange(6.0).reshape(3, 2)
    assert tensor_of("int32", -1, 2).from_block(block.copy()).dtype == np.int32
    assert tensor_of("float64", -1, 2).from_block(block.copy()).tolist() == block.tolist()
    assert tensor_of("float64", -1, 3).from_block(block.copy()) is None
    assert tensor_of("float64", -1).from_block(block.copy()) is None


@pytest.mark.parametrize(
    "schema",
    [
        None,
        Schema((ColumnSpec(DataType.double),)),
        Schema((ColumnSpec(Array(DataType.double), "a"),)),
        Schema((TensorSpec(np.dtype("uint8"), (-1, 2)),)),
        Schema((TensorSpec(np.dtype("float64"), (-1, 2, 2, 2)),)),
        Schema((TensorSpec(np.dtype("float64"), (-1,), "a"), TensorSpec(np.dtype("float64"), (-1,), "b"))),
    ],
)
def test_rare_schemas_are_not_compiled(schema: Schema | None) -> None:
    assert compile_schema(schema) is None


CELLS = st.one_of(
    st.integers(-(2**64), 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, 1, -0.0, 1.0, 2**24, 2**24 + 1, 2**31, 2**53, 2**53 + 1, 2**63, True, None, "1", ""]),
    st.text(max_size=3).filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text)),
)


@given(rows=st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=12))
@example(rows=[[2**53 + 1, 0, 0, 0]])
@settings(max_examples=300, deadline=None)
def test_whatever_is_read_is_what_the_wire_module_reads(rows: list[list[Any]]) -> None:
    columns = {"a": DataType.double, "k": DataType.long, "s": DataType.string, "f": DataType.float}
    for kinds in (columns, NUMBERS):
        table = decoder_of(kinds).from_rows(rows, list(kinds))
        if table is not None:
            check_same(table, wire.table_from_rows(rows, list(kinds), schema_of(kinds)))


def test_what_the_wire_module_refuses_is_never_read() -> None:
    decoder, schema = decoder_of({"k": DataType.long}), schema_of({"k": DataType.long})
    refused: list[Any] = [1.5, True, "1", None, 2**63, [], {}]
    for cell in refused:
        with pytest.raises(SchemaMismatch):
            wire.table_from_rows([[cell]], ["k"], schema)
        assert decoder.from_rows([[cell]], ["k"]) is None
