"""Arrow's columns as arrays of numpy, value by value the same."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from modelpack.errors import SchemaMismatch, shorten
from modelpack.schema import Table
from serving.errors import InvalidRequest

_EXTENSION = b"ARROW:extension:name"
_MOST_COLUMNS = 10_000


def table_of(columns: pa.Table) -> Table:
    """*columns* as arrays, of numbers without a copy; raises InvalidRequest and SchemaMismatch.

    Where values are missing, numbers are in a masked array; other missing values are None or NaT. Points in
    time with a zone become UTC. Types without an exact counterpart are refused, and so are extension types:
    what they mean is known to their maker alone.
    """
    names = columns.schema.names
    if len(names) > _MOST_COLUMNS:
        raise InvalidRequest(f"the body has {len(names)} columns; {_MOST_COLUMNS} are the most")
    if len(set(names)) != len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise SchemaMismatch("columns", wanted="each name once", got=f"{shorten(repr(twice), 60)} twice")
    for field in columns.schema:
        check_type(field)
    return Table(
        {name: _whole(columns.column(place)) for place, name in enumerate(names)},
        columns.num_rows,
    )


def check_type(field: pa.Field, top: str | None = None) -> None:
    """Raise InvalidRequest unless Python can say every value of *field*, which is in the column *top*."""
    name = field.name if top is None else top
    type_ = field.type
    if _EXTENSION in (field.metadata or {}) or isinstance(type_, pa.BaseExtensionType):
        raise InvalidRequest(f"column {shorten(repr(name), 60)} has an extension type; send a plain column")
    if types.is_dictionary(type_):
        type_ = type_.value_type
        if not any(kind(type_) for kind in _SCALARS):
            raise _strange(name, field.type)
        return
    if any(kind(type_) for kind in (*_LISTS, types.is_struct, types.is_map)):
        for place in range(type_.num_fields):
            check_type(type_.field(place), name)
    elif not any(kind(type_) for kind in _SCALARS):
        raise _strange(name, type_)


_LISTS = (types.is_list, types.is_large_list, types.is_fixed_size_list)
_TEXTS = (
    types.is_string,
    types.is_large_string,
    types.is_binary,
    types.is_large_binary,
    types.is_fixed_size_binary,
)
_MOMENTS = (types.is_timestamp, types.is_date)
_NUMBERS = (types.is_boolean, types.is_integer, types.is_floating)
_SCALARS = (types.is_null, types.is_decimal, *_NUMBERS, *_MOMENTS, *_TEXTS)


def _strange(name: str, type_: pa.DataType) -> InvalidRequest:
    return InvalidRequest(
        f"column {shorten(repr(name), 60)} has the type {shorten(str(type_), 60)}, which is not read here"
    )


def _whole(column: pa.ChunkedArray) -> np.ndarray:
    parts = [_cells(chunk) for chunk in column.chunks]
    if not parts:
        return _cells(pa.nulls(0, column.type))
    if len(parts) == 1:
        return parts[0]
    if any(isinstance(part, np.ma.MaskedArray) for part in parts):
        together: np.ndarray = np.ma.concatenate(parts)  # type: ignore[no-untyped-call]  # numpy has none
        return together
    return np.concatenate(parts)


def _cells(array: pa.Array) -> np.ndarray:
    type_ = array.type
    if types.is_null(type_):
        return _objects([None] * len(array))
    if any(kind(type_) for kind in _NUMBERS):
        return _numbers(array)
    if any(kind(type_) for kind in _MOMENTS):
        return _moments(array)
    if any(kind(type_) for kind in _TEXTS):
        return np.asarray(array.to_numpy(zero_copy_only=False), dtype=object)
    if types.is_dictionary(type_):
        return _taken(array)
    if types.is_struct(type_):
        return _structs(array)
    if types.is_map(type_):
        return _maps(array)
    if types.is_fixed_size_list(type_):
        return _fixed_lists(array)
    return _lists(array) if any(kind(type_) for kind in _LISTS) else _objects(array.to_pylist())


def _numbers(array: pa.Array) -> np.ndarray:
    if not array.null_count:
        return _aligned(array.to_numpy(zero_copy_only=False))
    nothing = pa.scalar(False if types.is_boolean(array.type) else 0, array.type)
    full = pc.fill_null(array, nothing).to_numpy(zero_copy_only=False)
    return np.ma.MaskedArray(_aligned(full), mask=_missing(array))


def _aligned(values: np.ndarray) -> np.ndarray:
    """*values*, mostly a view of the body itself, where a runtime's own code may go by their alignment."""
    return values if values.flags.aligned else values.copy()


