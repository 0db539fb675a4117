"""Trees as one ``TreeEnsemble`` node (ai.onnx.ml 5) that answers bit for bit what scikit-learn answers.

The node compares in double, and asks the columns' sources: rounding to float32, scalers and encoders are
worked into the splits (``modelpack.onnx.splits``). Where each leaf gives one number, the node sums them
itself, in double and tree by tree, as scikit-learn does. Where a leaf gives one for each class, the node only
finds the leaves; their values are looked up and summed by ``CumSum``, which keeps the order of the trees.
(The usual conversion sums in float32, which moves probabilities by 1e-7 and decides ties otherwise.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import TensorProto, numpy_helper

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import DOUBLE, Cast, Column, Frame, cast, gather, matrix, side_by_side, whole
from modelpack.onnx.graph import ML, Graph, Tensor
from modelpack.onnx.splits import AT_MOST, MEMBER, Splits, pulled_back


@dataclass(frozen=True)
class Tree:
    """One tree as arrays over its nodes; a leaf has -1 for children.

    ``feature <= threshold`` goes *left*; NaN goes left where *missing_left*. *value* is what a leaf gives.
    *members* holds, for nodes that ask for membership instead, the values that go left.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    missing_left: np.ndarray
    value: np.ndarray
    members: Mapping[int, np.ndarray] = field(default_factory=dict)

    @property
    def inner(self) -> np.ndarray:
        """The numbers of the nodes that split."""
        return np.flatnonzero(self.left >= 0)

    @property
    def leaves(self) -> np.ndarray:
        """The numbers of the leaves."""
        return np.flatnonzero(self.left < 0)


def constant_tree(value: float) -> Tree:
    """A tree without splits."""
    nothing = np.array([-1])
    return Tree(nothing, np.zeros(1), nothing, nothing, np.zeros(1, dtype=bool), np.array([value]))


def sums(
    graph: Graph,
    frame: Frame,
    trees: Sequence[Tree],
    targets: Sequence[int],
    *,
    width: int,
    rounding: Cast | None,
    dtype: np.dtype[Any] = DOUBLE,
) -> Tensor:
    """Rows by *width*: the sum, in order, of the values of *trees* that have each of *targets*.

    It compares and sums in *dtype*: float32 is for trees whose thresholds and columns are such.
    """
    weights = [tree.value for tree in trees]
    return _ensemble(graph, frame, trees, targets, weights, width=width, rounding=rounding, dtype=dtype)


def leaf_sums(graph: Graph, frame: Frame, trees: Sequence[Tree], *, rounding: Cast | None) -> Tensor:
    """The sum, in order, of the rows of numbers that the leaves of *trees* give."""
    width = trees[0].value.shape[1]
    starts = np.cumsum([0] + [len(tree.leaves) for tree in trees])
    numbers = []
    for tree, start in zip(trees, starts[:-1], strict=True):
        number = np.zeros(len(tree.left))
        number[tree.leaves] = start + np.arange(len(tree.leaves))
        numbers.append(number)
    found = _ensemble(graph, frame, trees, range(len(trees)), numbers, width=len(trees), rounding=rounding)
    table = np.concatenate([tree.value[tree.leaves] for tree in trees])
    index = graph.node("Cast", found, to=TensorProto.INT64)
    rows = graph.node("Gather", table, index)
    if len(trees) == 1:
        return Tensor(graph.node("Squeeze", rows, np.array([1])), DOUBLE, width)
    running = graph.node("CumSum", rows, np.array(1))
    return Tensor(graph.node("Gather", running, np.array(len(trees) - 1), axis=1), DOUBLE, width)


