"""Decision trees, and forests of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import FLOAT, Cast, Frame
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.trees import Tree, leaf_sums, sums
from modelpack.onnx.writing import Answers, argmax, flat, labels, scaled

ROUNDING = Cast(FLOAT)
"""scikit-learn gives its trees float32 rows; histogram boosting does not."""


def tree_classifier(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The shares of the classes in the leaf."""
    _check_one_output(model)
    return _classes(graph, model, lambda: leaf_sums(graph, frame, _class_trees([model]), rounding=ROUNDING))


def forest_classifier(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The mean of the trees' shares."""
    _check_one_output(model)

    def shares() -> Tensor:
        trees = _class_trees(model.estimators_)
        return scaled(graph, leaf_sums(graph, frame, trees, rounding=ROUNDING), "Div", len(trees))

    return _classes(graph, model, shares)


def tree_regressor(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The value of the leaf."""
    _check_one_output(model)
    return {"predict": lambda: flat(graph, _value_sum(graph, [model], frame))}


def forest_regressor(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The mean of the leaves' values."""
    _check_one_output(model)

    def mean() -> Tensor:
        return scaled(graph, _value_sum(graph, model.estimators_, frame), "Div", len(model.estimators_))

    return {"predict": lambda: flat(graph, mean())}


def tree_arrays(tree: Any, value: np.ndarray) -> Tree:
    """A ``Tree`` of the ``tree_`` of scikit-learn, whose nodes give *value*."""
    # Before scikit-learn 1.3 trees knew nothing of missing values.
    missing = getattr(tree, "missing_go_to_left", np.zeros(tree.node_count))
    return Tree(
        feature=np.asarray(tree.feature, dtype=np.int64),
        threshold=np.asarray(tree.threshold, dtype=np.float64),
        left=np.asarray(tree.children_left, dtype=np.int64),
        right=np.asarray(tree.children_right, dtype=np.int64),
        missing_left=np.asarray(missing, dtype=bool),
        value=value,
    )


def _classes(graph: Graph, model: Any, shares: Any) -> Answers:
    return {
        "predict_proba": shares,
        "predict": lambda: labels(graph, argmax(graph, shares()), model.classes_),
    }


def _class_trees(estimators: Sequence[Any]) -> list[Tree]:
    classes = int(estimators[0].n_classes_)
    return [tree_arrays(one.tree_, one.tree_.value[:, 0, :classes]) for one in estimators]


def _value_sum(graph: Graph, estimators: Sequence[Any], frame: Frame) -> Tensor:
    trees = [tree_arrays(one.tree_, one.tree_.value[:, 0, 0]) for one in estimators]
    return sums(graph, frame, trees, [0] * len(trees), width=1, rounding=ROUNDING)


def _check_one_output(model: Any) -> None:
    if model.n_outputs_ != 1:
        raise NotConvertible("trees with several outputs")
