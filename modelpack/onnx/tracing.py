"""Where a model's trees ask, said in its own input: by watching transformers, not by knowing their formulas.

Independent of the conversion on purpose: what is compared at the splits must not come from what is under
test.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from modelpack.onnx import SPLITS, owner
from modelpack.onnx.cuts import Cut, Transformed, find_cuts
from modelpack.onnx.native import dense, kept
from modelpack.onnx.rows import Rows, repeated
from modelpack.schema import Table

Prefix = Callable[[Any], np.ndarray]
"""The model's input (a DataFrame or an array) to the matrix that an estimator inside it is given."""


@dataclass(frozen=True)
class Tree:
    """The questions of one tree, by node; leaves have -1 for children. *categorical* ones are left alone."""

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    categorical: np.ndarray


@dataclass(frozen=True)
class Trees:
    """Trees inside a model, and what comes before them. *rounded* tells that they see float32."""

    estimator: Any
    prefix: Prefix
    trees: tuple[Tree, ...]
    rounded: bool

    def asks_only(self, features: Container[int]) -> bool:
        """Whether no tree asks about any but *features*."""
        asked = {int(feature) for tree in self.trees for feature in tree.feature[tree.left >= 0]}
        return all(feature in features for feature in asked)


@dataclass
class Trace:
    """For the trees' features: the one input column each comes from (*owners*), if there is one.

    *cuts* holds the splits of number columns by feature and threshold; *words* what each word of a text
    column makes of its features.
    """

    owners: dict[int, str | int] = field(default_factory=dict)
    cuts: dict[tuple[int, float], Cut] = field(default_factory=dict)
    words: dict[str | int, dict[str, Mapping[int, float]]] = field(default_factory=dict)


def find_trees(model: Any, prefix: Prefix = dense) -> Iterator[Trees]:
    """All trees inside *model*, however deep, each with what its rows go through first."""
    if hasattr(model, "steps"):
        steps = model[:-1]
        last = model.steps[-1][1]
        inner = prefix if len(model.steps) == 1 else _after(prefix, steps.transform)
        if not isinstance(last, str) and last is not None:
            yield from find_trees(last, inner)
        return
    if (trees := _trees(model)) is not None:
        found, rounded = trees
        before = kept(model, "_preprocessor", None)
        yield Trees(model, prefix if before is None else _after(prefix, before.transform), found, rounded)
        return
    yield from _inside(model, prefix)


def _inside(model: Any, prefix: Prefix) -> Iterator[Trees]:
    for name in ("best_estimator_", "estimator_", "regressor_"):
        if hasattr(model, name):
            yield from find_trees(getattr(model, name), prefix)
    for one in getattr(model, "calibrated_classifiers_", ()):
        yield from find_trees(one.estimator, prefix)
    features = getattr(model, "estimators_features_", None)
    for place, member in enumerate(_members(model)):
        own = prefix if features is None else _after(prefix, partial(_chosen, features[place]))
        yield from find_trees(member, own)


def _members(model: Any) -> list[Any]:
    """The fitted members of an ensemble; gradient boosting has a matrix of them."""
    members = getattr(model, "estimators_", ())
    return list(members.ravel()) if isinstance(members, np.ndarray) else list(members)


def _chosen(places: np.ndarray, rows: Any) -> Any:
    return np.asarray(rows)[:, places]


def _after(first: Prefix, then: Callable[[Any], Any]) -> Prefix:
    # A DataFrame goes to the first transformer as it is.
    return lambda data: dense(then(data if first is dense else first(data)))


def _trees(model: Any) -> tuple[tuple[Tree, ...], bool] | None:
    if (library := owner(model)) in SPLITS:
        found: tuple[tuple[Tree, ...], bool] = SPLITS[library](model)
        return found
    if (stages := kept(model, "_predictors", None)) is not None:
        return tuple(_histogram_tree(one.nodes) for stage in stages for one in stage), False
    if hasattr(model, "tree_"):
        return (_tree(model.tree_),), True
    members = _members(model)
    if not members or not all(hasattr(one, "tree_") for one in members):
        return None
    # Members of a bag number the features that they were given.
    features = getattr(model, "estimators_features_", [None] * len(members))
    return tuple(_tree(one.tree_, chosen) for one, chosen in zip(members, features, strict=True)), True


