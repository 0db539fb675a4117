"""Tables: as a frame and as a matrix."""

import numpy as np
import pytest

from modelpack.errors import SchemaMismatch
from modelpack.schema import Table


def masked(values: list[object], missing: list[bool], dtype: str) -> np.ndarray:
    return np.ma.MaskedArray(np.array(values, dtype=dtype), mask=missing)


TABLE = Table(
    {
        "f": np.array([1.5, 2.5]),
        "i": masked([1, 0], [False, True], "int32"),
        "l": masked([2**60 + 1, 0], [False, True], "int64"),
        "b": masked([True, False], [False, True], "bool"),
        "s": np.array(["x", None], dtype=object),
        "t": np.array(["2024-01-01", "NaT"], dtype="datetime64[ns]"),
        7: np.array([1, 2]),
    },
    2,
)


def test_a_frame_has_nullable_columns_where_whole_numbers_or_booleans_are_missing() -> None:
    frame = TABLE.frame()
    assert list(frame.columns) == ["f", "i", "l", "b", "s", "t", 7]
    kinds = {name: str(dtype) for name, dtype in frame.dtypes.items() if name != "s"}
    assert kinds == {
        "f": "float64",
        "i": "Int32",
        "l": "Int64",
        "b": "boolean",
        "t": "datetime64[ns]",
        7: "int64",
    }
    assert frame["l"][0] == 2**60 + 1
    assert frame.isna().iloc[1].tolist() == [False, True, True, True, True, True, False]


def test_a_frame_may_have_no_rows_or_no_columns() -> None:
    assert Table({"a": np.array([])}, 0).frame().shape == (0, 1)
    assert Table({}, 3).frame().shape == (3, 0)


def test_lists_and_objects_stay_in_their_cells() -> None:
    cells = np.fromiter([[1, 2], {"a": 1}], dtype=object, count=2)
    assert Table({"a": cells}, 2).frame()["a"].tolist() == [[1, 2], {"a": 1}]


def test_a_matrix_has_the_columns_in_order_and_the_dtype_that_fits_all() -> None:
    table = Table({"a": np.array([1, 2], dtype="int32"), "b": np.array([0.5, 1.5], dtype="float32")}, 2)
    matrix = table.matrix()
    assert matrix.dtype == np.float64
    assert matrix.tolist() == [[1.0, 0.5], [2.0, 1.5]]


@pytest.mark.parametrize(
    ("columns", "dtype"),
    [
        ({"a": np.array([1.0, 2.0], dtype="float32")}, "float32"),
        ({"a": np.array([True, False])}, "bool"),
        ({"a": np.array([True, False]), "b": np.array([1, 2])}, "int64"),
        ({"a": masked([1, 2], [False, False], "int64")}, "int64"),
    ],
)
def test_a_matrix_of_one_kind_keeps_its_dtype(columns: dict[str | int, np.ndarray], dtype: str) -> None:
    matrix = Table(columns, 2).matrix()
    assert matrix.dtype == np.dtype(dtype)
    assert not isinstance(matrix, np.ma.MaskedArray)


def test_what_is_missing_is_nan_in_a_matrix() -> None:
    table = Table(
        {"a": masked([1, 2], [False, True], "int64"), "b": masked([True, True], [True, False], "bool")}, 2
    )
    np.testing.assert_array_equal(table.matrix(), [[1.0, np.nan], [np.nan, 1.0]])


@pytest.mark.parametrize("kind", ["s", "t"])
def test_a_matrix_holds_only_numbers(kind: str) -> None:
    with pytest.raises(SchemaMismatch, match=f"'{kind}'"):
        Table({kind: TABLE.columns[kind]}, 2).matrix()


def test_a_matrix_never_rounds_a_whole_number() -> None:
    table = Table({"a": np.array([1, 2**53 + 1]), "b": np.array([0.5, 0.5])}, 2)
    with pytest.raises(SchemaMismatch, match="row 1, column 'a'"):
        table.matrix()
    assert Table({"a": np.array([2**53 + 1])}, 1).matrix()[0, 0] == 2**53 + 1
    exact = Table({"a": np.array([2**60]), "b": np.array([0.5])}, 1)
    assert exact.matrix()[0, 0] == 2.0**60


def test_a_matrix_without_columns_has_its_rows() -> None:
    assert Table({}, 3).matrix().shape == (3, 0)


@pytest.mark.parametrize("column", [np.zeros(3), np.zeros((2, 1))])
def test_all_columns_have_the_length_of_the_table(column: np.ndarray) -> None:
    with pytest.raises(ValueError, match="'a'"):
        Table({"a": column}, 2)
