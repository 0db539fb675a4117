"""CatBoost's trees: float32 borders, whole trees that ask one question a level, sums in double.

Source: CatBoost 1.2, the model it exports as JSON and ``catboost/libs/model/eval_processing.h``.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelpack.errors import NotConvertible, shorten
from modelpack.onnx.boosted import reading
from modelpack.onnx.columns import FLOAT, Cast, Frame
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.trees import Tree, leaf_sums, sums
from modelpack.onnx.writing import (
    Answers,
    argmax,
    at_least,
    flat,
    labels,
    scaled,
    sigmoid,
    softmax,
    two_sided,
    upright,
)

_ROUNDING = Cast(FLOAT)

_EXPONENTIAL = frozenset({"Poisson", "Tweedie", "LogLinQuantile"})
"""Losses for which a regressor answers the exponential of the sum."""


def write(graph: Graph, model: Any, frame: Frame) -> Answers:
    """A ``CatBoostClassifier``, a ``CatBoostRegressor``, or what answers the plain sums."""
    with reading("CatBoost"):
        forest = _Forest(model)
    if hasattr(model, "predict_proba"):
        return _classes(graph, model, forest, frame)

    def predict() -> Tensor:
        raw = _raw(graph, forest, frame)
        if type(model).__name__ == "CatBoostRegressor" and forest.loss in _EXPONENTIAL:
            raw = Tensor(graph.node("Exp", raw), raw.dtype, raw.width)
        return flat(graph, raw) if raw.width == 1 else raw

    if forest.loss == "RMSEWithUncertainty":
        raise NotConvertible("a loss with uncertainty")
    return {"predict": predict}


class _Forest:
    """What the model's own JSON says of it."""

    def __init__(self, model: Any) -> None:
        with tempfile.TemporaryDirectory(prefix="modelpack-catboost-") as folder:
            path = Path(folder) / "model.json"
            model.save_model(str(path), format="json")
            document = json.loads(path.read_bytes())
        scale, bias = document["scale_and_bias"]
        self.scale, self.bias = float(scale), np.array(bias, dtype=np.float64)
        self.width = len(self.bias)
        self.loss = str(_found(document, "model_info", "params", "loss_function", "type") or "")
        self._features = {
            int(one["feature_index"]): (
                int(one["flat_feature_index"]),
                one["nan_value_treatment"] != "AsTrue",
            )
            for one in document["features_info"].get("float_features", ())
        }
        whole = document.get("oblivious_trees")
        self.trees = (
            [self._oblivious(tree) for tree in whole]
            if whole is not None
            else [self._branching(tree) for tree in document.get("trees", ())]
        )
        if not self.trees:
            raise NotConvertible("no trees")

    def _oblivious(self, tree: Mapping[str, Any]) -> Tree:
        """Nodes level by level: the children of node n are 2n + 1 and 2n + 2."""
        asked = [self._asked(split) for split in tree["splits"]]
        depth = len(asked)
        inner = 2**depth - 1
        level = np.floor(np.log2(np.arange(inner) + 1)).astype(np.int64)
        features, borders, missing = (np.array([one[kind] for one in asked]) for kind in range(3))
        values = np.array(tree["leaf_values"], dtype=np.float64).reshape(-1, self.width)
        return _whole_tree(
            feature=features[level] if depth else np.zeros(0),
            threshold=borders[level] if depth else np.zeros(0),
            missing_left=missing[level] if depth else np.zeros(0, dtype=bool),
            values=values[_turned(depth)],
        )

    def _branching(self, tree: Mapping[str, Any]) -> Tree:
        nodes = list(_walk(tree))
        places = {id(node): place for place, node in enumerate(nodes)}
        asked = [self._asked(node["split"]) if "split" in node else (-1, 0.0, False) for node in nodes]
        children = [
            (places[id(node["left"])], places[id(node["right"])]) if "split" in node else (-1, -1)
            for node in nodes
        ]
        values = [
            np.zeros(self.width) if "split" in node else np.ravel(node["value"]).astype(np.float64)
            for node in nodes
        ]
        return Tree(
            feature=np.array([one[0] for one in asked], dtype=np.int64),
            threshold=np.array([one[1] for one in asked]),
            left=np.array([one[0] for one in children], dtype=np.int64),
            right=np.array([one[1] for one in children], dtype=np.int64),
            missing_left=np.array([one[2] for one in asked], dtype=bool),
            value=np.array(values),
        )

    def _asked(self, split: Mapping[str, Any]) -> tuple[int, float, bool]:
        """The column, the border and whether a missing value is below it."""
        if split.get("split_type") != "FloatFeature":
            raise NotConvertible("trees that ask for categories, text or embeddings")
        feature, missing_left = self._features[int(split["float_feature_index"])]
        return feature, float(np.float32(split["border"])), missing_left


