"""Tensors held to their dtype and shape."""

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from modelpack.errors import SchemaMismatch, shorten
from modelpack.schema import _exact
from modelpack.schema._arrays import objects, read_column, read_objects
from modelpack.schema._refusal import describe
from modelpack.schema.dtypes import DataType
from modelpack.schema.rules import Rules
from modelpack.schema.tensors import TensorSpec, unsized


def read_tensor(value: Any, spec: TensorSpec, rules: Rules) -> Any:
    """*value*, nested lists or (from Python) an array or a scipy sparse matrix, as *spec* declares it.

    A sparse matrix stays one. Raises SchemaMismatch.
    """
    if rules.source == "python":
        if is_sparse(value):
            return _sparse(value, spec)
        if isinstance(value, np.ndarray):
            return _array(value, spec, rules)
        if isinstance(value, np.generic):
            return _array(np.asarray(value), spec, rules)
    return _shaped(_nested(value, spec, rules), spec)


def is_sparse(value: object) -> bool:
    """Whether *value* is a matrix or array of scipy.sparse; scipy need not be there."""
    return type(value).__module__.startswith("scipy.sparse") and hasattr(value, "tocsr")


def _sparse(value: Any, spec: TensorSpec) -> Any:
    _check_shape(value.shape, spec)
    if value.dtype == spec.dtype:
        return value
    content = (
        value if hasattr(value, "data") and value.format in ("csr", "csc", "coo", "bsr") else value.tocsr()
    )
    exact = _exact.convert(content.data, spec.dtype)
    if exact is None:
        raise _mismatch(spec, f"values of {value.dtype} that it cannot hold exactly")
    return content.astype(spec.dtype)


def _array(value: np.ndarray, spec: TensorSpec, rules: Rules) -> np.ndarray:
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise _mismatch(spec, "an array with masked values")
    value = np.asarray(value)
    if value.dtype.names is not None:
        raise _mismatch(spec, "a structured array")
    if spec.dtype.kind == "O":
        return value if _is_free(spec) else _shaped(value.astype(object), spec)
    if value.dtype.kind == "O":
        if value.ndim == 1 and len(spec.shape) > 1 and -1 in spec.shape[1:]:
            return _ragged(value, spec, rules)
        leaves = _leaves(value.ravel().tolist(), spec, value.shape, rules)
        return _shaped(leaves.reshape(value.shape), spec)
    _check_shape(value.shape, spec)
    exact = _exact.convert(value, spec.dtype if spec.dtype.kind not in "US" else value.dtype)
    if exact is None or unsized(exact.dtype) != spec.dtype:
        raise _mismatch(spec, f"values of {value.dtype} that it cannot hold exactly")
    return exact


def _is_free(spec: TensorSpec) -> bool:
    # MLflow's way to say "any array": object, any length.
    return spec.shape == (-1,)


def _ragged(value: np.ndarray, spec: TensorSpec, rules: Rules) -> np.ndarray:
    """Arrays of several shapes in an array of objects, as MLflow allows where lengths are free."""
    inner = TensorSpec(spec.dtype, spec.shape[1:], spec.name)
    if spec.shape[0] not in (-1, len(value)):
        raise _mismatch(spec, f"the shape {shorten(str(list(value.shape)), 40)}")
    return objects([read_tensor(one, inner, rules) for one in value])


def _nested(value: Any, spec: TensorSpec, rules: Rules) -> np.ndarray:
    rank = len(spec.shape)
    if spec.dtype.kind == "O" and _is_free(spec) and isinstance(value, list):
        return read_objects(value, rules=rules)
    shape, leaves = _flatten(value, rank, spec, rules)
    filled = tuple(
        max(wanted, 0) if length is None else length for length, wanted in zip(shape, spec.shape, strict=True)
    )
    return _leaves(leaves, spec, filled, rules).reshape(filled)


def _flatten(
    value: Any, rank: int, spec: TensorSpec, rules: Rules
) -> tuple[tuple[int | None, ...], list[Any]]:
    """The lengths of *rank* levels of lists and what stands below; a length below an empty list is None."""
    shape: tuple[int | None, ...] = ()
    level: list[Any] = [value]
    for depth in range(rank):
        if not all(_is_list(one, rules) for one in level):
            odd = next(one for one in level if not _is_list(one, rules))
            raise _mismatch(spec, f"{describe(odd)} at level {depth + 1}")
        lengths = set(map(len, level))
        if len(lengths) > 1:
            raise _mismatch(spec, f"ragged rows, of lengths {min(lengths)} to {max(lengths)}")
        shape = (*shape, lengths.pop() if lengths else None)
        level = list(chain.from_iterable(level))
    return shape, level


def _is_list(value: Any, rules: Rules) -> bool:
    if isinstance(value, list):
        return True
    return not rules.on_the_wire and (
        isinstance(value, tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)
    )


