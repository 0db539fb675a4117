"""Histogram gradient boosting: trees that ask doubles, know missing values, and ask for categories."""

from collections.abc import Callable
from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import Column, Frame
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.native import kept
from modelpack.onnx.trees import Tree, constant_tree, sums
from modelpack.onnx.writing import (
    Answers,
    argmax,
    at_least,
    flat,
    labels,
    sigmoid,
    softmax,
    two_sided,
    write_columns,
)

_LOG_LINKED = ("gamma", "poisson")


def classifier(graph: Graph, model: Any, frame: Frame) -> Answers:
    """Raw scores decide the class; probabilities come from them."""
    raw = _raw(graph, model, frame)

    def probabilities() -> Tensor:
        scores = raw()
        return softmax(graph, scores) if scores.width != 1 else two_sided(graph, sigmoid(graph, scores))

    def predict() -> Tensor:
        scores = raw()
        if scores.width != 1:
            return labels(graph, argmax(graph, scores), model.classes_)
        return labels(graph, at_least(graph, scores, 0.0, strictly=True), model.classes_)

    def decision() -> Tensor:
        scores = raw()
        return flat(graph, scores) if scores.width == 1 else scores

    return {"predict": predict, "predict_proba": probabilities, "decision_function": decision}


def regressor(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The sum of the trees, or its exponential."""
    raw = _raw(graph, model, frame)

    def predict() -> Tensor:
        one = flat(graph, raw())
        return Tensor(graph.node("Exp", one), one.dtype) if model.loss in _LOG_LINKED else one

    return {"predict": predict}


def _raw(graph: Graph, model: Any, frame: Frame) -> Callable[[], Tensor]:
    """``raw = baseline``, then ``raw += value`` tree by tree."""
    seen = _preprocessed(graph, model, frame)
    start = np.asarray(kept(model, "_baseline_prediction"))
    if start.dtype != np.float64:
        raise NotConvertible("a baseline in float32")
    width = int(model.n_trees_per_iteration_)
    trees = [constant_tree(float(value)) for value in start.ravel()]
    targets = list(range(width))
    for stage in kept(model, "_predictors"):
        for target, predictor in enumerate(stage):
            trees.append(_tree(predictor))
            targets.append(target)
    return lambda: sums(graph, seen, trees, targets, width=width, rounding=None)


def _preprocessed(graph: Graph, model: Any, frame: Frame) -> Frame:
    """The columns as the trees see them: with categories, these come first, as codes."""
    preprocessor = kept(model, "_preprocessor", None)
    if preprocessor is None:
        return frame
    columns: list[Column] = []
    for name, transformer, _ in preprocessor.transformers_:
        places = [int(place) for place in kept(preprocessor, "_transformer_to_input_indices")[name]]
        chosen = frame.take(places)
        # The other transformer only checks; its columns pass.
        made = write_columns(graph, transformer, chosen) if name == "encoder" and places else chosen
        columns += made.columns
    return Frame(tuple(columns))


def _tree(predictor: Any) -> Tree:
    nodes = predictor.nodes
    is_leaf = nodes["is_leaf"].astype(bool)
    asks_members = ~is_leaf & nodes["is_categorical"].astype(bool)
    left_sets = {
        int(number): _members(predictor.raw_left_cat_bitsets[nodes["bitset_idx"][number]])
        for number in np.flatnonzero(asks_members)
    }
    # Where no category goes left, missing values may: no number is at most -inf.
    members = {number: values for number, values in left_sets.items() if len(values)}
    return Tree(
        feature=nodes["feature_idx"].astype(np.int64),
        threshold=np.where(asks_members, -np.inf, np.where(is_leaf, 0.0, nodes["num_threshold"])),
        left=np.where(is_leaf, -1, nodes["left"].astype(np.int64)),
        right=np.where(is_leaf, -1, nodes["right"].astype(np.int64)),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        value=nodes["value"].astype(np.float64),
        members=members,
    )


def _members(bitset: np.ndarray) -> np.ndarray:
    """The categories that go left; codes that the encoder knows are all known to the trees."""
    bits = np.unpackbits(bitset.astype("<u4").view(np.uint8), bitorder="little")
    return np.flatnonzero(bits).astype(np.float64)
