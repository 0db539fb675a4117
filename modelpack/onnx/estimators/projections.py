"""Transformers that are one product of matrices, with something taken away before or added after."""

from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import DOUBLE, Column, Frame, Indicator, matrix, whole
from modelpack.onnx.estimators.forests import ROUNDING, tree_arrays
from modelpack.onnx.formulas import both, product, row_sum
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.native import kept
from modelpack.onnx.trees import sums
from modelpack.onnx.writing import Answers, flat, scaled, sigmoid


def fast_ica(graph: Graph, model: Any, frame: Frame) -> Frame:
    """``(X - mean) @ components.T``."""
    rows = matrix(graph, frame)
    centered = scaled(graph, rows, "Sub", model.mean_) if model.whiten else rows
    return whole(product(graph, centered, model.components_.T))


def factor_analysis(graph: Graph, model: Any, frame: Frame) -> Frame:
    """The expected factors of a row."""
    weighted = model.components_ / model.noise_variance_
    covariance = np.linalg.inv(np.eye(len(model.components_)) + weighted @ model.components_.T)
    centered = scaled(graph, matrix(graph, frame), "Sub", model.mean_)
    return whole(product(graph, product(graph, centered, weighted.T), covariance))


def sparse_pca(graph: Graph, model: Any, frame: Frame) -> Frame:
    """A ridge regression on the components, which is a product once it is solved."""
    components = np.asarray(model.components_, dtype=DOUBLE)
    square = components @ components.T + model.ridge_alpha * np.eye(len(components))
    centered = scaled(graph, matrix(graph, frame), "Sub", model.mean_)
    return whole(product(graph, centered, np.linalg.solve(square, components).T))


def partial_least_squares(graph: Graph, model: Any, frame: Frame) -> Answers:
    """``(X - mean) / std @ rotations``; a prediction is linear."""
    centered = scaled(graph, matrix(graph, frame), "Sub", kept(model, "_x_mean"))

    def predict() -> Tensor:
        found = scaled(graph, product(graph, centered, model.coef_.T), "Add", model.intercept_)
        return flat(graph, found) if kept(model, "_predict_1d", False) else found

    def transform() -> Tensor:
        return product(graph, scaled(graph, centered, "Div", kept(model, "_x_std")), model.x_rotations_)

    return {"predict": predict, "transform": transform}


def pls_svd(graph: Graph, model: Any, frame: Frame) -> Frame:
    """``(X - mean) / std @ weights``."""
    centered = scaled(graph, matrix(graph, frame), "Sub", kept(model, "_x_mean"))
    return whole(product(graph, scaled(graph, centered, "Div", kept(model, "_x_std")), model.x_weights_))


def random_projection(graph: Graph, model: Any, frame: Frame) -> Frame:
    """``X @ components.T``."""
    components = model.components_.toarray() if hasattr(model.components_, "toarray") else model.components_
    return whole(product(graph, matrix(graph, frame), np.asarray(components).T))


def boltzmann(graph: Graph, model: Any, frame: Frame) -> Frame:
    """How likely each hidden unit is."""
    raw = product(graph, matrix(graph, frame), model.components_.T)
    return whole(sigmoid(graph, scaled(graph, raw, "Add", model.intercept_hidden_)))


def feature_agglomeration(graph: Graph, model: Any, frame: Frame) -> Frame:
    """The mean of the columns of each cluster."""
    if model.pooling_func is not np.mean:
        raise NotConvertible("a FeatureAgglomeration that pools by another function than the mean")
    members = np.eye(int(model.labels_.max()) + 1)[model.labels_]
    together = product(graph, matrix(graph, frame), members)
    return whole(scaled(graph, together, "Div", np.bincount(model.labels_)))


def kernel_centerer(graph: Graph, model: Any, frame: Frame) -> Frame:
    """A kernel less its means by column and by row, plus that of all."""
    rows = matrix(graph, frame, DOUBLE)
    means = scaled(graph, row_sum(graph, rows), "Div", len(model.K_fit_rows_))
    less = both(graph, "Sub", scaled(graph, rows, "Sub", model.K_fit_rows_), means)
    return whole(scaled(graph, less, "Add", model.K_fit_all_))


def trees_embedding(graph: Graph, model: Any, frame: Frame) -> Frame:
    """One column of 0 and 1 for each leaf of each tree."""
    trees = [
        tree_arrays(one.tree_, np.arange(one.tree_.node_count, dtype=DOUBLE)) for one in model.estimators_
    ]
    leaves = sums(graph, frame, trees, range(len(trees)), width=len(trees), rounding=ROUNDING)
    columns = [
        Column(leaves, place, DOUBLE, (Indicator(float(leaf)),))
        for place, known in enumerate(model.one_hot_encoder_.categories_)
        for leaf in known
    ]
    return Frame(tuple(columns))