def _tree(tree: Any, chosen: np.ndarray | None = None) -> Tree:
    nothing = np.zeros(tree.node_count, dtype=bool)
    feature = tree.feature if chosen is None else np.where(tree.feature < 0, -1, chosen[tree.feature])
    return Tree(feature, tree.threshold, tree.children_left, tree.children_right, nothing)


def _histogram_tree(nodes: np.ndarray) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    left = np.where(leaf, -1, nodes["left"].astype(np.int64))
    right = np.where(leaf, -1, nodes["right"].astype(np.int64))
    return Tree(
        nodes["feature_idx"].astype(np.int64),
        nodes["num_threshold"],
        left,
        right,
        nodes["is_categorical"].astype(bool),
    )


def trace(
    trees: Trees,
    rows: Rows,
    as_input: Callable[[Table | np.ndarray], Any],
    rng: np.random.Generator,
    *,
    most: int,
    limit: float,
) -> Trace:
    """Follow the features of *trees* back to the input's columns, and at most *most* of their splits.

    Numbers up to the magnitude *limit* are tried.
    """

    def transformed(columns: Mapping[str | int, np.ndarray]) -> np.ndarray:
        return np.asarray(trees.prefix(as_input(rows.input(columns))), dtype=np.float64)

    base = rows.random(1, rng)
    result = Trace(owners=_owners(rows, transformed, rng))
    wanted = _splits(trees, result.owners, most, rng)
    for name in {result.owners[feature] for feature, _ in wanted}:
        ask = rows.by_name[name]
        mine = [pair for pair in wanted if result.owners[pair[0]] == name]
        if ask.is_text:
            result.words[name] = _words(ask.name, rows, transformed, base, result.owners)
        elif ask.dtype.kind != "b":
            cuts = find_cuts(ask, transformed, base, mine, rounded=trees.rounded, limit=limit)
            result.cuts.update(cuts)
    return result


def _owners(rows: Rows, transformed: Transformed, rng: np.random.Generator) -> dict[int, str | int]:
    """The features that change with one column, and with no other."""
    templates, tries = 3, 8
    seen: dict[int, set[str | int]] = {}
    for _ in range(templates):
        start = repeated(rows.random(1, rng), tries)
        before = transformed(start)
        for ask in rows.asks:
            changed = {**start, ask.name: rows.random(tries, rng)[ask.name]}
            after = transformed(changed)
            moved = ((after != before) & ~(np.isnan(after) & np.isnan(before))).any(axis=0)
            for feature in np.flatnonzero(moved):
                seen.setdefault(int(feature), set()).add(ask.name)
    return {feature: next(iter(names)) for feature, names in seen.items() if len(names) == 1}


def _splits(
    trees: Trees, owners: Mapping[int, str | int], most: int, rng: np.random.Generator
) -> list[tuple[int, float]]:
    """The distinct questions of *trees* about features that have an owner."""
    pairs: set[tuple[int, float]] = set()
    for tree in trees.trees:
        for node in np.flatnonzero((tree.left >= 0) & ~tree.categorical):
            feature = int(tree.feature[node])
            if feature in owners:
                pairs.add((feature, float(tree.threshold[node])))
    ordered = sorted(pairs)
    if len(ordered) <= most:
        return ordered
    chosen = rng.choice(len(ordered), most, replace=False)
    return [ordered[place] for place in sorted(chosen)]


def _words(
    name: str | int,
    rows: Rows,
    transformed: Transformed,
    base: Mapping[str | int, np.ndarray],
    owners: Mapping[int, str | int],
) -> dict[str, Mapping[int, float]]:
    words = [str(one) for one in rows.by_name[name].known]
    if not words:
        return {}
    columns = {**repeated(base, len(words)), name: np.array(words, dtype=object)}
    matrix = transformed(columns)
    mine = [feature for feature, owner in owners.items() if owner == name]
    return {
        word: {feature: float(matrix[place, feature]) for feature in mine} for place, word in enumerate(words)
    }
