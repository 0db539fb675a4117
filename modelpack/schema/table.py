"""Columns of one length: what a model with a column signature receives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelpack.errors import SchemaMismatch

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Table:
    """*rows* rows of named columns, each a 1-D array of that length.

    Arrays of bool, int32, int64, float32, float64 and datetime64[ns] hold columns of those types; arrays of
    objects hold text (or None), bytes (or None), lists and objects. Boolean or whole-number columns with
    missing values are ``numpy.ma.MaskedArray``. A column of the type any is an array of the first sort where
    all of it is of one kind, else of objects. A column without a name is known by its position.
    """

    columns: Mapping[str | int, np.ndarray]
    rows: int

    def __post_init__(self) -> None:
        for name, column in self.columns.items():
            if column.ndim != 1 or len(column) != self.rows:
                raise ValueError(f"column {name!r} has the shape {column.shape}, the table {self.rows} rows")

    def __len__(self) -> int:
        return self.rows

    def frame(self) -> "pd.DataFrame":
        """As a pandas DataFrame, with nullable columns (Int64, boolean) where such values are missing."""
        import pandas as pd

        rows = pd.RangeIndex(self.rows)
        if self._is_uniform():
            # One block of memory, as pandas keeps it: many times quicker than column by column.
            return pd.DataFrame(self.matrix(), index=rows, columns=list(self.columns))
        columns = {name: _nullable(column) for name, column in self.columns.items()}
        return pd.DataFrame(columns, index=rows, columns=list(columns))

    def matrix(self) -> np.ndarray:
        """As a 2-D array, rows by columns, in the smallest dtype of numpy's that all columns fit.

        Missing values become NaN. Raises SchemaMismatch for a column that holds no numbers or booleans, and
        for a whole number that the common float dtype cannot hold exactly.
        """
        for name, column in self.columns.items():
            if column.dtype.kind not in "biuf":
                raise SchemaMismatch(column=str(name), wanted="numbers", got=f"a column of {_kind(column)}")
        if not self.columns:
            return np.empty((self.rows, 0))
        if self._is_uniform():
            return np.stack(list(self.columns.values()), axis=1)
        common = np.result_type(*map(_dtype, self.columns.values()))
        matrix = np.empty((self.rows, len(self.columns)), dtype=common)
        for place, (name, column) in enumerate(self.columns.items()):
            matrix[:, place] = _as_float(column, common, str(name)) if common.kind == "f" else column
        return matrix

    def _is_uniform(self) -> bool:
        """Whether all columns are numbers or booleans of one dtype, none of which can be missing."""
        dtypes = {column.dtype for column in self.columns.values()}
        masked = any(isinstance(column, np.ma.MaskedArray) for column in self.columns.values())
        return len(dtypes) == 1 and not masked and dtypes.pop().kind in "biuf"


def _nullable(column: np.ndarray) -> Any:
    import pandas as pd

    if not isinstance(column, np.ma.MaskedArray):
        return column
    mask = np.ma.getmaskarray(column)
    if column.dtype.kind == "b":
        return pd.arrays.BooleanArray(column.data.copy(), mask.copy())
    return pd.arrays.IntegerArray(column.data.copy(), mask.copy())


def _dtype(column: np.ndarray) -> np.dtype[Any]:
    return np.dtype("float64") if np.ma.is_masked(column) else column.dtype


def _as_float(column: np.ndarray, common: np.dtype[Any], name: str) -> np.ndarray:
    plain = np.ma.filled(column, 0) if isinstance(column, np.ma.MaskedArray) else column
    numbers = plain.astype(common)
    if plain.dtype.kind in "iu":
        _check_exact(plain, numbers, name)
    if isinstance(column, np.ma.MaskedArray):
        numbers[np.ma.getmaskarray(column)] = np.nan
    return numbers


def _check_exact(whole: np.ndarray, numbers: np.ndarray, name: str) -> None:
    holds = 2 ** (np.finfo(numbers.dtype).nmant + 1)
    for row in np.flatnonzero((whole > holds) | (whole < -holds)):
        if int(numbers[row]) != int(whole[row]):
            wanted = f"a number that {numbers.dtype} can hold exactly, as the other columns need"
            raise SchemaMismatch(row=int(row), column=name, wanted=wanted, got=str(int(whole[row])))


def _kind(column: np.ndarray) -> str:
    return "text, bytes or objects" if column.dtype.kind == "O" else str(column.dtype)
