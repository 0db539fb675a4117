"""Rows of several callers in one input, and their answers apart again."""

import sys
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from modelpack.schema import Table
from modelpack.schema.compile import Numbers

_RELATIVE, _ABSOLUTE = 1e-6, 1e-9
"""How far two answers to one row may lie apart: for many rows a library may add in another order."""


class RowsLost(Exception):
    """An answer that does not consist of one answer for each row."""


def layout_of(data: Any) -> Hashable | None:
    """What inputs have in common whose rows may stand in one; None for input without rows."""
    if isinstance(data, Numbers):
        return "table", data.layout.names, data.layout.dtypes, ()
    if isinstance(data, Table):
        columns = data.columns.values()
        # With something missing a column has another dtype in a frame, and its neighbours would have it too.
        odd = tuple(map(_is_odd, columns))
        dtypes = tuple(column.dtype for column in columns)
        return "table", tuple(data.columns), dtypes, odd if any(odd) else ()
    if type(data) is np.ndarray and data.ndim:
        return "array", data.dtype, data.shape[1:]
    if type(data) is dict and data:
        parts = [(name, layout_of(part)) for name, part in data.items() if type(part) is np.ndarray]
        lengths = {part.shape[:1] for part in data.values() if type(part) is np.ndarray}
        if len(parts) == len(data) and len(lengths) == 1 and lengths != {()}:
            return "arrays", tuple(parts)
    return None


def _is_odd(column: np.ndarray) -> bool:
    """Whether *column* has something missing, or nothing but missing objects: pandas 3 keeps these as None,
    and beside a text they would be NaN."""
    if column.dtype.kind != "O":
        return isinstance(column, np.ma.MaskedArray)
    return all(cell is None for cell in column)


def join(inputs: Sequence[Any]) -> Any:
    """The rows of *inputs*, which are of one layout, one after another."""
    first = inputs[0]
    if all(isinstance(one, Numbers) for one in inputs):
        return Numbers.stack(inputs)
    if isinstance(first, Table):
        columns = {name: _chain([one.columns[name] for one in inputs]) for name in first.columns}
        return Table(columns, sum(one.rows for one in inputs))
    if isinstance(first, dict):
        return {name: _chain([one[name] for one in inputs]) for name in first}
    return _chain(inputs)


def _chain(arrays: Sequence[np.ndarray]) -> np.ndarray:
    joined = np.concatenate([np.asarray(array) for array in arrays])
    if not isinstance(arrays[0], np.ma.MaskedArray):
        return joined
    return np.ma.MaskedArray(joined, mask=np.concatenate([np.ma.getmaskarray(array) for array in arrays]))


def split(result: Any, sizes: Sequence[int]) -> list[Any]:
    """The answers in *result* for callers with so many rows each; raises RowsLost."""
    total = sum(sizes)
    if not has_rows(result, total):
        raise RowsLost(f"its answer to {total} rows does not have {total} rows")
    starts = [0]
    for size in sizes:
        starts.append(starts[-1] + size)
    return [_part(result, start, start + size) for start, size in zip(starts, sizes, strict=False)]


def has_rows(result: Any, rows: int) -> bool:
    """Whether *result* is one answer for each of so many rows: an array, list, frame, or a dict of these."""
    if isinstance(result, Mapping):
        return bool(result) and all(has_rows(part, rows) for part in result.values())
    if isinstance(result, np.ndarray):
        return result.ndim > 0 and len(result) == rows
    return (isinstance(result, list | tuple | Table) or _is_pandas(result)) and len(result) == rows


def _is_pandas(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series)


def _part(result: Any, start: int, stop: int) -> Any:
    if isinstance(result, Mapping):
        return {name: _part(part, start, stop) for name, part in result.items()}
    if isinstance(result, Table):
        return Table({name: column[start:stop] for name, column in result.columns.items()}, stop - start)
    if not _is_pandas(result):
        return result[start:stop]
    part = result.iloc[start:stop]
    # The rows of a frame are counted from 0, unless the model gave them labels of its own.
    is_counted = isinstance(result.index, sys.modules["pandas"].RangeIndex)
    return part.reset_index(drop=True) if is_counted else part


def are_alike(one: Any, other: Any) -> bool:
    """Whether two answers to the same rows are the same, but for the last digits of floats."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(are_alike(one[name], other[name]) for name in one)
    if isinstance(one, Table):
        return one.rows == other.rows and are_alike(dict(one.columns), dict(other.columns))
    if isinstance(one, np.ndarray):
        return _are_alike_arrays(one, other)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(are_alike, one, other))
    if isinstance(one, float):
        return bool(np.isclose(one, other, rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True))
    if _is_pandas(one):
        return _are_alike_frames(one, other)
    try:
        return bool(one == other)
    except (TypeError, ValueError):
        return False


def _are_alike_arrays(one: np.ndarray, other: np.ndarray) -> bool:
    if one.dtype.kind != other.dtype.kind or one.shape != other.shape:
        return False
    if isinstance(one, np.ma.MaskedArray):
        return bool(one.tolist() == other.tolist())
    if one.dtype.kind in "fc":
        return bool(np.allclose(one, other, rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True))
    if one.dtype.kind == "O":
        return all(map(are_alike, one.ravel().tolist(), other.ravel().tolist()))
    same = (one == other) | (np.isnat(one) & np.isnat(other) if one.dtype.kind in "mM" else False)
    return bool(same.all())


def _are_alike_frames(one: Any, other: Any) -> bool:
    if one.ndim == 1:
        same = bool(one.name == other.name and one.dtype == other.dtype)
        return same and are_alike(one.tolist(), other.tolist())
    if list(one.columns) != list(other.columns) or list(one.dtypes) != list(other.dtypes):
        return False
    return all(
        are_alike(one.iloc[:, place].tolist(), other.iloc[:, place].tolist()) for place in range(one.shape[1])
    )
