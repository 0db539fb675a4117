"""Mixtures of Gaussians: how likely each of them is for a row."""

from typing import Any

import numpy as np

from modelpack.onnx.columns import DOUBLE, Frame, matrix
from modelpack.onnx.formulas import apply, both, log_sum_exp, product, row_sum, side_by_side
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.native import kept
from modelpack.onnx.writing import Answers, argmax, flat, scaled


def mixture(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The likeliest part, the probability of each, and the likelihood of the row."""
    rows = matrix(graph, frame, DOUBLE)

    def weighted() -> Tensor:
        halves = scaled(graph, _quadratic(graph, model, rows), "Mul", -0.5)
        return scaled(graph, halves, "Add", _constants(model))

    def shares() -> Tensor:
        found = weighted()
        return apply(graph, "Exp", both(graph, "Sub", found, log_sum_exp(graph, found)))

    return {
        "predict": lambda: argmax(graph, weighted()),
        "predict_proba": shares,
        "score_samples": lambda: flat(graph, log_sum_exp(graph, weighted())),
    }


def _quadratic(graph: Graph, model: Any, rows: Tensor) -> Tensor:
    """By part, the squared distance from its mean as its covariance measures it."""
    means, kind = np.asarray(model.means_), model.covariance_type
    roots = np.asarray(model.precisions_cholesky_)
    if kind in ("full", "tied"):
        each = []
        for place, mean in enumerate(means):
            root = roots[place] if kind == "full" else roots
            apart = scaled(graph, product(graph, rows, root), "Sub", mean @ root)
            each.append(row_sum(graph, both(graph, "Mul", apart, apart)))
        return side_by_side(graph, each)
    squares = both(graph, "Mul", rows, rows)
    if kind == "diag":
        precisions = roots**2
        crossed = scaled(graph, product(graph, rows, (means * precisions).T), "Mul", -2.0)
        own = product(graph, squares, precisions.T)
        return both(graph, "Add", scaled(graph, crossed, "Add", (means**2 * precisions).sum(axis=1)), own)
    precisions = roots**2
    crossed = scaled(graph, scaled(graph, product(graph, rows, means.T), "Mul", precisions), "Mul", -2.0)
    own = product(graph, row_sum(graph, squares), precisions[None, :])
    return both(graph, "Add", scaled(graph, crossed, "Add", (means**2).sum(axis=1) * precisions), own)


def _constants(model: Any) -> np.ndarray:
    """What stands beside the distance, the same for all rows: asked at each part's mean, where that is 0."""
    found = np.asarray(kept(model, "_estimate_weighted_log_prob")(np.asarray(model.means_)), dtype=DOUBLE)
    return np.diagonal(found).copy()