def _ensemble(
    graph: Graph,
    frame: Frame,
    trees: Sequence[Tree],
    targets: Sequence[int],
    weights: Sequence[np.ndarray],
    *,
    width: int,
    rounding: Cast | None,
    dtype: np.dtype[Any] = DOUBLE,
) -> Tensor:
    asked = _Asked(graph, frame, trees, rounding, dtype)
    nodes = _Nodes(trees, weights, asked)
    node = graph.node(
        "TreeEnsemble",
        asked.source,
        domain=ML,
        aggregate_function=1,
        post_transform=0,
        n_targets=width,
        tree_roots=nodes.roots,
        nodes_featureids=nodes.features.tolist(),
        nodes_modes=_attribute(nodes.modes.astype(np.uint8)),
        nodes_splits=_attribute(nodes.splits.astype(dtype)),
        nodes_missing_value_tracks_true=nodes.missing.astype(np.int64).tolist(),
        nodes_truenodeids=nodes.yes.tolist(),
        nodes_trueleafs=nodes.yes_leaf.astype(np.int64).tolist(),
        nodes_falsenodeids=nodes.no.tolist(),
        nodes_falseleafs=nodes.no_leaf.astype(np.int64).tolist(),
        leaf_targetids=np.repeat(list(targets), nodes.leaf_counts).tolist(),
        leaf_weights=_attribute(nodes.weights.astype(dtype)),
        **({"membership_values": _attribute(nodes.members.astype(dtype))} if len(nodes.members) else {}),
    )
    return Tensor(node, dtype, width)


def _attribute(values: np.ndarray) -> TensorProto:
    return numpy_helper.from_array(values)


class _Asked:
    """The columns that trees ask, as one matrix *source*, and the questions for each column of it."""

    def __init__(
        self,
        graph: Graph,
        frame: Frame,
        trees: Sequence[Tree],
        rounding: Cast | None,
        dtype: np.dtype[Any],
    ) -> None:
        self.splits: list[Splits] = []
        features = np.concatenate([tree.feature[tree.inner] for tree in trees])
        thresholds = np.concatenate([tree.threshold[tree.inner] for tree in trees])
        missing = np.concatenate([tree.missing_left[tree.inner] for tree in trees])
        used = sorted({int(feature) for feature in features})
        questions: dict[int, Splits] = {}
        columns: dict[int, Column] = {}
        for place in used:
            mine = features == place
            columns[place], questions[place] = _pulled(
                graph, frame.columns[place], thresholds[mine], missing[mine], rounding
            )
        source, where = _together(graph, columns, dtype) if columns else (_anything(graph, frame), {})
        self.source = cast(graph, source, dtype)
        count = len(features)
        self.features = np.array([where[int(feature)] for feature in features], dtype=np.int64)
        self.modes, self.values = np.zeros(count, dtype=np.int64), np.zeros(count)
        self.swapped, self.missing = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
        for place, one in questions.items():
            mine = features == place
            self.modes[mine], self.values[mine] = one.modes, one.values
            self.swapped[mine], self.missing[mine] = one.swapped, one.missing


def _pulled(
    graph: Graph, column: Column, thresholds: np.ndarray, missing: np.ndarray, rounding: Cast | None
) -> tuple[Column, Splits]:
    if column.is_text:
        raise NotConvertible("text reaches trees, which want numbers")
    splits = pulled_back(column, thresholds, missing, rounding)
    if splits is None:
        column = whole(matrix(graph, Frame((column,)))).columns[0]
        splits = pulled_back(column, thresholds, missing, rounding)
    if splits is None:
        raise NotConvertible("a column that trees ask cannot be computed")
    return column, splits


def _together(
    graph: Graph, columns: Mapping[int, Column], dtype: np.dtype[Any]
) -> tuple[Tensor, dict[int, int]]:
    """One matrix with the sources of *columns*, and where in it each stands.

    A source is taken as a whole where that saves picking columns from it.
    """
    sources: dict[str, Tensor] = {}
    for column in columns.values():
        sources.setdefault(column.source.name, column.source)
    parts, start = [], 0
    places: dict[tuple[str, int], int] = {}
    for name, source in sources.items():
        picked = sorted({column.index for column in columns.values() if column.source.name == name})
        # A few columns nobody asks cost less than a node; many do not.
        if 2 * len(picked) >= (source.width or 1):
            picked = list(range(source.width or 1))
        parts.append(cast(graph, gather(graph, source, picked), dtype))
        places.update({(name, index): start + at for at, index in enumerate(picked)})
        start += len(picked)
    where = {place: places[column.source.name, column.index] for place, column in columns.items()}
    return side_by_side(graph, parts), where


