"""A table of numbers that lie side by side in one array."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from math import copysign
from typing import Any, ClassVar, NamedTuple

import numpy as np

from modelpack.schema.dtypes import DataType
from modelpack.schema.table import Table

EXACT_AS_DOUBLE = 2**53
EXACT_AS_FLOAT = 2**24
"""Whole numbers up to here are themselves in that type; of longer ones some are rounded."""

NUMBERS = (DataType.integer, DataType.long, DataType.float, DataType.double)

FEW = 32
"""Numbers; for so few a loop in Python is quicker than numpy's first step."""

WHOLE = (DataType.integer, DataType.long)
_DOUBLE = np.dtype(np.float64)
_MINUS_ZERO = np.int64(-(2**63))
"""The bits of -0.0, which no whole number is."""

# As floats: Python compares these with less ado than a float with an integer of more than 48 bits.
_BOUNDS = {
    DataType.integer: (float(-(2**31)), float(2**31 - 1)),
    DataType.long: (float(1 - EXACT_AS_DOUBLE), float(EXACT_AS_DOUBLE - 1)),
    DataType.float: (float(-EXACT_AS_FLOAT), float(EXACT_AS_FLOAT)),
    DataType.double: (float(1 - EXACT_AS_DOUBLE), float(EXACT_AS_DOUBLE - 1)),
}


class Bounds(NamedTuple):
    """The *least* and *greatest* number that is surely exact in a type, and whether it must be *whole*."""

    least: float
    greatest: float
    whole: bool

    @classmethod
    def of(cls, type_: DataType) -> "Bounds":
        """Those of one of NUMBERS."""
        return cls(*_BOUNDS[type_], type_ in WHOLE)

    def hold(self, cells: Iterable[Any]) -> bool:
        """Whether all *cells* are numbers within them."""
        return are_within(cells, repeat(self))


def are_within(cells: Iterable[Any], bounds: Iterable[Bounds]) -> bool:
    """Whether each of *cells* is a number within the one of *bounds* at its place."""
    for number, (least, greatest, whole) in zip(cells, bounds, strict=False):
        kind = type(number)
        if kind is float:
            if not least <= number <= greatest:
                return False
            if whole and not (number.is_integer() and (number or copysign(1, number) > 0)):
                return False
        elif kind is not int or not least <= number <= greatest:
            return False
    return True


@dataclass(frozen=True)
class Layout:
    """The *names* and *types* of columns that are all numbers."""

    names: tuple[str | int, ...]
    types: tuple[DataType, ...]

    @cached_property
    def dtypes(self) -> tuple[np.dtype[Any], ...]:
        """The dtype of each column."""
        return tuple(type_.numpy for type_ in self.types)

    @cached_property
    def common(self) -> np.dtype[Any]:
        """The smallest dtype that all columns fit."""
        return np.result_type(*self.dtypes)

    @cached_property
    def _bounds(self) -> tuple[Bounds, ...]:
        return tuple(Bounds.of(type_) for type_ in self.types)

    @cached_property
    def _floats(self) -> np.ndarray:
        return self._places(DataType.float)

    @cached_property
    def _wholes(self) -> np.ndarray:
        return self._places(*WHOLE)

    @cached_property
    def _integers(self) -> np.ndarray:
        return self._places(DataType.integer)

    def _places(self, *types: DataType) -> np.ndarray:
        return np.array([place for place, type_ in enumerate(self.types) if type_ in types], dtype=np.intp)

    def hold_few(self, rows: Sequence[Sequence[Any]], cells: Sequence[Any]) -> "Numbers | None":
        """*rows*, whose cells are *cells*, as a table, when each is a number its column takes, or None."""
        if not are_within(cells, self._bounds * len(rows)):
            return None
        return self._keep(np.array(rows, _DOUBLE))

    def hold(self, block: np.ndarray, *, written_whole: bool) -> "Numbers | None":
        """*block* as a table, when each number is one that its column takes unchanged; None in any doubt.

        *block* is float64, rows by columns, made of the numbers in a JSON text; the table keeps it.
        *written_whole* tells that some of these may have been written without a point: a column must hold
        those exactly, and they may have been rounded on their way here.
        """
        if block.size <= FEW:
            cells = block.ravel().tolist()
            return self._keep(block) if are_within(cells, self._bounds * len(block)) else None
        # Not by a product with itself: that is BLAS, which wakes its threads for it.
        if not np.abs(block).max() < EXACT_AS_DOUBLE:
            return None
        floats = block.take(self._floats, axis=1)
        if written_whole and not np.abs(floats).max(initial=0) <= EXACT_AS_FLOAT:
            return None
        return self._keep(block) if self._are_whole(block) else None

    def _are_whole(self, block: np.ndarray) -> bool:
        if self._wholes.size:
            wholes = block.take(self._wholes, axis=1)
            if not bool((np.floor(wholes) == wholes).all()) or bool(
                (wholes.view(np.int64) == _MINUS_ZERO).any()
            ):
                return False
        if self._integers.size:
            integers = block.take(self._integers, axis=1)
            least, greatest = _BOUNDS[DataType.integer]
            return bool(integers.min() >= least and integers.max() <= greatest)
        return True

    def _keep(self, block: np.ndarray) -> "Numbers":
        if self._floats.size:
            block[:, self._floats] = block[:, self._floats].astype(np.float32)
        return Numbers(self, block)


class Numbers(Table):
    """A Table that keeps its numbers in one array, and gives out columns when somebody asks for them.

    None is missing or infinite, and none is further from 0 than GREATEST.
    """

    GREATEST: ClassVar[int] = EXACT_AS_DOUBLE
    layout: Layout
    block: np.ndarray

    def __init__(self, layout: Layout, block: np.ndarray) -> None:
        # Not by way of Table's fields: what is checked there holds by the shape of the array.
        facts = self.__dict__
        facts["layout"], facts["block"], facts["rows"] = layout, block, len(block)

    @cached_property
    def columns(self) -> Mapping[str | int, np.ndarray]:
        """Each column in the dtype of its type."""
        each = zip(self.layout.names, self.block.T, self.layout.dtypes, strict=True)
        return {name: np.ascontiguousarray(column, dtype) for name, column, dtype in each}

    def matrix(self) -> np.ndarray:
        """As Table's; without any work where the smallest common dtype is float64."""
        return self.block.astype(self.layout.common, copy=False)

    @staticmethod
    def stack(tables: Sequence["Numbers"]) -> "Numbers":
        """All rows of *tables*, which are of one layout."""
        return Numbers(tables[0].layout, np.concatenate([table.block for table in tables]))


def table_of(columns: Mapping[str | int, np.ndarray], rows: int) -> Table:
    """A Table whose *columns* are known to be of one length, without counting again."""
    table = object.__new__(Table)
    facts = table.__dict__
    facts["columns"], facts["rows"] = columns, rows
    return table