def _found(document: Any, *keys: str) -> Any:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _walk(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A tree's nodes; no tree of CatBoost's is deep."""
    yield tree
    if "split" in tree:
        yield from _walk(tree["left"])
        yield from _walk(tree["right"])


def _turned(depth: int) -> np.ndarray:
    """For each leaf from left to right its number: the first question is the lowest bit of it."""
    places = np.arange(2**depth)
    numbers = np.zeros(2**depth, dtype=np.int64)
    for bit in range(depth):
        numbers |= ((places >> (depth - 1 - bit)) & 1) << bit
    return numbers


def _whole_tree(
    *, feature: np.ndarray, threshold: np.ndarray, missing_left: np.ndarray, values: np.ndarray
) -> Tree:
    inner, leaves = len(feature), len(values)
    none = np.full(leaves, -1, dtype=np.int64)
    numbers = np.arange(inner)
    return Tree(
        feature=np.concatenate([feature.astype(np.int64), none]),
        threshold=np.concatenate([threshold, np.zeros(leaves)]),
        left=np.concatenate([2 * numbers + 1, none]),
        right=np.concatenate([2 * numbers + 2, none]),
        missing_left=np.concatenate([missing_left.astype(bool), np.zeros(leaves, dtype=bool)]),
        value=np.concatenate([np.zeros((inner, values.shape[1])), values]),
    )


def _raw(graph: Graph, forest: _Forest, frame: Frame) -> Tensor:
    """``sum * scale + bias``."""
    if forest.width == 1:
        flat_trees = [_flattened(tree) for tree in forest.trees]
        total = sums(graph, frame, flat_trees, [0] * len(flat_trees), width=1, rounding=_ROUNDING)
    else:
        total = leaf_sums(graph, frame, forest.trees, rounding=_ROUNDING)
    if forest.scale != 1:
        total = scaled(graph, total, "Mul", forest.scale)
    return scaled(graph, total, "Add", forest.bias) if forest.bias.any() else total


def _flattened(tree: Tree) -> Tree:
    return Tree(tree.feature, tree.threshold, tree.left, tree.right, tree.missing_left, tree.value[:, 0])


def _classes(graph: Graph, model: Any, forest: _Forest, frame: Frame) -> Answers:
    """Of two classes the second where the sum is over 0; of several that of the greatest sum."""

    def raw() -> Tensor:
        return _raw(graph, forest, frame)

    def one_of_two() -> Tensor:
        return labels(graph, at_least(graph, raw(), 0.0, strictly=True), model.classes_)

    def one_of_many() -> Tensor:
        return upright(graph, labels(graph, argmax(graph, raw()), model.classes_))

    if forest.width == 1:
        return {"predict": one_of_two, "predict_proba": lambda: two_sided(graph, sigmoid(graph, raw()))}
    if forest.loss not in ("MultiClass", "MultiClassOneVsAll"):
        raise NotConvertible(f"a classifier with the loss {shorten(forest.loss, 60)}")
    spread: Callable[[Graph, Tensor], Tensor] = softmax if forest.loss == "MultiClass" else sigmoid
    return {"predict": one_of_many, "predict_proba": lambda: spread(graph, raw())}
