"""Gradient boosting over scikit-learn's own trees."""

from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import Frame
from modelpack.onnx.estimators.forests import ROUNDING, tree_arrays
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.native import kept
from modelpack.onnx.trees import Tree, constant_tree, sums
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
)


def classifier(graph: Graph, model: Any, frame: Frame) -> Answers:
    """Raw scores decide the class; probabilities come from them."""

    def raw() -> Tensor:
        return _raw(graph, model, frame)

    def probabilities() -> Tensor:
        scores = raw()
        if scores.width != 1:
            return softmax(graph, scores)
        # The exponential loss has half the logit for its link.
        logit = scaled(graph, scores, "Mul", 2.0) if model.loss == "exponential" else scores
        return two_sided(graph, sigmoid(graph, logit))

    def predict() -> Tensor:
        scores = raw()
        if scores.width != 1:
            return labels(graph, argmax(graph, scores), model.classes_)
        return labels(graph, at_least(graph, scores, 0.0, strictly=False), model.classes_)

    def decision() -> Tensor:
        scores = raw()
        return flat(graph, scores) if scores.width == 1 else scores

    return {"predict": predict, "predict_proba": probabilities, "decision_function": decision}


def regressor(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The sum of the trees is the answer."""
    return {"predict": lambda: flat(graph, _raw(graph, model, frame))}


def _raw(graph: Graph, model: Any, frame: Frame) -> Tensor:
    """``raw = init``, then ``raw += learning_rate * value`` stage by stage."""
    width = int(model.estimators_.shape[1])
    trees: list[Tree] = [constant_tree(value) for value in _start(model, width, len(frame))]
    targets = list(range(width))
    for stage in model.estimators_:
        for target, one in enumerate(stage):
            trees.append(tree_arrays(one.tree_, model.learning_rate * one.tree_.value[:, 0, 0]))
            targets.append(target)
    return sums(graph, frame, trees, targets, width=width, rounding=ROUNDING)


def _start(model: Any, width: int, features: int) -> np.ndarray:
    """What the sum begins with, where that is the same for all rows."""
    if isinstance(model.init_, str):
        return np.zeros(width)
    if type(model.init_).__name__ not in ("DummyClassifier", "DummyRegressor"):
        raise NotConvertible("a start (init) that depends on the row")
    if getattr(model.init_, "strategy", "") in ("stratified", "uniform"):
        raise NotConvertible("a start (init) that depends on chance")
    # scikit-learn's own words for it: the link function and the clipping are in there.
    row = np.zeros((1, features), dtype=np.float32)
    first: np.ndarray = np.asarray(kept(model, "_raw_predict_init")(row), dtype=np.float64)[0]
    return first
