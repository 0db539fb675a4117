"""LightGBM's trees: double rows, ``<=`` or membership, and sums in double in the order of the trees.

Source: LightGBM 4.7, ``include/LightGBM/tree.h`` (decisions) and ``src/objective`` (the last step).
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from onnx import TensorProto

from modelpack.errors import NotConvertible, shorten
from modelpack.onnx.boosted import reading
from modelpack.onnx.columns import DOUBLE, Column, Frame, matrix, whole
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.trees import Tree, sums
from modelpack.onnx.writing import Answers, argmax, flat, labels, scaled, softmax, two_sided

_PLAIN = frozenset(
    {
        "regression",
        "regression_l1",
        "huber",
        "fair",
        "quantile",
        "mape",
        "lambdarank",
        "rank_xendcg",
        "custom",
    }
)
_EXPONENTIAL = frozenset({"poisson", "gamma", "tweedie"})

_ZERO = float(np.float32(1e-35))
"""Numbers up to this are 0 to LightGBM before it asks anything of them."""

_NO_MISSING, _ZERO_MISSING = 0, 1
"""Bits 2 and 3 of a node's decision type; 2 means that NaN is missing."""


def write(graph: Graph, model: Any, frame: Frame) -> Answers:
    """A ``Booster``, or an estimator around one."""
    if not hasattr(model, "booster_"):
        return {"predict": _value(graph, _read(model), frame)}
    forest = _read(model.booster_)
    if not hasattr(model, "predict_proba"):
        return {"predict": _value(graph, forest, frame)}
    return _classes(graph, model, forest, frame)


def _read(booster: Any) -> "_Forest":
    with reading("LightGBM"):
        return _Forest(booster)


class _Forest:
    """What a booster's own text says of it. *words* are the objective's name and its settings."""

    def __init__(self, booster: Any) -> None:
        # As predict does: where it was stopped early, the trees up to the best.
        head, *trees = booster.model_to_string().partition("\nend of trees")[0].split("\nTree=")
        fields = _fields(head)
        self.words = fields.get("objective", "custom").split()
        self.width = int(fields["num_tree_per_iteration"])
        self.averages = "average_output" in head.splitlines()
        self.trees: list[Tree] = []
        self.categorical: set[int] = set()
        for text in trees:
            tree = _fields(text)
            if tree.get("is_linear", "0") != "0":
                raise NotConvertible("trees with linear leaves")
            self.trees.append(_tree(tree))
            made = self.trees[-1]
            self.categorical |= {int(feature) for feature in made.feature[_asks_members(tree)]}

    @property
    def objective(self) -> str:
        """Its name."""
        return self.words[0]

    def setting(self, name: str, default: float) -> float:
        """The number after ``name:`` among the words."""
        for word in self.words[1:]:
            key, _, value = word.partition(":")
            if key == name:
                return float(value)
        return default


