"""Rows side by side, and apart again."""

import sys
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.schema import ColumnSpec, DataType, Schema, Table, wire
from modelpack.schema.compile import ColumnDecoder, Numbers, compile_schema
from serving._rows import RowsLost, are_alike, has_rows, join, layout_of, split

SCHEMA = Schema(
    (
        ColumnSpec(DataType.long, "k", required=False),
        ColumnSpec(DataType.string, "s", required=False),
        ColumnSpec(DataType.datetime, "t", required=False),
        ColumnSpec(DataType.double, "d"),
    )
)
CELLS = {
    "k": st.integers(-5, 5),
    "s": st.text("ab", max_size=2),
    "t": st.sampled_from(["2024-01-31", "2024-02-01"]),
    "d": st.floats(-5, 5),
}


def table_of(rows: list[list[Any]], names: tuple[str, ...] = ("k", "s", "t", "d")) -> Table:
    table = wire.table_from_rows(rows, names, SCHEMA)
    assert isinstance(table, Table)
    return table


def check_same(one: Any, other: Any) -> None:
    if isinstance(one, Table):
        assert list(one.columns) == list(other.columns)
        pd.testing.assert_frame_equal(one.frame(), other.frame())
    else:
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@given(parts=st.lists(st.lists(st.tuples(*CELLS.values()), min_size=1, max_size=4), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_joined_tables_are_the_table_of_all_rows(parts: list[list[tuple[Any, ...]]]) -> None:
    tables = [table_of([list(row) for row in part]) for part in parts]
    assert len({layout_of(table) for table in tables}) == 1
    whole = table_of([list(row) for part in parts for row in part])
    joined = join(tables)
    check_same(joined, whole)
    for part, table in zip(split(joined, [table.rows for table in tables]), tables, strict=True):
        check_same(part, table)


def test_a_table_with_something_missing_does_not_stand_beside_one_without() -> None:
    whole, missing = table_of([[1, "a", "2024-01-31", 1]]), table_of([[None, "a", "2024-01-31", 1]])
    assert layout_of(whole) != layout_of(missing)
    check_same(join([missing, missing]), table_of([[None, "a", "2024-01-31", 1]] * 2))


def test_a_text_that_is_missing_everywhere_does_not_stand_beside_one_that_is_there() -> None:
    there, missing = table_of([[1, "a", "2024-01-31", 1]]), table_of([[1, None, "2024-01-31", 1]])
    some = table_of([[1, "a", "2024-01-31", 1], [1, None, "2024-01-31", 1]])
    assert layout_of(there) == layout_of(some) != layout_of(missing)
    check_same(join([there, some]), table_of([[1, text, "2024-01-31", 1] for text in ("a", "a", None)]))


@pytest.mark.parametrize("names", [("s", "t", "d"), ("k", "d"), ("d",)])
def test_tables_with_other_columns_have_another_layout(names: tuple[str, ...]) -> None:
    cells = {"k": 1, "s": "a", "t": "2024-01-31", "d": 1}
    less = table_of([[cells[name] for name in names]], names)
    assert layout_of(less) != layout_of(table_of([list(cells.values())]))


def test_tables_of_numbers_stay_such_and_stand_beside_other_tables() -> None:
    schema = Schema((ColumnSpec(DataType.double, "a"), ColumnSpec(DataType.long, "b")))
    decoder = compile_schema(schema)
    assert isinstance(decoder, ColumnDecoder)
    one, two = (decoder.from_rows([[number, 2]], ["a", "b"]) for number in (1.5, 2.5))
    plain = wire.table_from_rows([[None, 4]], ["a", "b"], schema)
    assert isinstance(join([one, two]), Numbers)
    assert layout_of(one) == layout_of(plain)
    check_same(
        join([one, two, plain]), wire.table_from_rows([[1.5, 2], [2.5, 2], [None, 4]], ["a", "b"], schema)
    )


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param([np.ones((2, 3)), np.zeros((1, 3))], id="matrix"),
        pytest.param([np.ones(2), np.zeros(1)], id="row"),
        pytest.param([np.ones((2, 3, 4), np.float32), np.zeros((1, 3, 4), np.float32)], id="cube"),
        pytest.param([np.array(["a", "b"], object), np.array(["c"], object)], id="texts"),
    ],
)
def test_arrays_are_joined_along_their_rows(inputs: list[np.ndarray]) -> None:
    assert layout_of(inputs[0]) == layout_of(inputs[1])
    joined = join(inputs)
    np.testing.assert_array_equal(joined, np.concatenate(inputs))
    for part, one in zip(split(joined, [2, 1]), inputs, strict=True):
        check_same(part, one)
    named = join([{"x": one, "y": one} for one in inputs])
    np.testing.assert_array_equal(named["y"], joined)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.ones((1, 3)), np.ones((1, 2))),
        (np.ones((1, 3)), np.ones((1, 3), np.float32)),
        (np.ones((1, 3)), np.ones((1, 3, 1))),
        ({"x": np.ones(1)}, {"y": np.ones(1)}),
        ({"x": np.ones(1)}, {"x": np.ones(1), "y": np.ones(1)}),
        ({"x": np.ones(1), "y": np.ones(1)}, {"y": np.ones(1), "x": np.ones(1)}),
        ({"x": np.ones(1)}, np.ones(1)),
    ],
)
def test_other_shapes_types_and_names_are_other_layouts(one: Any, other: Any) -> None:
    assert layout_of(one) is not None
    assert layout_of(one) != layout_of(other)


