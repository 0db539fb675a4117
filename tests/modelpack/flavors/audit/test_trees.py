"""Trees as arrays: every number that compiled code would follow is in range."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import BallTree, KDTree
from sklearn.tree import DecisionTreeClassifier

from modelpack.errors import InvalidModel
from modelpack.flavors.audit import trees
from modelpack.flavors.audit.trees import TreeShape, check_neighbours, check_predictor, check_tree

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(200, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def shape() -> TreeShape:
    tree = DecisionTreeClassifier(random_state=0).fit(X, Y).tree_
    state = tree.__getstate__()
    return TreeShape(
        nodes=state["nodes"].copy(),
        values=state["values"],
        n_classes=tree.n_classes,
        n_features=3,
        n_outputs=1,
        max_depth=state["max_depth"],
        node_count=state["node_count"],
    )


def test_a_fitted_tree_passes() -> None:
    check_tree(shape())


@pytest.mark.parametrize(
    "options", [{"max_leaf_nodes": 7}, {"ccp_alpha": 0.01}, {"max_depth": 1}, {"splitter": "random"}]
)
def test_trees_grown_in_other_ways_pass(options: dict[str, Any]) -> None:
    tree = DecisionTreeClassifier(random_state=0, **options).fit(X, np.c_[Y, Y]).tree_
    state = tree.__getstate__()
    check_tree(
        TreeShape(
            nodes=state["nodes"],
            values=state["values"],
            n_classes=tree.n_classes,
            n_features=3,
            n_outputs=2,
            max_depth=state["max_depth"],
            node_count=state["node_count"],
        )
    )


def with_node(field: str, value: int, *, at: int = 0) -> Callable[[TreeShape], TreeShape]:
    def change(tree: TreeShape) -> TreeShape:
        nodes = tree.nodes.copy()
        nodes[field][at] = value
        return replace(tree, nodes=nodes)

    return change


def chain(tree: TreeShape) -> TreeShape:
    """A tree deeper than it says."""
    return replace(tree, max_depth=tree.max_depth - 1)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(with_node("left_child", 10**6), id="child out of range"),
        pytest.param(with_node("right_child", 10**6), id="other child out of range"),
        pytest.param(with_node("left_child", -2), id="negative child"),
        pytest.param(with_node("left_child", 0), id="its own child"),
        pytest.param(with_node("right_child", 0, at=1), id="a child that comes first"),
        pytest.param(with_node("left_child", -1), id="one child only"),
        pytest.param(with_node("left_child", np.iinfo(np.int64).min), id="least number"),
        pytest.param(with_node("feature", 3), id="feature out of range"),
        pytest.param(with_node("feature", -1), id="negative feature"),
        pytest.param(with_node("feature", 10**9), id="feature far out of range"),
        pytest.param(
            lambda tree: with_node("right_child", int(tree.nodes["left_child"][0]))(tree), id="two parents"
        ),
        pytest.param(chain, id="deeper than it says"),
        pytest.param(lambda tree: replace(tree, max_depth=10**9), id="absurd depth"),
        pytest.param(
            lambda tree: replace(tree, node_count=tree.node_count + 1), id="more nodes than there are"
        ),
        pytest.param(lambda tree: replace(tree, node_count=0), id="no node"),
        pytest.param(lambda tree: replace(tree, nodes=tree.nodes[:0], node_count=0), id="empty"),
        pytest.param(lambda tree: replace(tree, nodes=tree.nodes[["feature"]]), id="fields missing"),
        pytest.param(lambda tree: replace(tree, nodes=np.zeros((3, 3))), id="another array"),
        pytest.param(lambda tree: replace(tree, n_outputs=2), id="more outputs than counts of classes"),
        pytest.param(lambda tree: replace(tree, n_outputs=0, n_classes=tree.n_classes[:0]), id="no outputs"),
        pytest.param(
            lambda tree: replace(tree, n_classes=np.array([2.0])), id="classes that are no whole number"
        ),
        pytest.param(lambda tree: replace(tree, n_classes=np.array([-1])), id="negative classes"),
        pytest.param(lambda tree: replace(tree, n_classes=np.array([10**6])), id="values for fewer classes"),
        pytest.param(lambda tree: replace(tree, values=tree.values[:-1]), id="values missing"),
        pytest.param(lambda tree: replace(tree, n_features=1), id="fewer features"),
    ],
)
def test_a_malformed_tree_is_refused(change: Callable[[TreeShape], TreeShape]) -> None:
    with pytest.raises(InvalidModel, match="a tree of the model is malformed"):
        check_tree(change(shape()))


PREDICTOR = np.dtype(
    [
        ("left", np.uint32),
        ("right", np.uint32),
        ("feature_idx", np.intp),
        ("is_leaf", np.uint8),
        ("is_categorical", np.uint8),
        ("bitset_idx", np.uint32),
    ]
)
STEPS = [(1, 2, 0, 0, 0, 0), (3, 4, 1, 0, 1, 0), (0, 0, 0, 1, 0, 0), (0, 0, 0, 1, 0, 0), (0, 0, 0, 1, 0, 0)]
BITSETS = np.zeros((1, 8), dtype=np.uint32)
CATEGORICAL = np.array([False, True])


def test_a_predictor_of_histogram_boosting_passes() -> None:
    check_predictor(np.array(STEPS, dtype=PREDICTOR), BITSETS, CATEGORICAL, 2)


@pytest.mark.parametrize(
    ("place", "step"),
    [
        (0, (9, 2, 0, 0, 0, 0)),
        (0, (2**32 - 1, 2, 0, 0, 0, 0)),
        (0, (0, 2, 0, 0, 0, 0)),
        (0, (2, 2, 0, 0, 0, 0)),
        (0, (1, 2, 2, 0, 0, 0)),
        (0, (1, 2, -1, 0, 0, 0)),
        (0, (1, 2, 0, 0, 1, 0)),
        (1, (3, 4, 1, 0, 1, 1)),
        (1, (3, 1, 1, 0, 1, 0)),
    ],
)
def test_a_malformed_predictor_is_refused(place: int, step: tuple[int, ...]) -> None:
    steps = [*STEPS[:place], step, *STEPS[place + 1 :]]
    with pytest.raises(InvalidModel, match="malformed"):
        check_predictor(np.array(steps, dtype=PREDICTOR), BITSETS, CATEGORICAL, 2)


@pytest.mark.parametrize("nodes", [None, np.zeros(3), np.zeros(0, dtype=PREDICTOR), [1]])
def test_nodes_of_another_form_are_refused(nodes: Any) -> None:
    with pytest.raises(InvalidModel, match="malformed"):
        check_predictor(nodes, BITSETS, CATEGORICAL, 2)


@pytest.mark.parametrize("bitsets", [None, np.zeros((0, 8)), np.zeros((1, 4)), np.zeros(8)])
def test_categories_of_another_form_are_refused(bitsets: Any) -> None:
    with pytest.raises(InvalidModel, match="malformed"):
        check_predictor(np.array(STEPS, dtype=PREDICTOR), bitsets, CATEGORICAL, 2)


def test_a_tree_that_is_one_long_branch_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "DEEPEST", 40)
    nodes = np.zeros(100, dtype=PREDICTOR)
    nodes["left"] = np.arange(100) + 1
    nodes["right"] = np.arange(100) + 2
    nodes["is_leaf"] = np.arange(100) % 2
    nodes["is_leaf"][-2:] = 1
    with pytest.raises(InvalidModel, match="deeper than 40"):
        check_predictor(nodes, BITSETS, CATEGORICAL, 2)


@pytest.mark.parametrize("kind", [KDTree, BallTree])
@pytest.mark.parametrize("leaf_size", [1, 5, 500])
def test_a_tree_of_neighbours_passes(kind: Any, leaf_size: int) -> None:
    check_neighbours(kind(X, leaf_size=leaf_size).__getstate__(), is_ball=kind is BallTree)


def neighbours(**changes: Any) -> tuple[Any, ...]:
    names = [
        "data",
        "places",
        "nodes",
        "bounds",
        "leaf",
        "levels",
        "count",
        "a",
        "b",
        "c",
        "d",
        "metric",
        "weights",
    ]
    state = dict(zip(names, KDTree(X, leaf_size=20).__getstate__(), strict=True))
    for name, change in changes.items():
        state[name] = change(state[name])
    return tuple(state.values())


def with_first(field: str, value: int) -> Callable[[np.ndarray], np.ndarray]:
    def change(nodes: np.ndarray) -> np.ndarray:
        changed = np.array(nodes)
        changed[field][-1] = value
        return changed

    return change


@pytest.mark.parametrize(
    "changes",
    [
        {"places": lambda places: np.where(places == 0, 10**6, places)},
        {"places": lambda places: np.where(places == 0, -1, places)},
        {"places": lambda places: np.zeros_like(places)},
        {"places": lambda places: places[:-1]},
        {"data": lambda data: data[:-1]},
        {"data": lambda data: data.ravel()},
        {"nodes": with_first("idx_end", 10**6)},
        {"nodes": with_first("idx_start", -1)},
        {"nodes": with_first("is_leaf", 0)},
        {"nodes": lambda nodes: nodes[:-1]},
        {"count": lambda count: count + 1},
        {"levels": lambda levels: 60},
        {"bounds": lambda bounds: bounds[:1]},
        {"bounds": lambda bounds: bounds[:, :, :1]},
        {"weights": lambda weights: np.ones(3)},
    ],
)
def test_a_malformed_tree_of_neighbours_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidModel, match="malformed"):
        check_neighbours(neighbours(**changes), is_ball=False)
