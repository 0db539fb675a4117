"""Ordinary tables of text by way of Arrow's reader, where that is sure to end as the exact way does."""

import importlib
import re
from functools import lru_cache
from typing import Any

import numpy as np

from modelpack.schema import DataType, Schema, Table

LEAST = 32 << 10
"""Bytes from which on it is worth to look."""

# A number in JSON's way, with so few digits that it fits 64 bits; a text in which nothing means anything to a
# reader of CSV. No cell is empty: what that says depends on the column.
_WHOLE = rb"-?(?:0|[1-9][0-9]{0,17})"
_EXPONENT = rb"[eE][+-]?[0-9]{1,2}"
# Whole numbers only as large as a double holds them all, and no -0, which is 0 when it is whole.
_REAL = (
    rb"(?:" + _WHOLE + rb"(?:\.[0-9]{1,30}(?:" + _EXPONENT + rb")?|" + _EXPONENT + rb")|0|-?[1-9][0-9]{0,14})"
)
_TEXT = rb'[^\x00-\x1f",\x7f]++'
_CELLS = {
    DataType.long: _WHOLE,
    DataType.integer: _WHOLE,
    DataType.double: _REAL,
    DataType.string: _TEXT,
}


def read_ordinary(body: bytes, schema: Schema | None) -> Table | None:
    """The columns of *body* that *schema* names; None where anything is out of the ordinary.

    Every row is held to a pattern of what its cells may be before Arrow reads it; within that Arrow's reader
    and ``modelpack.schema.wire`` agree on each value, and all else is for the latter to judge.
    """
    if len(body) < LEAST or schema is None or schema.is_tensor or not schema.is_named:
        return None
    head, _, rows = body.partition(b"\n")
    shape = _shape(head, schema)
    if shape is None or not shape.fullmatch(rows):
        return None
    return _read(body, schema)


@lru_cache(maxsize=32)
def _shape(head: bytes, schema: Schema) -> re.Pattern[bytes] | None:
    """What all rows under *head* must look like; None where Arrow should not try."""
    types = {str(spec.name): spec.type for spec in schema.columns}
    try:
        names = head.decode("ascii").split(",")
    except UnicodeDecodeError:
        return None
    plain = all(re.fullmatch(r"[\w .:/-]+", name) for name in names)
    if not plain or len(set(names)) != len(names) or not set(types) <= set(names):
        return None
    if not all(isinstance(type_, DataType) and type_ in _CELLS for type_ in types.values()):
        return None
    cells = [_CELLS[DataType(types[name])] if name in types else _TEXT for name in names]
    row = b"(?>" + b",".join(cells) + b")"
    return re.compile(row + b"(?:\n" + row + b")*+\n?")


_ARROW = {
    DataType.long: "int64",
    DataType.integer: "int32",
    DataType.double: "float64",
    DataType.string: "string",
}


def _read(body: bytes, schema: Schema) -> Table | None:
    try:
        # All of it, as Arrow looks at the columns alone that are wanted.
        body.decode()
        arrow, csv = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.csv")
    except (ModuleNotFoundError, UnicodeDecodeError):
        return None
    wanted = {str(spec.name): _ARROW[DataType(spec.type)] for spec in schema.columns}
    try:
        table = csv.read_csv(
            arrow.BufferReader(body),
            csv.ReadOptions(use_threads=False, block_size=len(body) + 1),
            csv.ParseOptions(quote_char=False),
            csv.ConvertOptions(column_types=wanted, include_columns=list(wanted), null_values=[]),
        )
    except arrow.ArrowException:
        # Too large for its column: the exact way says where.
        return None
    columns: dict[str | int, np.ndarray] = {name: _column(table.column(name)) for name in wanted}
    return Table(columns, table.num_rows)


def _column(column: Any) -> np.ndarray:
    values = column.combine_chunks().to_numpy(zero_copy_only=False)
    return np.array(values, dtype=object if values.dtype.kind in "OUT" else values.dtype)
