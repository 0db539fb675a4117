"""Schemas made ready for many requests: JSON values straight into arrays, or no answer where in doubt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from modelpack.errors import SchemaMismatch
from modelpack.schema import _exact
from modelpack.schema._arrays import objects, read_column
from modelpack.schema._compiled import (
    EXACT_AS_DOUBLE,
    EXACT_AS_FLOAT,
    FEW,
    NUMBERS,
    Bounds,
    Layout,
    Numbers,
    table_of,
)
from modelpack.schema.dtypes import DataType
from modelpack.schema.rules import Coerce, Rules
from modelpack.schema.signature import Schema
from modelpack.schema.table import Table
from modelpack.schema.tensors import TensorSpec

__all__ = ["ColumnDecoder", "Numbers", "TensorDecoder", "compile_schema"]

_Reader = Callable[[Sequence[Any]], np.ndarray | None]
_Getter = Callable[[Any], Sequence[Any]]


def compile_schema(
    schema: Schema | None, *, coerce: Coerce = "lossless"
) -> "ColumnDecoder | TensorDecoder | None":
    """What reads many requests for *schema* quickly; None where only ``modelpack.schema.wire`` can.

    A decoder gives what ``wire`` would, or None: ``wire`` may take the request nonetheless, or knows why not.
    It wants values as orjson gives them: text that is UTF-8, finite floats, and whole numbers of 64 bits, for
    longer ones have become floats.
    """
    if schema is None:
        return None
    if schema.is_tensor:
        return TensorDecoder(schema.tensors[0]) if _is_quick(schema.tensors) else None
    columns = [
        Column(name, spec.type, spec.required)
        for name, spec in zip(schema.names, schema.columns, strict=True)
        if isinstance(spec.type, DataType) and spec.name is not None
    ]
    return ColumnDecoder(columns, coerce=coerce) if len(columns) == len(schema.specs) else None


@dataclass(frozen=True, slots=True)
class Column:
    """A named column of a plain type."""

    name: str | int
    type: DataType
    required: bool


class ColumnDecoder:
    """Reads rows and records for named columns of plain types. What stands beside these is not looked at."""

    def __init__(self, columns: Sequence[Column], *, coerce: Coerce) -> None:
        self._columns = columns
        self._rules = Rules("json", coerce)
        self._names = [column.name for column in columns]
        self._kinds = [*map(type, self._names)]
        # Nothing but a text equals a text; but 1 equals True.
        self._are_texts = {*self._kinds} == {str}
        self._keys = [str(name) for name in self._names]
        self._cells = _getter(self._keys)
        self._places: list[int | None] = [*range(len(columns))]
        self._plan = _Plan(columns, self._rules)
        self.is_numeric = all(column.type in NUMBERS for column in columns)
        """Whether all columns are numbers, so that ``from_block`` is of use."""

    def reads_all(self, names: Sequence[Any] | None) -> bool:
        """Whether every cell of rows under *names*, which ``from_rows`` has taken, is looked at."""
        return names is not None and {*map(str, names)} <= {*self._keys}

    def from_block(self, block: np.ndarray, names: Sequence[Any] | None) -> Numbers | None:
        """All numbers of the rows as a float64 array, in which whole ones from 2^53 on may be rounded.

        *names* are those of its columns. The table keeps *block*.
        """
        places = self._find(names, block.shape[1]) or ()
        chosen = [place for place in places if place is not None]
        if len(chosen) != len(self._columns):
            return None
        if chosen != self._places or len(chosen) != block.shape[1]:
            block = block[:, chosen]
        return self._plan.layout.hold(block, written_whole=True)

    def from_rows(self, rows: Sequence[Any], names: Sequence[Any] | None) -> Table | None:
        """Rows of cells under *names*, as ``wire.table_from_rows`` takes them."""
        if not rows or type(rows[0]) is not list:
            return None
        width = len(rows[0])
        if len(rows) > 1 and (set(map(type, rows)) != {list} or set(map(len, rows)) != {width}):
            return None
        places = self._find(names, width)
        if places is None:
            return None
        if places is self._places:
            return self._plan.read(rows)
        there = [place for place in places if place is not None]
        rows = [*map(_getter(there), rows)]
        if len(there) == len(places):
            return self._plan.read(rows)
        columns = [column for column, place in zip(self._columns, places, strict=True) if place is not None]
        return _Plan(columns, self._rules).read(rows) if columns else None

    def from_records(self, records: Sequence[Any]) -> Table | None:
        """Objects of names and cells, as ``wire.table_from_records`` takes them; none lacks a column."""
        if not records or set(map(type, records)) != {dict}:
            return None
        try:
            rows = [*map(self._cells, records)]
        except KeyError:
            return None
        return self._plan.read(rows)

    def _find(self, names: Sequence[Any] | None, width: int) -> list[int | None] | None:
        """Where each column stands among *names*: nowhere, if it is optional."""
        if names is None:
            names = [*map(str, range(width))]
        elif len(names) != width:
            return None
        elif names == self._names and (self._are_texts or [*map(type, names)] == self._kinds):
            return self._places
        elif set(map(type, names)) != {str}:
            return None
        where = {name: place for place, name in enumerate(names)}
        places = [where.get(key) for key in self._keys]
        each = zip(places, self._columns, strict=True)
        lacks = any(place is None and column.required for place, column in each)
        return None if lacks or len(where) != len(names) else places


def _getter(keys: Sequence[Any]) -> _Getter:
    if len(keys) > 1:
        return itemgetter(*keys)
    # For one key itemgetter gives the value itself.
    return lambda row: tuple(row[key] for key in keys)


class _Plan:
    """How *columns* are read from rows of nothing else, in their order."""

    def __init__(self, columns: Sequence[Column], rules: Rules) -> None:
        placed = [*enumerate(columns)]
        self._texts = [(column, place) for place, column in placed if column.type is DataType.string]
        self._others = [
            (column.name, place, _reader(column, rules))
            for place, column in placed
            if column.type is not DataType.string
        ]
        self._text_names = [column.name for column, _ in self._texts]
        self._text_cells = _getter([place for _, place in self._texts])
        self._names = [column.name for column in columns]
        self._is_numeric = all(column.type in NUMBERS for column in columns)
        self.layout = Layout(tuple(self._names), tuple(column.type for column in columns))

    def read(self, rows: Sequence[Sequence[Any]]) -> Table | None:
        """*rows* as a table; None in any doubt."""
        width = len(self._names)
        cells = rows[0] if len(rows) == 1 else [*chain.from_iterable(rows)]
        if self._is_numeric:
            numbers = self._read_numbers(rows, cells)
            if numbers is not None:
                return numbers
        columns = self._read_texts(cells, width)
        if columns is None:
            return None
        for name, place, read in self._others:
            column = read(cells[place::width])
            if column is None:
                return None
            columns[name] = column
        return table_of({name: columns[name] for name in self._names}, len(rows))

    def _read_numbers(self, rows: Sequence[Sequence[Any]], cells: Sequence[Any]) -> Numbers | None:
        if len(cells) <= FEW:
            return self.layout.hold_few(rows, cells)
        kinds = set(map(type, cells))
        if not kinds <= {int, float}:
            return None
        block = np.array(cells, dtype=np.float64).reshape(len(rows), -1)
        return self.layout.hold(block, written_whole=int in kinds)

    def _read_texts(self, cells: Sequence[Any], width: int) -> dict[str | int, np.ndarray] | None:
        if self._texts and width == len(cells):
            texts = self._text_cells(cells)
            if _are_texts(texts):
                return dict(zip(self._text_names, objects(texts).reshape(-1, 1), strict=True))
        columns = {}
        for column, place in self._texts:
            texts = cells[place::width]
            if not _are_texts(texts) and (column.required or not set(map(type, texts)) <= {str, type(None)}):
                return None
            columns[column.name] = objects(texts)
        return columns


def _are_texts(cells: Sequence[Any]) -> bool:
    try:
        "".join(cells)  # the quickest way to ask
    except TypeError:
        return False
    return True


def _reader(column: Column, rules: Rules) -> _Reader:
    """What reads a column that is not text, or gives None in any doubt."""
    if column.type in NUMBERS:
        return _number_reader(column.type)
    if column.type is DataType.boolean:
        return lambda cells: np.array(cells, dtype=bool) if set(map(type, cells)) == {bool} else None

    def read(cells: Sequence[Any]) -> np.ndarray | None:
        if set(map(type, cells)) != {str}:
            return None
        try:
            return read_column(cells, column.type, required=column.required, rules=rules)
        except SchemaMismatch:
            return None

    return read


def _number_reader(type_: DataType) -> _Reader:
    bounds, dtype = Bounds.of(type_), type_.numpy
    read_many = _read_whole if bounds.whole else _read_real

    def read(cells: Sequence[Any]) -> np.ndarray | None:
        if len(cells) <= FEW and bounds.hold(cells):
            return np.array(cells, dtype=dtype)
        return read_many(cells, type_, set(map(type, cells)))

    return read


def _read_whole(cells: Sequence[Any], type_: DataType, kinds: set[type]) -> np.ndarray | None:
    if kinds == {int}:
        try:
            return _exact.convert(np.array(cells, dtype=np.int64), type_.numpy)
        except OverflowError:
            return None
    if not kinds <= {int, float}:
        return None
    values = np.array(cells, dtype=np.float64)
    return _exact.convert(values, type_.numpy) if _are_below(EXACT_AS_DOUBLE, values) else None


def _read_real(cells: Sequence[Any], type_: DataType, kinds: set[type]) -> np.ndarray | None:
    if not kinds <= {int, float, type(None)}:
        return None
    values = np.array(cells, dtype=np.float64)  # None becomes NaN
    # From 2^63 on, what is a float now may have been a whole number that was rounded.
    limit = 2**63 if int not in kinds else EXACT_AS_FLOAT if type_ is DataType.float else EXACT_AS_DOUBLE
    return values.astype(type_.numpy, copy=False) if _are_below(limit, values) else None


def _are_below(limit: int, values: np.ndarray) -> bool:
    """Whether all of *values* but the NaN ones are."""
    return not bool((np.abs(values) >= limit).any())


_TENSOR_TYPES = {type_.numpy: type_ for type_ in NUMBERS}
_DEEPEST_TENSOR = 3


def _is_quick(specs: Sequence[TensorSpec]) -> bool:
    return len(specs) == 1 and specs[0].dtype in _TENSOR_TYPES and 1 <= len(specs[0].shape) <= _DEEPEST_TENSOR


class TensorDecoder:
    """Reads nested lists for one tensor of numbers, of up to three dimensions."""

    def __init__(self, spec: TensorSpec) -> None:
        type_ = _TENSOR_TYPES[spec.dtype]
        self.name = spec.name
        """The tensor's name, if it has one."""
        self.rank = len(spec.shape)
        """The number of dimensions."""
        self._shape = spec.shape
        self._dtype = spec.dtype
        self._bounds = Bounds.of(type_)
        self._layout = Layout((0,), (type_,))

    def from_lists(self, value: Any) -> Any:
        """Nested lists, as ``wire.inputs_from_json`` and ``wire.instances_from_json`` take them."""
        shape: list[int] = []
        level = [value]
        for _ in self._shape:
            if set(map(type, level)) != {list}:
                return None
            length = len(level[0])
            if length == 0 or (len(level) > 1 and set(map(len, level)) != {length}):
                return None
            shape.append(length)
            level = level[0] if len(level) == 1 else [*chain.from_iterable(level)]
        if not self._fits(shape):
            return None
        if len(level) <= FEW and self._bounds.hold(level):
            return self._named(np.array(level, dtype=self._dtype).reshape(shape))
        kinds = set(map(type, level))
        if not kinds <= {int, float}:
            return None
        return self._hold(np.array(level, dtype=np.float64), shape, written_whole=int in kinds)

    def from_block(self, block: np.ndarray) -> Any:
        """All numbers as a float64 array, in which whole ones from 2^53 on may be rounded."""
        return self._hold(block, block.shape, written_whole=True) if self._fits(block.shape) else None

    def _fits(self, shape: Sequence[int]) -> bool:
        pairs = zip(self._shape, shape, strict=False)
        return len(shape) == self.rank and all(wanted in (-1, length) for wanted, length in pairs)

    def _hold(self, values: np.ndarray, shape: Sequence[int], *, written_whole: bool) -> Any:
        held = self._layout.hold(values.reshape(-1, 1), written_whole=written_whole)
        return (
            None if held is None else self._named(held.block.astype(self._dtype, copy=False).reshape(shape))
        )

    def _named(self, array: np.ndarray) -> Any:
        return array if self.name is None else {self.name: array}
