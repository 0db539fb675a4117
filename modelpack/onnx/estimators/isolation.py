"""IsolationForest: how soon a row is alone in a leaf."""

from dataclasses import replace
from typing import Any

import numpy as np

from modelpack.onnx.columns import DOUBLE, Frame
from modelpack.onnx.estimators.clusters import inlier
from modelpack.onnx.estimators.forests import ROUNDING, tree_arrays
from modelpack.onnx.formulas import apply
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.native import kept
from modelpack.onnx.trees import Tree, sums
from modelpack.onnx.writing import Answers, flat, scaled


def forest(graph: Graph, model: Any, frame: Frame) -> Answers:
    """``-2 ** (-depths / usual depth) - offset``, whose sign tells outliers."""

    def score() -> Tensor:
        trees = _trees(model, len(frame))
        depths = sums(graph, frame, trees, [0] * len(trees), width=1, rounding=ROUNDING)
        usual = len(trees) * _usual_depth(int(kept(model, "_max_samples")))
        ratio = scaled(graph, flat(graph, depths), "Div", usual) if usual else depths
        exponent = apply(graph, "Neg", ratio)
        return Tensor(graph.node("Neg", graph.node("Pow", np.array(2.0), exponent)), DOUBLE)

    def decision() -> Tensor:
        return scaled(graph, score(), "Sub", model.offset_)

    return {
        "score_samples": score,
        "decision_function": decision,
        "predict": lambda: inlier(graph, decision()),
    }


def _trees(model: Any, width: int) -> list[Tree]:
    """The trees, whose leaves give their depth and how much deeper their rows would have gone."""
    lengths, means = kept(model, "_decision_path_lengths"), kept(model, "_average_path_length_per_tree")
    trees = []
    for one, features, length, mean in zip(
        model.estimators_, model.estimators_features_, lengths, means, strict=True
    ):
        tree = tree_arrays(one.tree_, np.asarray(length, dtype=DOUBLE) + np.asarray(mean) - 1.0)
        if kept(model, "_max_features") != width:
            chosen = np.asarray(features)
            tree = replace(tree, feature=np.where(tree.feature < 0, -1, chosen[np.maximum(tree.feature, 0)]))
        trees.append(tree)
    return trees


def _usual_depth(rows: int) -> float:
    """The mean depth of a row in a random tree of so many."""
    if rows <= 2:
        return float(max(rows - 1, 0))
    return float(2.0 * (np.log(rows - 1.0) + np.euler_gamma) - 2.0 * (rows - 1.0) / rows)