def _fields(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _numbers(tree: Mapping[str, str], key: str, dtype: type) -> np.ndarray:
    return np.array(tree.get(key, "").split(), dtype=dtype)


def _asks_members(tree: Mapping[str, str]) -> np.ndarray:
    return np.flatnonzero(_numbers(tree, "decision_type", np.int64) & 1)


def _tree(tree: Mapping[str, str]) -> Tree:
    """Inner nodes come first, then the leaves, as many and one more; a child -1 is leaf 0."""
    inner = int(tree["num_leaves"]) - 1
    values = _numbers(tree, "leaf_value", np.float64)
    none = np.full(inner + 1, -1, dtype=np.int64)
    kinds = _numbers(tree, "decision_type", np.int64)[:inner]
    thresholds = _numbers(tree, "threshold", np.float64)[:inner]
    asks_members = (kinds & 1).astype(bool)
    members = {}
    for number in np.flatnonzero(asks_members):
        found = _members(tree, int(thresholds[number]))
        if len(found):
            members[int(number)] = found
    left, right = (
        np.where(child < 0, inner + ~child, child)
        for child in (_numbers(tree, key, np.int64)[:inner] for key in ("left_child", "right_child"))
    )
    return Tree(
        feature=np.concatenate([_numbers(tree, "split_feature", np.int64)[:inner], none]),
        # Where no category goes left, none does: no number is at most -inf.
        threshold=np.concatenate(
            [np.where(asks_members, -np.inf, _beside_zero(thresholds)), np.zeros(inner + 1)]
        ),
        left=np.concatenate([left, none]),
        right=np.concatenate([right, none]),
        missing_left=np.concatenate([_missing_left(kinds, thresholds), np.zeros(inner + 1, dtype=bool)]),
        value=np.concatenate([np.zeros(inner), values]),
        members=members,
    )


def _beside_zero(thresholds: np.ndarray) -> np.ndarray:
    """Thresholds that divide the numbers themselves as *thresholds* do once small ones are 0."""
    below = (thresholds >= -_ZERO) & (thresholds < 0)
    above = (thresholds >= 0) & (thresholds <= _ZERO)
    return np.where(below, np.nextafter(-_ZERO, -np.inf), np.where(above, _ZERO, thresholds))


def _missing_left(kinds: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Where NaN goes left. A split that knows no missing values takes it for 0."""
    asks_members = (kinds & 1).astype(bool)
    default_left = (kinds & 2).astype(bool)
    missing = (kinds >> 2) & 3
    if ((missing == _ZERO_MISSING) & ~asks_members).any():
        raise NotConvertible("trees that take zeros for missing")
    left = np.where(missing == _NO_MISSING, thresholds >= 0, default_left)
    return np.asarray(left & ~asks_members)


def _members(tree: Mapping[str, str], place: int) -> np.ndarray:
    """The categories that go left at the categorical split *place*."""
    bounds = _numbers(tree, "cat_boundaries", np.int64)
    words = _numbers(tree, "cat_threshold", np.uint32)[bounds[place] : bounds[place + 1]]
    bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
    return np.flatnonzero(bits).astype(np.float64)


def _raw(graph: Graph, forest: _Forest, frame: Frame) -> Tensor:
    """The sums before the objective's last step."""
    rows = Frame(
        tuple(_seen(graph, one, place in forest.categorical) for place, one in enumerate(frame.columns))
    )
    targets = [place % forest.width for place in range(len(forest.trees))]
    total = sums(graph, rows, forest.trees, targets, width=forest.width, rounding=None)
    if not forest.averages:
        return total
    return scaled(graph, total, "Div", len(forest.trees) // forest.width)


def _seen(graph: Graph, column: Column, is_categorical: bool) -> Column:
    """A category is the whole part of the number."""
    if not is_categorical:
        return column
    number = matrix(graph, Frame((column,)), DOUBLE)
    code = graph.node("Cast", number, to=TensorProto.INT64)
    return whole(Tensor(graph.node("Cast", code, to=TensorProto.DOUBLE), DOUBLE, 1)).columns[0]


def _value(graph: Graph, forest: _Forest, frame: Frame) -> Callable[[], Tensor]:
    """What ``Booster.predict`` answers."""

    def predict() -> Tensor:
        answers = _transformed(graph, forest, _raw(graph, forest, frame))
        return flat(graph, answers) if answers.width == 1 else answers

    return predict


def _transformed(graph: Graph, forest: _Forest, raw: Tensor) -> Tensor:
    objective = forest.objective
    if objective in ("binary", "multiclassova", "cross_entropy"):
        return _sigmoid(graph, scaled(graph, raw, "Mul", -forest.setting("sigmoid", 1.0)))
    if objective == "multiclass":
        return softmax(graph, raw)
    if objective in _EXPONENTIAL:
        return Tensor(graph.node("Exp", raw), DOUBLE, raw.width)
    if objective in _PLAIN and "sqrt" not in forest.words:
        return raw
    raise NotConvertible(f"the objective {shorten(' '.join(forest.words), 60)}")


def _sigmoid(graph: Graph, opposite: Tensor) -> Tensor:
    """``1 / (1 + exp(opposite))``."""
    raised = Tensor(graph.node("Exp", opposite), DOUBLE, opposite.width)
    return Tensor(graph.node("Div", np.ones(1), scaled(graph, raised, "Add", 1.0)), DOUBLE, opposite.width)


def _classes(graph: Graph, model: Any, forest: _Forest, frame: Frame) -> Answers:
    """Probabilities, and the class of the greatest."""
    if forest.objective not in ("binary", "multiclass", "multiclassova"):
        raise NotConvertible(f"a classifier with the objective {shorten(forest.objective, 60)}")

    def shares() -> Tensor:
        found = _transformed(graph, forest, _raw(graph, forest, frame))
        return two_sided(graph, found) if forest.width == 1 else found

    return {
        "predict": lambda: labels(graph, argmax(graph, shares()), model.classes_),
        "predict_proba": shares,
    }
