"""The rows on which a model and its ONNX form are compared."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from modelpack.onnx.rows import UNSEEN, Ask, Rows, taken
from modelpack.onnx.tracing import Trace, Tree, Trees
from modelpack.schema import Table

Columns = dict[str | int, np.ndarray]


@dataclass(frozen=True)
class Probe:
    """Rows of one *kind*; *column* is the one that makes them special, where it is one."""

    kind: str
    data: Table | np.ndarray
    column: str | int | None = None

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.data)

    @cached_property
    def greatest(self) -> float:
        """The greatest magnitude among its finite numbers."""
        columns = self.data.columns.values() if isinstance(self.data, Table) else [self.data]
        return max(
            (_greatest(np.ma.filled(one, 0)) for one in columns if one.dtype.kind in "iuf"), default=0.0
        )


def _greatest(values: np.ndarray) -> float:
    magnitudes = np.abs(values.astype(np.float64))
    return float(magnitudes[np.isfinite(magnitudes)].max(initial=0.0))


def random_rows(rows: Rows, count: int, rng: np.random.Generator) -> Iterator[Probe]:
    """Rows as they may well come."""
    for start in range(0, count, 20_000):
        yield Probe("random", rows.input(rows.random(min(20_000, count - start), rng)))


def missing_rows(rows: Rows, refused: set[str | int], rng: np.random.Generator) -> Iterator[Probe]:
    """Missing values in each column alone, in all at once, and here and there where the model takes them."""
    able = [ask for ask in rows.asks if ask.is_float or ask.optional]
    for ask in able:
        columns = rows.random(16, rng)
        yield Probe("missing", rows.input({**columns, ask.name: _missing(columns[ask.name])}), ask.name)
    taking = [ask for ask in able if ask.name not in refused]
    if len(able) > 1:
        yield Probe("missing", rows.input({**(one := rows.random(4, rng)), **_all_missing(able, one)}))
    if taking:
        columns = rows.random(2000, rng)
        for ask in taking:
            where = rng.random(2000) < 0.3
            columns[ask.name] = _missing(columns[ask.name], where)
        yield Probe("missing", rows.input(columns))


def unseen_rows(rows: Rows, rng: np.random.Generator) -> Iterator[Probe]:
    """Categories that no profile names."""
    for ask in rows.asks:
        values = _unseen(ask)
        if len(values):
            columns = rows.random(len(values), rng)
            yield Probe("unseen", rows.input({**columns, ask.name: values}), ask.name)


def extreme_rows(rows: Rows, limit: float, rng: np.random.Generator) -> Iterator[Probe]:
    """Zeros of both signs, the least floats and the greatest up to *limit*, in one column and in all."""
    least = [0.0, -0.0, 5e-324, -5e-324, 1e-300, 1e-45, -1e-45, 1.2e-38]
    great = [1e6, 1e15, 1e30, 3.4028234663852886e38, 1e300, 1.7976931348623157e308]
    values = [*least, *(one for one in great if one <= limit), limit if np.isfinite(limit) else np.inf]
    values += [-one for one in values[len(least) :]]
    asks = [ask for ask in rows.asks if ask.is_float]
    for ask in asks:
        column = _floats(values, ask)
        columns = rows.random(len(column), rng)
        yield Probe("extreme", rows.input({**columns, ask.name: column}), ask.name)
    if asks:
        columns = rows.random(200, rng)
        for ask in asks:
            some = _floats(values, ask)
            columns[ask.name] = some[rng.integers(0, len(some), 200)]
        yield Probe("extreme", rows.input(columns))


def split_rows(
    trees: Trees, trace: Trace, rows: Rows, count: int, rng: np.random.Generator
) -> Iterator[Probe]:
    """Rows that reach a split, with the value at it, one below and one above, in the input's own floats."""
    targets = [
        (tree, int(node))
        for tree in trees.trees
        for node in np.flatnonzero((tree.left >= 0) & ~tree.categorical)
        if _is_traced(tree, int(node), trace)
    ]
    if not targets:
        return
    parents = {id(tree): _parents(tree) for tree in trees.trees}
    base = rows.random(count, rng)
    writer = _SplitRows(rows, trace, rng)
    order = rng.permutation(len(targets))
    # A split has four rows at most; some have fewer, because their path leaves no room around it.
    for place in range(count):
        if writer.count >= count:
            break
        tree, node = targets[order[place % len(order)]]
        writer.add(base, place, tree, node, parents[id(tree)])
    yield from writer.probes(base)