@pytest.mark.parametrize(
    "data",
    [
        np.array(1.0),
        {},
        {"x": np.ones(2), "y": np.ones(3)},
        {"x": np.array(1.0)},
        {"x": [1]},
        [1, 2],
        "text",
        None,
    ],
)
def test_input_without_rows_has_no_layout(data: Any) -> None:
    assert layout_of(data) is None


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(np.arange(3), id="array"),
        pytest.param(np.ones((3, 2)), id="matrix"),
        pytest.param(np.ma.array([1, 2, 3], mask=[False, True, False]), id="masked"),
        pytest.param(["a", "b", None], id="list"),
        pytest.param(("a", "b", "c"), id="tuple"),
        pytest.param(pd.Series([1.5, 2.5, 3.5], name="x"), id="series"),
        pytest.param(pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}), id="frame"),
        pytest.param(pd.DataFrame({"a": [1, 2, 3]}, index=["p", "q", "r"]), id="labelled frame"),
        pytest.param({"label": np.arange(3), "p": [0.1, 0.2, 0.3]}, id="dict"),
        pytest.param(MappingProxyType({"label": np.arange(3)}), id="mapping"),
        pytest.param(Table({"a": np.arange(3)}, 3), id="table"),
    ],
)
def test_answers_are_split_by_rows(result: Any) -> None:
    assert has_rows(result, 3)
    first, second = split(result, [1, 2])
    for part, rows, place in ((first, 1, 0), (second, 2, 1)):
        assert has_rows(part, rows)
        assert are_alike(row(part, 0), row(result, place))


def row(result: Any, place: int) -> Any:
    if isinstance(result, dict | MappingProxyType):
        return {name: row(part, place) for name, part in result.items()}
    if isinstance(result, Table):
        return row(result.columns, place) if isinstance(result.columns, dict) else None
    return result.iloc[place].tolist() if isinstance(result, pd.DataFrame) else list(result)[place]


def test_a_part_of_a_frame_counts_its_rows_from_0_unless_they_have_names() -> None:
    counted = split(pd.DataFrame({"a": [1, 2, 3]}), [1, 2])[1]
    assert counted.index.tolist() == [0, 1]
    assert split(pd.Series([1, 2, 3]), [1, 2])[1].index.tolist() == [0, 1]
    named = split(pd.DataFrame({"a": [1, 2, 3]}, index=["p", "q", "r"]), [1, 2])[1]
    assert named.index.tolist() == ["q", "r"]


@pytest.mark.parametrize(
    "result",
    [
        np.arange(2),
        np.array(3),
        [1, 2],
        "abc",
        3,
        None,
        {},
        {"a": [1, 2, 3], "b": 1},
        {"a": [1, 2]},
        pd.Series([1]),
    ],
)
def test_an_answer_of_another_length_is_not_split(result: Any) -> None:
    assert not has_rows(result, 3)
    with pytest.raises(RowsLost, match="its answer to 3 rows does not have 3 rows"):
        split(result, [1, 2])


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        (np.array([1.0, np.nan]), np.array([1.0 + 1e-12, np.nan]), True),
        (np.array([1.0]), np.array([1.001]), False),
        (np.array([1]), np.array([1.0]), False),
        (np.array([1]), np.array([[1]]), False),
        (np.array([1]), np.array([2]), False),
        (np.array(["a"]), np.array(["a"], "<U9"), True),
        (np.array(["a"]), np.array(["b"]), False),
        (np.array(["a", None], object), np.array(["a", None], object), True),
        (np.array(["NaT"], "datetime64[s]"), np.array(["NaT"], "datetime64[s]"), True),
        (np.array(["NaT"], "datetime64[s]"), np.array([0], "datetime64[s]"), False),
        (np.ma.array([1, 2], mask=[False, True]), np.ma.array([1, 3], mask=[False, True]), True),
        (np.ma.array([1, 2], mask=[False, True]), np.ma.array([1, 2], mask=[False, False]), False),
        ([1.0, "a"], [1.0 + 1e-12, "a"], True),
        ([1.0], [1], False),
        ([1], [1, 2], False),
        ({"a": [1]}, {"a": [1]}, True),
        ({"a": [1]}, {"b": [1]}, False),
        (Table({"a": np.ones(1)}, 1), Table({"a": np.ones(1)}, 1), True),
        (Table({"a": np.ones(1)}, 1), Table({"a": np.zeros(1)}, 1), False),
        (pd.Series([1.0, None]), pd.Series([1.0, None]), True),
        (pd.Series([1.0]), pd.Series([1.0], name="x"), False),
        (pd.Series([1]), pd.Series([1.0]), False),
        (pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": ["x"]}), True),
        (pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": ["y"]}), False),
        (pd.DataFrame({"a": ["x"]}), pd.DataFrame({"b": ["x"]}), False),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1.0]}), False),
        (np.float64(0.1), np.float64(0.1), True),
        ("a", b"a", False),
    ],
)
def test_answers_are_alike_but_for_the_last_digits(one: Any, other: Any, wanted: bool) -> None:
    assert are_alike(one, other) is wanted
    assert are_alike(other, one) is wanted


def test_splitting_needs_no_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pandas")
    assert split([1, 2], [1, 1]) == [[1], [2]]
    assert not has_rows(object(), 1)
