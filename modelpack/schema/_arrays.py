"""A column of values held to its type, many at once where that is exact."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from modelpack.errors import SchemaMismatch
from modelpack.schema import _exact
from modelpack.schema._cells import may_lack, read_cell
from modelpack.schema._refusal import Refused
from modelpack.schema.dtypes import AnyType, ColumnType, DataType
from modelpack.schema.rules import Rules

Cells: TypeAlias = Sequence[Any] | np.ndarray

_NUMBERS = (DataType.integer, DataType.long, DataType.float, DataType.double)


def read_column(
    cells: Cells, type_: ColumnType, *, required: bool = True, name: str | int | None = None, rules: Rules
) -> np.ndarray:
    """*cells* as a 1-D array of *type_*: a masked one where whole numbers or booleans are missing.

    Raises SchemaMismatch that names the row and the column *name*.
    """
    if isinstance(type_, DataType):
        quick = (
            _from_array(cells, type_, required=required, rules=rules)
            if isinstance(cells, np.ndarray)
            else _from_list(cells, type_, rules)
        )
        if quick is not None:
            return quick
    if isinstance(type_, AnyType):
        return cells if isinstance(cells, np.ndarray) else _guess(cells, name, rules)
    if isinstance(cells, np.ma.MaskedArray):
        # As a list, None stands for what is masked.
        cells = cells.tolist()
    return pack(_read_each(cells, type_, required=required, name=name, rules=rules), type_)


def _read_each(
    cells: Iterable[Any], type_: ColumnType, *, required: bool, name: str | int | None, rules: Rules
) -> list[Any]:
    values = []
    for row, cell in enumerate(cells):
        try:
            values.append(read_cell(cell, type_, required=required, rules=rules))
        except Refused as refusal:
            raise refusal.at(row, name) from None
    return values


def pack(values: Sequence[Any], type_: ColumnType) -> np.ndarray:
    """*values* that are of *type_* already, None where one is missing, as a column."""
    if not isinstance(type_, DataType) or type_.numpy.kind == "O":
        return objects(values)
    if type_ is DataType.datetime:
        nothing = np.datetime64("NaT", "ns")
        return np.array([nothing if value is None else value for value in values], dtype=type_.numpy)
    if type_ in (DataType.float, DataType.double) or not any(value is None for value in values):
        return np.array(values, dtype=type_.numpy)
    mask = [value is None for value in values]
    return np.ma.MaskedArray(
        np.array([0 if value is None else value for value in values], dtype=type_.numpy), mask=mask
    )


def objects(values: Sequence[Any]) -> np.ndarray:
    """A 1-D array of *values* as they are, lists and arrays among them."""
    return np.fromiter(values, dtype=object, count=len(values))


def _from_array(cells: np.ndarray, type_: DataType, *, required: bool, rules: Rules) -> np.ndarray | None:
    """The quick way for an array with a dtype of its own; None where each value must be looked at."""
    if isinstance(cells, np.ma.MaskedArray):
        return _from_masked(cells, type_, required=required, rules=rules)
    if cells.dtype.kind in "OUS":
        return None
    if required and not may_lack(type_, rules) and _has_gaps(cells):
        return None
    return _exact.convert(cells, type_.numpy)


def _has_gaps(cells: np.ndarray) -> bool:
    return cells.dtype.kind == "M" and bool(np.isnat(cells).any())


def _from_masked(
    cells: np.ma.MaskedArray[Any, Any], type_: DataType, *, required: bool, rules: Rules
) -> np.ndarray | None:
    mask = np.ma.getmaskarray(cells)
    if cells.dtype.kind not in "biuf" or not mask.any():
        return _from_array(cells.data, type_, required=required, rules=rules) if not mask.any() else None
    full = _exact.convert(cells.filled(0), type_.numpy)
    if full is None:
        return None
    if full.dtype.kind == "f":
        full = full.copy()
        full[mask] = np.nan
        return full
    if required and not may_lack(type_, rules):
        return None
    return np.ma.MaskedArray(full, mask=mask)


def _from_list(cells: Sequence[Any], type_: DataType, rules: Rules) -> np.ndarray | None:
    """The quick way for a list of plain values of one kind; None where each value must be looked at."""
    kinds = set(map(type, cells))
    if kinds <= {str}:
        return _from_texts(cells) if type_ is DataType.string and rules.source != "text" else None
    if kinds <= {bool}:
        return np.array(cells, dtype=bool) if type_ is DataType.boolean else None
    if kinds <= {int} and type_ in _NUMBERS:
        try:
            return _exact.convert(np.array(cells, dtype=np.int64), type_.numpy)
        except OverflowError:
            return None
    if kinds <= {int, float, type(None)} and type_ in (DataType.float, DataType.double):
        return _from_numbers(cells, type_, rules, mixed=int in kinds, partly=type(None) in kinds)
    return None


def _from_texts(cells: Sequence[str]) -> np.ndarray | None:
    joined = "".join(cells)
    if not joined.isascii():
        try:
            joined.encode()
        except UnicodeEncodeError:
            return None
    return objects(cells)


def _from_numbers(
    cells: Sequence[Any], type_: DataType, rules: Rules, *, mixed: bool, partly: bool
) -> np.ndarray | None:
    if mixed:
        holds = 2 ** (np.finfo(type_.numpy).nmant + 1)
        if not all(-holds <= cell <= holds for cell in cells if type(cell) is int):
            return None
    wide = np.array(cells, dtype=np.float64)
    if rules.source == "json" and not bool(
        (np.isfinite(wide) | (_nothing(cells) if partly else False)).all()
    ):
        return None
    if type_ is DataType.double:
        return wide
    if not rules.on_the_wire:
        return _exact.convert(wide, type_.numpy)
    with np.errstate(over="ignore", under="ignore"):
        near = wide.astype(np.float32)
    return near if bool((np.isinf(near) == np.isinf(wide)).all()) else None


def _nothing(cells: Sequence[Any]) -> np.ndarray:
    return np.fromiter((cell is None for cell in cells), dtype=bool, count=len(cells))


def guess_column(cells: Sequence[Any], rules: Rules, *, name: str | int | None = None) -> np.ndarray:
    """*cells* without a declared type, as pandas would hold them, but never changed.

    Nothing but booleans, whole numbers or numbers make a bool, int64 or float64 array, with null as NaN among
    numbers; all else stays as it is. Of CSV, texts that read as such are taken for them.
    """
    return _guess_texts(cells) if rules.source == "text" else _guess(cells, name, rules)


def _guess(cells: Sequence[Any], name: str | int | None, rules: Rules) -> np.ndarray:
    kinds = set(map(type, cells))
    if kinds == {bool}:
        return np.array(cells, dtype=bool)
    if kinds == {int}:
        quick = _from_list(cells, DataType.long, rules)
    elif kinds and kinds <= {int, float, type(None)} and kinds != {type(None)}:
        quick = _from_list(cells, DataType.double, rules)
    else:
        quick = None
    if quick is not None:
        return quick
    return read_objects(cells, name=name, rules=rules)


def read_objects(cells: Iterable[Any], *, name: str | int | None = None, rules: Rules) -> np.ndarray:
    """*cells* as they are, in an array of objects; raises SchemaMismatch for what no UTF-8 JSON could say."""
    return objects(_read_each(cells, AnyType(), required=False, name=name, rules=rules))


def _guess_texts(cells: Sequence[str]) -> np.ndarray:
    for type_ in (DataType.long, DataType.double, DataType.boolean):
        try:
            return read_column(cells, type_, rules=Rules("text"))
        except SchemaMismatch:
            continue
    return read_column(cells, DataType.string, required=False, rules=Rules("text"))