class _SplitRows:
    """Gathers, for each split, which base row to take and what to change in it."""

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._sources)

    def __init__(self, rows: Rows, trace: Trace, rng: np.random.Generator) -> None:
        self._rows, self._trace, self._rng = rows, trace, rng
        self._sources: list[int] = []
        self._changes: dict[str | int, tuple[list[int], list[Any]]] = {
            ask.name: ([], []) for ask in rows.asks
        }

    def add(
        self, base: Mapping[str | int, np.ndarray], place: int, tree: Tree, node: int, parents: np.ndarray
    ) -> None:
        """Rows for *node* of *tree*, from row *place* of *base*."""
        bounds, words = self._path(tree, node, parents)
        feature, threshold = int(tree.feature[node]), float(tree.threshold[node])
        owner = self._trace.owners[feature]
        path: dict[str | int, Any] = {}
        for name, (low, high) in bounds.items():
            value = base[name][place]
            if name != owner and not (low <= value <= high):
                path[name] = self._between(name, low, high)
        for name, allowed in words.items():
            if name != owner and base[name][place] not in allowed and allowed:
                path[name] = allowed[int(self._rng.integers(len(allowed)))]
        for value in self._values(owner, feature, threshold, bounds, words):
            row = len(self._sources)
            self._sources.append(place)
            for name, changed in {**path, owner: value}.items():
                self._changes[name][0].append(row)
                self._changes[name][1].append(changed)

    def probes(self, base: Columns) -> Iterator[Probe]:
        """All rows, twenty thousand at a time."""
        columns = taken(base, self._sources)
        for name, (places, values) in self._changes.items():
            if places:
                columns[name][places] = values
        for start in range(0, len(self._sources), 20_000):
            some = taken(columns, np.arange(start, min(start + 20_000, len(self._sources))))
            yield Probe("split", self._rows.input(some))

    def _path(
        self, tree: Tree, node: int, parents: np.ndarray
    ) -> tuple[dict[str | int, tuple[float, float]], dict[str | int, list[str]]]:
        """What the columns must be for a row to come to *node*."""
        bounds: dict[str | int, tuple[float, float]] = {}
        words: dict[str | int, list[str]] = {}
        while (parent := int(parents[node])) >= 0:
            feature, threshold = int(tree.feature[parent]), float(tree.threshold[parent])
            left = int(tree.left[parent]) == node
            owner = self._trace.owners.get(feature)
            cut = self._trace.cuts.get((feature, threshold))
            if owner in self._trace.words:
                known = self._trace.words[owner]
                allowed = words.get(owner, list(known))
                words[owner] = [word for word in allowed if (known[word][feature] <= threshold) == left]
            elif owner is not None and cut is not None:
                low, high = bounds.get(owner, (-np.inf, np.inf))
                # Below the cut is left or right, as the column rises or falls on its way to the trees.
                bounds[owner] = (
                    (low, min(high, cut.below)) if left == cut.below_left else (max(low, cut.above), high)
                )
            node = parent
        return bounds, words

    def _values(
        self,
        owner: str | int,
        feature: int,
        threshold: float,
        bounds: Mapping[str | int, tuple[float, float]],
        words: Mapping[str | int, list[str]],
    ) -> list[Any]:
        """What to put where the split asks."""
        if owner in self._trace.words:
            known = self._trace.words[owner]
            allowed = words.get(owner) or list(known)
            sides: dict[bool, str] = {}
            for word in allowed:
                sides.setdefault(known[word][feature] <= threshold, word)
            return list(sides.values())
        low, high = bounds.get(owner, (-np.inf, np.inf))
        return [one for one in self._trace.cuts[feature, threshold].around if low <= one <= high]

    def _between(self, name: str | int, low: float, high: float) -> Any:
        """A value from *low* to *high*, near them where one is infinite."""
        if np.isinf(low) or np.isinf(high):
            value = high if np.isinf(low) else low
        elif low > high:
            # No number comes there: LightGBM splits missing values off where numbers were split before.
            return np.asarray(low, dtype=self._rows.by_name[name].dtype)
        else:
            value = float(self._rng.uniform(low, high))
        dtype = self._rows.by_name[name].dtype
        if dtype.kind in "iu":
            return int(np.clip(np.rint(value), np.ceil(low), np.floor(high)))
        return float(np.clip(value, low, high))


