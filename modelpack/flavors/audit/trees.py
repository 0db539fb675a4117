"""Trees as arrays: whether compiled code may follow their indices.

scikit-learn follows the numbers in a fitted tree without looking, so numbers out of range read, or write,
memory that is not theirs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from modelpack.errors import InvalidModel

DEEPEST = 10_000
_LEAF = -1


@dataclass(frozen=True)
class TreeShape:
    """What ``sklearn.tree._tree.Tree`` is rebuilt from."""

    nodes: np.ndarray
    values: np.ndarray
    n_classes: np.ndarray
    n_features: int
    n_outputs: int
    max_depth: int
    node_count: int


def check_tree(tree: TreeShape) -> None:
    """Raise InvalidModel unless *tree* is one: features in range, children too, behind their one parent."""
    names = tree.nodes.dtype.names or ()
    if tree.nodes.ndim != 1 or not {"left_child", "right_child", "feature"} <= set(names):
        raise _wrong("its nodes have another form")
    count = len(tree.nodes)
    if not 1 <= tree.node_count == count:
        raise _wrong("it counts its nodes wrong")
    classes = tree.n_classes
    if classes.ndim != 1 or classes.dtype.kind not in "iu" or not 1 <= tree.n_outputs == len(classes):
        raise _wrong("it counts its outputs wrong")
    if int(classes.min()) < 1 or tree.values.shape != (count, tree.n_outputs, int(classes.max())):
        raise _wrong("its values do not fit its classes")
    left = tree.nodes["left_child"].astype(np.int64)
    right = tree.nodes["right_child"].astype(np.int64)
    is_leaf = left == _LEAF
    if (right[is_leaf] != _LEAF).any():
        raise _wrong("a node has one child")
    depth = _check_children(left, right, is_leaf)
    if not depth <= tree.max_depth <= DEEPEST:
        raise _wrong("it is deeper than it says")
    _check_features(tree.nodes["feature"][~is_leaf], tree.n_features)


def check_predictor(nodes: Any, bitsets: Any, is_categorical: np.ndarray, n_features: int) -> None:
    """Raise InvalidModel unless *nodes*, of one tree of histogram boosting, may be followed.

    *bitsets* are its raw categories; *is_categorical* and *n_features* are the owner's.
    """
    wanted = {"left", "right", "feature_idx", "is_leaf", "is_categorical", "bitset_idx"}
    if not isinstance(nodes, np.ndarray) or nodes.ndim != 1 or not wanted <= set(nodes.dtype.names or ()):
        raise _wrong("its nodes have another form")
    if len(nodes) == 0:
        raise _wrong("it has no nodes")
    is_leaf = nodes["is_leaf"] != 0
    left, right = nodes["left"].astype(np.int64), nodes["right"].astype(np.int64)
    if _check_children(left, right, is_leaf) > DEEPEST:
        raise _wrong(f"it is deeper than {DEEPEST} levels")
    inner = nodes[~is_leaf]
    _check_features(inner["feature_idx"], min(n_features, len(is_categorical)))
    by_category = inner[inner["is_categorical"] != 0]
    if not is_categorical[by_category["feature_idx"].astype(np.int64)].all():
        raise _wrong("it splits a number by categories")
    if not isinstance(bitsets, np.ndarray) or bitsets.ndim != 2 or bitsets.shape[1] != 8:
        raise _wrong("its categories have another form")
    if len(by_category) and int(by_category["bitset_idx"].max()) >= len(bitsets):
        raise _wrong("it points to categories that are not there")


def check_neighbours(state: tuple[Any, ...], *, is_ball: bool) -> None:
    """Raise InvalidModel unless *state*, of a KDTree or BallTree, is one that a search may follow."""
    data, places, nodes, bounds, _, levels, count = state[:7]
    weights = state[12]
    if data.ndim != 2 or places.shape != (len(data),) or nodes.shape != (count,):
        raise _wrong("its arrays do not fit each other")
    if not 1 <= levels <= 60 or count != 2**levels - 1:
        raise _wrong("it counts its nodes wrong")
    if bounds.shape != (1 if is_ball else 2, count, data.shape[1]):
        raise _wrong("its bounds do not fit its nodes")
    if not np.array_equal(np.sort(places), np.arange(len(data))):
        raise _wrong("it does not hold each row once")
    starts, ends = nodes["idx_start"], nodes["idx_end"]
    if not ((starts >= 0) & (starts <= ends) & (ends <= len(data))).all():
        raise _wrong("a node holds rows that are not there")
    if not nodes["is_leaf"][count // 2 :].all():
        raise _wrong("a node at the end has children")
    if weights is not None and np.shape(weights) != (len(data),):
        raise _wrong("its weights do not fit its rows")


def _check_children(left: np.ndarray, right: np.ndarray, is_leaf: np.ndarray) -> int:
    """The depth of the tree; raises InvalidModel for a child out of range, shared, or before its parent."""
    parents = np.flatnonzero(~is_leaf)
    children = np.concatenate([left[parents], right[parents]])
    if not ((np.tile(parents, 2) < children) & (children < len(left))).all():
        raise _wrong("a child is out of range, or stands before its parent")
    if len(children) and np.bincount(children).max() > 1:
        raise _wrong("a node has two parents")
    level = np.array([0])
    depth = -1
    while len(level) and depth <= DEEPEST:
        depth += 1
        inner = level[~is_leaf[level]]
        level = np.concatenate([left[inner], right[inner]])
    return depth


def _check_features(features: np.ndarray, n_features: int) -> None:
    if not ((features >= 0) & (features < n_features)).all():
        raise _wrong("it asks for a feature that the input does not have")


def _wrong(what: str) -> InvalidModel:
    return InvalidModel(f"a tree of the model is malformed: {what}; following it could crash the process")
