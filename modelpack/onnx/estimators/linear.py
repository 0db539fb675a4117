"""Linear models: one product with the coefficients, and what the class makes of it."""

from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import Frame, cast, matrix
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.native import kept
from modelpack.onnx.writing import Answers, argmax, at_least, flat, labels, sigmoid, softmax, two_sided


def regressor(graph: Graph, model: Any, frame: Frame) -> Answers:
    """``X @ coef.T + intercept``."""
    return {"predict": lambda: _shaped(graph, model, _product(graph, model, frame))}


def classifier(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The class on whose side of the planes a row lies."""
    binarizer = kept(model, "_label_binarizer", None)
    if binarizer is not None and binarizer.y_type_.startswith("multilabel"):
        raise NotConvertible("a classifier of several labels at once")
    scores = _product(graph, model, frame)
    if scores.width == 1:
        return {
            "decision_function": lambda: flat(graph, scores),
            "predict": lambda: labels(graph, at_least(graph, scores, 0.0, strictly=True), model.classes_),
        }
    return {
        "decision_function": lambda: scores,
        "predict": lambda: labels(graph, argmax(graph, scores), model.classes_),
    }


def logistic(graph: Graph, model: Any, frame: Frame) -> Answers:
    """Two classes by the sigmoid; more by softmax, or one against the rest where the model was so fitted."""
    answers = dict(classifier(graph, model, frame))
    scores = _product(graph, model, frame)
    one_by_one = getattr(model, "multi_class", "deprecated") == "ovr" or model.solver == "liblinear"

    def probabilities() -> Tensor:
        if scores.width == 1:
            return two_sided(graph, sigmoid(graph, scores))
        return _one_against_rest(graph, scores) if one_by_one else softmax(graph, scores)

    return {**answers, "predict_proba": probabilities}


def sgd_classifier(graph: Graph, model: Any, frame: Frame) -> Answers:
    """A linear classifier; with the loss ``log_loss`` it has probabilities."""
    answers = dict(classifier(graph, model, frame))
    if model.loss != "log_loss":
        return answers
    scores = _product(graph, model, frame)

    def probabilities() -> Tensor:
        if scores.width == 1:
            return two_sided(graph, sigmoid(graph, scores))
        return _one_against_rest(graph, scores)

    return {**answers, "predict_proba": probabilities}


def _product(graph: Graph, model: Any, frame: Frame) -> Tensor:
    """Rows by targets; computed, as by numpy, in the wider of the dtypes of rows and coefficients."""
    coefficients = np.atleast_2d(model.coef_)
    rows = matrix(graph, frame)
    dtype = np.result_type(rows.dtype, coefficients.dtype)
    if rows.width != coefficients.shape[1]:
        raise NotConvertible(f"{coefficients.shape[1]} coefficients for {rows.width} columns")
    width = coefficients.shape[0]
    product = Tensor(
        graph.node("MatMul", cast(graph, rows, dtype), np.ascontiguousarray(coefficients.T, dtype=dtype)),
        dtype,
        width,
    )
    intercept = np.asarray(model.intercept_).reshape(1, -1)
    total = np.result_type(dtype, intercept.dtype)
    node = graph.node("Add", cast(graph, product, total), intercept.astype(total))
    return Tensor(node, total, width)


def _shaped(graph: Graph, model: Any, product: Tensor) -> Tensor:
    return flat(graph, product) if np.ndim(model.coef_) == 1 else product


def _one_against_rest(graph: Graph, scores: Tensor) -> Tensor:
    each = sigmoid(graph, scores)
    sums = graph.node("ReduceSum", each, np.array([1]), keepdims=1)
    # Where every one is zero, scikit-learn calls all classes equally likely.
    none = graph.node("Equal", sums, np.zeros(1, dtype=scores.dtype))
    even = np.full(1, 1.0 / (scores.width or 1), dtype=scores.dtype)
    ratio = graph.node("Div", each, sums)
    return Tensor(graph.node("Where", none, even, ratio), scores.dtype, scores.width)