def _missing(array: pa.Array) -> np.ndarray:
    missing: np.ndarray = array.is_null().to_numpy(zero_copy_only=False)
    return missing


def _moments(array: pa.Array) -> np.ndarray:
    """Arrow keeps what has a zone in UTC, and so are these."""
    if types.is_timestamp(array.type):
        array = array.view(pa.timestamp(array.type.unit))
    return _aligned(array.to_numpy(zero_copy_only=False))


def _taken(array: pa.Array) -> np.ndarray:
    """The values that the indices of a dictionary array stand for; each is made once, and shared."""
    values = _cells(array.dictionary)
    missing = _missing(array)
    if not len(values):
        return _objects([None] * len(array))
    places = pc.fill_null(array.indices, 0).to_numpy(zero_copy_only=False)
    taken: np.ndarray = values[places]
    if not missing.any():
        return taken
    if taken.dtype.kind in "OM":
        taken[missing] = None if taken.dtype.kind == "O" else np.datetime64("NaT")
        return taken
    return np.ma.MaskedArray(taken, mask=missing | np.ma.getmaskarray(taken))


def _lists(array: pa.Array) -> np.ndarray:
    offsets, inside = _inside(array)
    items = _values(_cells(array.values.slice(*inside)))
    return _objects(
        [
            None if missing else items[offsets[row] : offsets[row + 1]]
            for row, missing in enumerate(_missing(array).tolist())
        ]
    )


def _inside(array: pa.Array) -> tuple[list[int], tuple[int, int]]:
    """Where the lists of *array* begin and end, and the start and length of what they have in the values.

    An array may be a few rows of a large one, whose values are all there.
    """
    offsets: list[int] = array.offsets.to_pylist() or [0]
    return [offset - offsets[0] for offset in offsets], (offsets[0], offsets[-1] - offsets[0])


def _fixed_lists(array: pa.Array) -> np.ndarray:
    size = array.type.list_size
    items = _values(_cells(array.flatten()))
    rows, place = [], 0
    for missing in _missing(array).tolist():
        rows.append(None if missing else items[place : place + size])
        place += 0 if missing else size
    return _objects(rows)


def _structs(array: pa.Array) -> np.ndarray:
    names = [array.type.field(place).name for place in range(array.type.num_fields)]
    if len(set(names)) != len(names):
        raise InvalidRequest("an object of the body has a member twice")
    members = [_values(_cells(array.field(place))) for place in range(len(names))]
    return _objects(
        [
            None if missing else {name: member[row] for name, member in zip(names, members, strict=True)}
            for row, missing in enumerate(_missing(array).tolist())
        ]
    )


def _maps(array: pa.Array) -> np.ndarray:
    offsets, inside = _inside(array)
    keys, items = (_values(_cells(part.slice(*inside))) for part in (array.keys, array.items))
    rows: list[Any] = []
    for row, missing in enumerate(_missing(array).tolist()):
        start, end = offsets[row], offsets[row + 1]
        rows.append(None if missing else dict(zip(keys[start:end], items[start:end], strict=True)))
        if not missing and len(rows[-1]) != end - start:
            raise InvalidRequest(f"row {row} has a map with one key twice")
    return _objects(rows)


def _values(cells: np.ndarray) -> list[Any]:
    """*cells* as Python values, points in time as numpy's: as Python's they would lose their nanoseconds."""
    return list(cells) if cells.dtype.kind == "M" else cells.tolist()


def _objects(values: list[Any]) -> np.ndarray:
    return np.fromiter(values, dtype=object, count=len(values))