def _anything(graph: Graph, frame: Frame) -> Tensor:
    """A matrix of the right number of rows, for trees that ask nothing of it."""
    column = frame.columns[0]
    source = graph.ids(column.source) if column.is_text else column.source
    return cast(graph, source, DOUBLE)


class _Nodes:
    """The attributes of a ``TreeEnsemble``, over the nodes and leaves of all trees."""

    def __init__(self, trees: Sequence[Tree], weights: Sequence[np.ndarray], asked: _Asked) -> None:
        self.leaf_counts: list[int] = []
        self.roots: list[int] = []
        parts: dict[str, list[np.ndarray]] = {}
        node_start = leaf_start = asked_start = 0
        self.members = np.zeros(0)
        for tree, weight in zip(trees, weights, strict=True):
            inner, leaves = tree.inner, tree.leaves
            self.roots.append(node_start)
            if len(inner) == 0:
                # A node must split; one that says the same either way does.
                part = _stump(leaf_start)
                nodes, leaf_values = 1, np.repeat(weight[leaves], 2)
            else:
                here = slice(asked_start, asked_start + len(inner))
                part = _branches(tree, asked, here, node_start, leaf_start)
                nodes, leaf_values = len(inner), weight[leaves]
                asked_start += len(inner)
            for name, values in {**part, "weights": leaf_values}.items():
                parts.setdefault(name, []).append(values)
            self.leaf_counts.append(len(leaf_values))
            node_start += nodes
            leaf_start += len(leaf_values)
        joined = {name: np.concatenate(values) for name, values in parts.items()}
        self.features, self.modes, self.splits = joined["features"], joined["modes"], joined["splits"]
        self.missing, self.weights = joined["missing"], joined["weights"]
        self.yes, self.yes_leaf = joined["yes"], joined["yes_leaf"]
        self.no, self.no_leaf = joined["no"], joined["no_leaf"]
        self._read_members(trees)

    def _read_members(self, trees: Sequence[Tree]) -> None:
        """Values for the nodes that ask for membership, in the order of the nodes, each list ended by NaN."""
        lists = []
        for root, tree in zip(self.roots, trees, strict=True):
            for place, number in enumerate(tree.inner):
                if int(number) in tree.members:
                    self.modes[root + place] = MEMBER
                    lists += [np.asarray(tree.members[int(number)], dtype=DOUBLE), np.array([np.nan])]
        if lists:
            self.members = np.concatenate(lists)


def _stump(leaf: int) -> dict[str, np.ndarray]:
    return {
        "features": np.zeros(1, dtype=np.int64),
        "modes": np.array([AT_MOST]),
        "splits": np.zeros(1),
        "missing": np.zeros(1, dtype=bool),
        "yes": np.array([leaf]),
        "yes_leaf": np.ones(1, dtype=bool),
        "no": np.array([leaf + 1]),
        "no_leaf": np.ones(1, dtype=bool),
    }


def _branches(
    tree: Tree, asked: _Asked, here: slice, node_start: int, leaf_start: int
) -> dict[str, np.ndarray]:
    inner, leaves = tree.inner, tree.leaves
    number = np.zeros(len(tree.left), dtype=np.int64)
    number[inner] = node_start + np.arange(len(inner))
    number[leaves] = leaf_start + np.arange(len(leaves))
    is_leaf = tree.left < 0
    left, right = tree.left[inner], tree.right[inner]
    yes = np.where(asked.swapped[here], right, left)
    no = np.where(asked.swapped[here], left, right)
    return {
        "features": asked.features[here],
        "modes": asked.modes[here],
        "splits": asked.values[here],
        "missing": asked.missing[here],
        "yes": number[yes],
        "yes_leaf": is_leaf[yes],
        "no": number[no],
        "no_leaf": is_leaf[no],
    }