def feature_rows(trees: Trees, width: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of *width* features for the trees alone, at their splits, where no column alone makes one."""
    splits = [
        (int(tree.feature[node]), float(tree.threshold[node]))
        for tree in trees.trees
        for node in np.flatnonzero((tree.left >= 0) & ~tree.categorical & np.isfinite(tree.threshold))
    ]
    if not splits:
        return rng.normal(size=(count, width))
    by_feature = {feature: np.array([t for f, t in splits if f == feature]) for feature, _ in splits}
    matrix = np.zeros((count, width))
    for feature, thresholds in by_feature.items():
        at = thresholds[rng.integers(0, len(thresholds), count)]
        # float32 neighbours, as the trees see them, and doubles between these.
        near = at.astype(np.float32).astype(np.float64)
        choice = rng.integers(0, 6, count)
        matrix[:, feature] = np.choose(
            choice,
            [
                at,
                near,
                np.nextafter(near.astype(np.float32), np.float32(np.inf)).astype(np.float64),
                np.nextafter(near.astype(np.float32), np.float32(-np.inf)).astype(np.float64),
                np.nextafter(at, np.inf),
                np.nextafter(at, -np.inf),
            ],
        )
    return matrix


def _is_traced(tree: Tree, node: int, trace: Trace) -> bool:
    feature = int(tree.feature[node])
    owner = trace.owners.get(feature)
    if owner in trace.words:
        return bool(trace.words[owner])
    return (feature, float(tree.threshold[node])) in trace.cuts


def _parents(tree: Tree) -> np.ndarray:
    parents = np.full(len(tree.left), -1, dtype=np.int64)
    inner = np.flatnonzero(tree.left >= 0)
    parents[tree.left[inner]] = inner
    parents[tree.right[inner]] = inner
    return parents


def _missing(values: np.ndarray, where: np.ndarray | None = None) -> np.ndarray:
    places = np.ones(len(values), dtype=bool) if where is None else where
    if values.dtype.kind in "biu":
        return np.ma.MaskedArray(values, mask=places)
    result = values.copy()
    result[places] = None if values.dtype == object else np.nan
    return result


def _all_missing(asks: list[Ask], columns: Columns) -> Columns:
    return {ask.name: _missing(columns[ask.name]) for ask in asks}


def _unseen(ask: Ask) -> np.ndarray:
    if ask.is_text:
        near = [changed for word in ask.known[:1] for changed in (word.swapcase(), word + " ")]
        known = set(ask.known)
        return np.array([word for word in [*UNSEEN, *near] if word not in known], dtype=object)
    if ask.dtype.kind in "iu" and ask.known:
        top, bottom = max(ask.known), min(ask.known)
        values = [top + 1, bottom - 1, top + 1000, 0, -1]
        limits = np.iinfo(ask.dtype)
        return np.array([one for one in values if limits.min <= one <= limits.max], dtype=ask.dtype)
    return np.zeros(0)


def _floats(values: list[float], ask: Ask) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        column = np.array(values).astype(ask.dtype)
    return column if np.isinf(values).any() else column[np.isfinite(column)]
