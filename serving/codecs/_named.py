"""A model's answer as arrays with names: what a format of columns or tensors can carry."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any, cast

import numpy as np

from modelpack.errors import SchemaMismatch, shorten
from modelpack.schema import ColumnSpec, DataType, Schema, Table, enforce
from serving.errors import UnencodableResult

Naming = Callable[[int, int], str]
"""From a place and the number of places to a name, for what neither the answer nor the signature names."""


@dataclass(frozen=True, slots=True)
class Named:
    """Values under a *name*: numbers, booleans or times in their dtype, all else as objects.

    Where whole numbers or booleans are missing, the array is masked; a missing object is None.
    """

    name: str
    values: np.ndarray


def named(result: Any, outputs: Schema | None, naming: Naming) -> list[Named]:
    """The parts of *result*: the columns of a frame, the items of a dict, or the one array that it is.

    An array goes by the name that *outputs* has for it, or is cut into the columns that *outputs* declares.
    Raises UnencodableResult.
    """
    columns = _columns(result)
    if columns is not None:
        parts = [Named(str(name), regular(values)) for name, values in columns]
        names = [part.name for part in parts]
        if len(set(names)) != len(names):
            raise UnencodableResult("the model's answer has two columns of one name")
        return parts
    array = regular(result)
    names = names_of(outputs, naming)
    columnar = outputs is not None and len(outputs.columns) > 1
    if columnar and array.ndim == 2 and array.shape[1] == len(names):
        return [Named(name, array[:, place]) for place, name in enumerate(names)]
    return [Named(names[0] if len(names) == 1 else naming(0, 1), array)]


def names_of(schema: Schema | None, naming: Naming) -> list[str]:
    """The names of what *schema* declares."""
    specs = schema.specs if schema is not None else ()
    return [
        naming(place, len(specs)) if spec.name is None else str(spec.name) for place, spec in enumerate(specs)
    ]


def _columns(result: Any) -> list[tuple[Any, Any]] | None:
    """Names and values, where *result* has several; None where it is one array."""
    if isinstance(result, Table):
        return list(result.columns.items())
    if isinstance(result, Mapping):
        return list(result.items())
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(result, pandas.DataFrame):
        return [(name, result.iloc[:, place]) for place, name in enumerate(result.columns)]
    if pandas is not None and isinstance(result, pandas.Series) and result.name is not None:
        return [(result.name, result)]
    return None


def regular(value: Any) -> np.ndarray:
    """*value* as an array of one dimension or more, of the most exact dtype that its elements share.

    Raises UnencodableResult.
    """
    array = _array(value)
    if array.dtype.kind in "mcV" or (array.dtype.kind == "f" and array.dtype.itemsize > 8):
        raise UnencodableResult(f"the model's answer has no form here: it holds {array.dtype}")
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    return array.reshape(1) if array.ndim == 0 else array


def _array(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return _of_leaves(value.ravel().tolist(), value.shape) if value.dtype.kind == "O" else value
    if isinstance(value, np.generic):
        return np.asarray(value)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.Series | pandas.Index):
        return _of_series(value)
    if hasattr(value, "toarray"):
        return np.asarray(value.toarray())
    if isinstance(value, list | tuple):
        return _of_list(list(value))
    if hasattr(value, "__array__"):
        return _array(np.asarray(value))
    return _of_leaves([value], (1,))


def _of_series(series: Any) -> np.ndarray:
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return _array(series.to_numpy())
    if hasattr(dtype, "tz"):
        # Kept as UTC.
        return np.asarray(series.to_numpy(dtype="datetime64[ns]"))
    leaves = [None if missing else leaf for leaf, missing in zip(series, series.isna(), strict=True)]
    return _of_leaves(leaves, (len(series),))


def _of_list(values: list[Any]) -> np.ndarray:
    if values and all(isinstance(one, np.ndarray | np.generic) for one in values):
        alike = {(one.shape, one.dtype) for one in values}
        if len(alike) == 1 and values[0].dtype.kind != "O":
            return np.stack(values)
    shape: tuple[int, ...] = (len(values),)
    leaves = values
    while leaves and all(isinstance(one, list | tuple) for one in leaves):
        lengths = {len(one) for one in leaves}
        if len(lengths) > 1:
            break
        shape = (*shape, lengths.pop())
        leaves = list(chain.from_iterable(leaves))
    return _of_leaves(leaves, shape)


def _of_leaves(leaves: Sequence[Any], shape: tuple[int, ...]) -> np.ndarray:
    leaves = [None if _is_nothing(leaf) else leaf.item() if _is_plain(leaf) else leaf for leaf in leaves]
    return _typed(leaves, {type(leaf) for leaf in leaves}).reshape(shape)


def _is_plain(leaf: Any) -> bool:
    return isinstance(leaf, np.generic) and leaf.dtype.kind in "biufUS"


def _is_nothing(leaf: Any) -> bool:
    """None, and pandas' NA and NaT; not NaN, which is a float like others."""
    if leaf is None:
        return True
    pandas = sys.modules.get("pandas")
    return pandas is not None and (leaf is pandas.NA or leaf is pandas.NaT)


def _typed(leaves: list[Any], kinds: set[type]) -> np.ndarray:
    """*leaves* in the dtype of their *kinds*, or as the objects they are."""
    if kinds >= {str, float}:
        # Among texts NaN is pandas' way to say that one is missing.
        leaves = [None if leaf != leaf else leaf for leaf in leaves]
        kinds = {type(leaf) for leaf in leaves}
    missing = type(None) in kinds
    kinds = kinds - {type(None)}
    if kinds == {bool}:
        return _masked(leaves, np.dtype("bool")) if missing else np.array(leaves, dtype=bool)
    if kinds == {int}:
        whole = [leaf for leaf in leaves if leaf is not None]
        for name in ("int64", "uint64"):
            bounds = np.iinfo(name)
            if bounds.min <= min(whole) and max(whole) <= bounds.max:
                return _masked(leaves, np.dtype(name)) if missing else np.array(leaves, dtype=name)
    if kinds in ({float}, {float, int}) and all(abs(one) <= 2**53 for one in leaves if type(one) is int):
        return np.array([np.nan if leaf is None else leaf for leaf in leaves], dtype=np.float64)
    if kinds and all(issubclass(kind, date | np.datetime64) for kind in kinds):
        return _moments(leaves)
    return np.fromiter(leaves, dtype=object, count=len(leaves))


def _masked(leaves: list[Any], dtype: np.dtype[Any]) -> np.ndarray:
    full = np.array([0 if leaf is None else leaf for leaf in leaves], dtype=dtype)
    return np.ma.MaskedArray(full, mask=[leaf is None for leaf in leaves])


def _moments(leaves: list[Any]) -> np.ndarray:
    schema = Schema((ColumnSpec(DataType.datetime, "moment", required=False),))
    try:
        table = cast("Table", enforce({"moment": leaves}, schema))
    except SchemaMismatch as error:
        raise UnencodableResult(shorten(f"the model's answer has no form here: {error}")) from error
    return table.columns["moment"]