_TYPES: dict[np.dtype[Any], DataType] = {
    one.numpy: one for one in DataType if one not in (DataType.string, DataType.binary)
}
_TYPES_BY_KIND = {
    "i": DataType.long,
    "u": DataType.long,
    "f": DataType.double,
    "U": DataType.string,
    "S": DataType.binary,
    "M": DataType.datetime,
}


def _leaves(leaves: Sequence[Any], spec: TensorSpec, shape: tuple[int, ...], rules: Rules) -> np.ndarray:
    """*leaves* in one row, in the dtype of *spec*; *shape* tells which of them belong to which row."""
    each = max(1, math.prod(shape[1:]))
    if spec.dtype.kind == "O":
        return read_objects(leaves, rules=rules)
    type_ = _TYPES.get(spec.dtype) or _TYPES_BY_KIND.get(spec.dtype.kind)
    if type_ is None:
        raise _mismatch(spec, "a list; give an array of that dtype")
    if rules.on_the_wire and not rules.lenient and None in leaves:
        raise SchemaMismatch(_name(spec), wanted=str(spec), got="nothing", row=leaves.index(None) // each)
    try:
        if spec.dtype.kind == "u" and spec.dtype.itemsize == 8:
            return _unsigned(leaves, spec)
        column = read_column(leaves, type_, rules=rules)
    except SchemaMismatch as error:
        row = None if error.row is None else error.row // each
        raise SchemaMismatch(_name(spec), wanted=f"{spec} ({error.wanted})", got=error.got, row=row) from None
    return _as_dtype(column, spec, rules)


def _unsigned(leaves: Sequence[Any], spec: TensorSpec) -> np.ndarray:
    for place, leaf in enumerate(leaves):
        number = isinstance(leaf, int | np.integer | float | np.floating)
        whole = number and not isinstance(leaf, bool | np.bool_ | np.timedelta64)
        if not whole or not 0 <= leaf < 2**64 or int(leaf) != leaf:
            raise SchemaMismatch(wanted="0 to 18446744073709551615", got=describe(leaf), row=place)
    return np.array([int(leaf) for leaf in leaves], dtype=spec.dtype)


def _as_dtype(column: np.ndarray, spec: TensorSpec, rules: Rules) -> np.ndarray:
    if spec.dtype.kind in "US":
        fixed = np.array(column.tolist(), dtype=spec.dtype)
        # numpy drops what looks like padding: NUL at the end.
        if fixed.tolist() != column.tolist():
            raise _mismatch(spec, "text or bytes with NUL at the end, which numpy drops")
        return fixed
    if spec.dtype.kind == "f" and rules.on_the_wire and column.dtype != spec.dtype:
        with np.errstate(over="ignore", under="ignore"):
            near = column.astype(spec.dtype)
        if bool((np.isinf(near) == np.isinf(column)).all()):
            return near
    exact = _exact.convert(column, spec.dtype)
    if exact is None:
        raise _mismatch(spec, "a value that it cannot hold")
    return exact


def _shaped(value: np.ndarray, spec: TensorSpec) -> np.ndarray:
    _check_shape(value.shape, spec)
    return value


def _check_shape(shape: tuple[int, ...], spec: TensorSpec) -> None:
    same = len(shape) == len(spec.shape)
    if not same or any(w not in (-1, met) for met, w in zip(shape, spec.shape, strict=True)):
        raise _mismatch(spec, f"the shape {shorten(str(list(shape)), 60)}")


def _mismatch(spec: TensorSpec, got: str) -> SchemaMismatch:
    return SchemaMismatch(_name(spec), wanted=str(spec), got=got)


def _name(spec: TensorSpec) -> str:
    return "tensor" if spec.name is None else f"tensor {shorten(repr(spec.name), 60)}"


def read_tensors(value: Any, specs: Sequence[TensorSpec], rules: Rules) -> Any:
    """One array for an unnamed tensor, a dict of arrays for named ones; raises SchemaMismatch.

    A single named tensor may come without its name. Names beside the known ones are dropped.
    """
    if specs[0].name is None:
        return read_tensor(value, specs[0], rules)
    if not isinstance(value, Mapping):
        if len(specs) == 1:
            return {str(specs[0].name): read_tensor(value, specs[0], rules)}
        wanted = f"an object of {shorten(', '.join(str(spec.name) for spec in specs), 60)}"
        raise SchemaMismatch("tensors", wanted=wanted, got=describe(value))
    tensors = {}
    for spec in specs:
        if spec.name not in value:
            raise SchemaMismatch(_name(spec), wanted=str(spec), got="nothing (the name is absent)")
        tensors[str(spec.name)] = read_tensor(value[spec.name], spec, rules)
    return tensors
