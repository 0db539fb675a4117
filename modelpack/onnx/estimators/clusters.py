"""Clusterings that place new rows, and what else answers with the nearest center."""

from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import DOUBLE, Frame, matrix
from modelpack.onnx.formulas import (
    apply,
    both,
    euclidean_distances,
    log_sum_exp,
    nearest,
    product,
    row_sum,
    side_by_side,
)
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.native import kept
from modelpack.onnx.writing import INDEX, Answers, argmax, labels, scaled


def kmeans(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The nearest center, and the distances to all."""
    rows = matrix(graph, frame, DOUBLE)
    centers = np.asarray(model.cluster_centers_, dtype=DOUBLE)
    return {
        "predict": lambda: nearest(graph, rows, centers),
        "transform": lambda: euclidean_distances(graph, rows, centers),
    }


def nearest_center(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The nearest center alone."""
    centers = np.asarray(model.cluster_centers_, dtype=DOUBLE)
    if not len(centers):
        raise NotConvertible("a clustering that found no centers")
    return {"predict": lambda: nearest(graph, matrix(graph, frame, DOUBLE), centers)}


def birch(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The label of the nearest center of the tree's leaves."""
    rows = matrix(graph, frame, DOUBLE)
    centers = np.asarray(model.subcluster_centers_, dtype=DOUBLE)

    def predict() -> Tensor:
        found = np.asarray(model.subcluster_labels_, dtype=np.int64)
        return Tensor(graph.node("Gather", found, nearest(graph, rows, centers)), INDEX)

    return {"predict": predict, "transform": lambda: euclidean_distances(graph, rows, centers)}


def bisecting(graph: Graph, model: Any, frame: Frame) -> Answers:
    """Down the tree of halves: at each fork to the nearer of two centers."""
    rows = matrix(graph, frame, DOUBLE)
    root = kept(model, "_bisecting_tree")
    shift = getattr(model, "_X_mean", 0.0)
    if root.left is None:
        raise NotConvertible("a BisectingKMeans of one cluster")

    def below(node: Any) -> str:
        if node.left is None:
            return graph.constant(np.array([int(node.label)]))
        centers = np.vstack((node.left.center, node.right.center)) + shift
        first = graph.node("Equal", nearest(graph, rows, centers), np.array([0]))
        return graph.node("Where", first, below(node.left), below(node.right))

    centers = np.asarray(model.cluster_centers_, dtype=DOUBLE)
    return {
        "predict": lambda: Tensor(below(root), INDEX),
        "transform": lambda: euclidean_distances(graph, rows, centers),
    }


def nearest_centroid(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The class of the nearest centroid; scores and probabilities by Gaussians of one spread around them."""
    if model.metric != "euclidean":
        raise NotConvertible(f"a NearestCentroid by {model.metric} distances")
    rows = matrix(graph, frame, DOUBLE)
    centroids = np.asarray(model.centroids_, dtype=DOUBLE)
    prior = np.asarray(model.class_prior_)

    def scores() -> Tensor:
        spread = np.where(model.within_class_std_dev_ != 0, model.within_class_std_dev_, 1.0)
        normal = scaled(graph, rows, "Div", spread)
        each = []
        for centroid, share in zip(centroids / spread, prior, strict=True):
            distance = euclidean_distances(graph, normal, centroid[None, :])
            square = both(graph, "Mul", distance, distance)
            each.append(scaled(graph, apply(graph, "Neg", square), "Add", 2.0 * np.log(share)))
        return side_by_side(graph, each)

    def shares() -> Tensor:
        found = scores()
        return apply(graph, "Exp", both(graph, "Sub", found, log_sum_exp(graph, found)))

    def predict() -> Tensor:
        is_even = np.isclose(prior, 1 / len(model.classes_)).all()
        index = nearest(graph, rows, centroids) if is_even else argmax(graph, scores())
        return labels(graph, index, model.classes_)

    return {"predict": predict, "predict_proba": shares}


def elliptic_envelope(graph: Graph, model: Any, frame: Frame) -> Answers:
    """Mahalanobis' distance from the middle, against the one that cuts off the outliers."""
    rows = matrix(graph, frame, DOUBLE)

    def decision() -> Tensor:
        apart = scaled(graph, rows, "Sub", np.asarray(model.location_))
        square = row_sum(graph, both(graph, "Mul", product(graph, apart, model.get_precision()), apart))
        distance = apply(graph, "Sqrt", square)
        score = apply(graph, "Neg", both(graph, "Mul", distance, distance))
        shifted = scaled(graph, score, "Sub", model.offset_)
        return Tensor(graph.node("Squeeze", shifted, np.array([1])), DOUBLE)

    return {"decision_function": decision, "predict": lambda: inlier(graph, decision())}


def inlier(graph: Graph, decision: Tensor) -> Tensor:
    """1 where *decision* is not below zero, else -1."""
    below = graph.node("Less", decision, np.zeros(1))
    return Tensor(graph.node("Where", below, np.array([-1]), np.array([1])), INDEX)
