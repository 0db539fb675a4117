"""Where on an input column a split of a tree changes its answer: bisected over the column's own values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelpack.onnx.rows import Ask, repeated

Transformed = Callable[[Mapping[str | int, np.ndarray]], np.ndarray]
"""Columns of the input to the matrix that trees are given."""

_LARGEST = 20_000_000
"""Cells of a transformed matrix that are made at a time."""

_NEAR = 512
"""Floats to either side of a guess among which a split is looked for first."""


@dataclass(frozen=True)
class Cut:
    """Two neighbouring values of an input column, between which the answer to a split changes.

    *below_left* tells whether it is the lesser that goes left. *around* holds both, and the next to either
    side.
    """

    below: float
    above: float
    below_left: bool
    around: tuple[float, ...]


def find_cuts(
    ask: Ask,
    transformed: Transformed,
    base: Mapping[str | int, np.ndarray],
    splits: list[tuple[int, float]],
    *,
    rounded: bool,
    limit: float,
) -> dict[tuple[int, float], Cut]:
    """The cuts of *splits*, features and thresholds, on the column *ask*; the other columns are as in *base*.

    *rounded* tells that the trees see float32. A split that does not change between -*limit* and *limit* has
    none.
    """
    step = max(1, _LARGEST // max(1, transformed(base).shape[1]))
    found: dict[tuple[int, float], Cut] = {}
    for start in range(0, len(splits), step):
        search = _Search(ask, transformed, base, splits[start : start + step], rounded=rounded, limit=limit)
        found.update(search.cuts())
    return found


class _Search:
    """Bisects for many splits of one column at once."""

    def __init__(
        self,
        ask: Ask,
        transformed: Transformed,
        base: Mapping[str | int, np.ndarray],
        splits: list[tuple[int, float]],
        *,
        rounded: bool,
        limit: float,
    ) -> None:
        self._ask, self._transformed, self._splits, self._rounded = ask, transformed, splits, rounded
        self._grid = Grid(ask.dtype, limit)
        self._columns = repeated(base, len(splits))
        self._features = np.array([feature for feature, _ in splits])
        self._thresholds = np.array([threshold for _, threshold in splits])

    def cuts(self) -> dict[tuple[int, float], Cut]:
        """The cuts that there are."""
        low, high = self._near()
        at_low = self._left(low)
        near = at_low != self._left(high)
        low = np.where(near, low, self._grid.first)
        high = np.where(near, high, self._grid.last)
        at_low = np.where(near, at_low, self._left(low))
        changes = near | (at_low != self._left(high))
        # Where nothing changes there is nothing to look for.
        high = np.where(changes, high, low)
        while (apart := high > low + 1).any():  # high - low may overflow
            middle = np.where(apart, (low >> 1) + (high >> 1) + (low & high & 1), low)
            same = self._left(middle) == at_low
            low = np.where(apart & same, middle, low)
            high = np.where(apart & ~same, middle, high)
        return self._named(low, high, at_low, changes)

    def _named(
        self, low: np.ndarray, high: np.ndarray, at_low: np.ndarray, changes: np.ndarray
    ) -> dict[tuple[int, float], Cut]:
        first, last = self._grid.first, self._grid.last
        places = [np.maximum(low, first + 1) - 1, low, high, np.minimum(high, last - 1) + 1]
        around = np.stack([self._grid.values(one) for one in places], axis=1).tolist()
        found = {}
        for place in np.flatnonzero(changes):
            before, below, above, after = around[place]
            four = (before, below, above, after)
            found[self._splits[place]] = Cut(below, above, bool(at_low[place]), four)
        return found

    def _asked(self, values: np.ndarray) -> np.ndarray:
        """The features when the column holds *values*, one for each split."""
        matrix = self._transformed({**self._columns, self._ask.name: values})
        return np.asarray(matrix[np.arange(len(values)), self._features])

    def _left(self, places: np.ndarray) -> np.ndarray:
        asked = self._asked(self._grid.values(places))
        if self._rounded:
            with np.errstate(over="ignore"):
                asked = asked.astype(np.float32)
        return np.asarray(asked <= self._thresholds)

    def _near(self) -> tuple[np.ndarray, np.ndarray]:
        """Places around where the splits are, if the way from the column to the feature is a line."""
        quantiles = self._ask.profile.quantiles or (0.0, 1.0)
        start, end = quantiles[0], quantiles[-1]
        end = end if end != start else start + 1
        ends = np.array([start, end]).astype(self._ask.dtype)
        first, second = (self._asked(np.full(len(self._splits), one, dtype=self._ask.dtype)) for one in ends)
        with np.errstate(all="ignore"):
            share = (self._goals() - first) / (second - first)
            guess = float(ends[0]) + share * (float(ends[1]) - float(ends[0]))
        bound = float(self._grid.values(np.array([self._grid.last]))[0])
        guess = np.clip(np.nan_to_num(guess, nan=0.0, posinf=bound, neginf=-bound), -bound, bound)
        places = self._grid.places(guess)
        first_place, last_place = self._grid.first, self._grid.last
        low = np.maximum(places, first_place + _NEAR) - _NEAR
        return low, np.minimum(places, last_place - _NEAR) + _NEAR

    def _goals(self) -> np.ndarray:
        """Where the feature changes sides: at the threshold, or halfway between two float32 around it."""
        if not self._rounded:
            return self._thresholds
        below = self._thresholds.astype(np.float32)
        below = np.where(below > self._thresholds, np.nextafter(below, np.float32(-np.inf)), below)
        above = np.nextafter(below, np.float32(np.inf))
        return (below.astype(np.float64) + above.astype(np.float64)) / 2


class Grid:
    """All values of a dtype between -limit and limit, numbered in order."""

    def __init__(self, dtype: np.dtype[Any], limit: float) -> None:
        self._dtype = dtype
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            self.first = int(max(limits.min, -(2**53)))
            self.last = int(min(limits.max, 2**53))
        else:
            bound = np.array([min(limit, float(np.finfo(dtype).max))], dtype=dtype)
            self.last = int(self.places(bound)[0])
            self.first = -self.last

    def places(self, values: np.ndarray) -> np.ndarray:
        """The numbers of *values*."""
        if self._dtype.kind in "iu":
            return values.astype(np.int64)
        kind = np.int32 if self._dtype.itemsize == 4 else np.int64
        bits = np.asarray(values.astype(self._dtype) + self._dtype.type(0)).view(kind).astype(np.int64)
        return np.where(bits < 0, np.int64(np.iinfo(kind).min) - bits, bits)

    def values(self, places: np.ndarray) -> np.ndarray:
        """The values that have these numbers."""
        if self._dtype.kind in "iu":
            return places.astype(self._dtype)
        kind = np.int32 if self._dtype.itemsize == 4 else np.int64
        bits = np.where(places < 0, np.int64(np.iinfo(kind).min) - places, places)
        return np.asarray(bits.astype(kind).view(self._dtype))
