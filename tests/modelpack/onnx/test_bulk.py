"""Forests cut into trees answer in the same bits, and what cannot be cut stays whole."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelpack.onnx import bulk
from modelpack.onnx.bulk import by_trees
from modelpack.onnx.convert import candidates
from modelpack.onnx.domain import Domain
from modelpack.onnx.layout import Layout
from modelpack.onnx.ordering import Order
from modelpack.onnx.session import OnnxSession
from modelpack.schema import Schema, Signature, TensorSpec

WIDTH = 4


def rows(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, WIDTH)).round(2)


def form(model: Any, method: str = "predict_proba", *, labels: int = 3) -> tuple[bytes, Layout]:
    """The exact form of *model*, fitted on rows of WIDTH numbers."""
    data = rows(300)
    model.fit(data, (np.abs(data[:, 0] * 3 + data[:, 1]) % labels).astype(int))
    signature = Signature(inputs=Schema((TensorSpec(np.dtype(np.float64), (-1, WIDTH)),)))
    for candidate in candidates(model, signature=signature, methods=(method,)):
        if candidate.model is not None and candidate.layout is not None:
            return candidate.model.SerializeToString(deterministic=True), candidate.layout
    raise AssertionError("no form")


FORESTS = {
    "classes": RandomForestClassifier(30, random_state=0),
    "two classes": make_pipeline(StandardScaler(), RandomForestClassifier(7, max_depth=3, random_state=1)),
    "extra trees": ExtraTreesClassifier(9, random_state=2),
    "more trees than nodes": RandomForestClassifier(bulk._MOST_NODES + 51, max_depth=2, random_state=3),
    "trees that are one leaf": RandomForestClassifier(12, max_depth=2, min_samples_leaf=120, random_state=4),
}


@pytest.mark.parametrize("model", FORESTS.values(), ids=FORESTS.keys())
def test_a_forest_cut_into_trees_answers_in_the_same_bits(model: Any) -> None:
    raw, layout = form(model, labels=2 if "two" in str(model) else 3)
    cut = by_trees(raw)
    assert cut is not None
    onnx.checker.check_model(onnx.load_from_string(cut.model), full_check=True)
    nodes = [node.op_type for node in onnx.load_from_string(cut.model).graph.node]
    assert 1 < nodes.count("TreeEnsemble") <= bulk._MOST_NODES
    data = rows(2000, seed=5)
    session = OnnxSession(raw, layout, Domain())
    whole = session.run(data, "predict_proba", cut=False)
    assert np.array_equal(session.run(data, "predict_proba", cut=True), whole)
    assert np.array_equal(whole, model.predict_proba(data))


def test_rows_are_answered_in_the_order_in_which_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    model = RandomForestClassifier(30, random_state=0)
    raw, layout = form(model)
    data = rows(2000, seed=7)
    data[::7, 1] = np.nan
    data[::11, 2] = np.inf
    session = OnnxSession(raw, layout, Domain())
    assert session.run(data[:1], "predict_proba").shape == (1, 3)
    asked: list[np.ndarray] = []
    places = Order.places

    def noted(self: Order, feeds: Any) -> np.ndarray:
        asked.append(places(self, feeds))
        return asked[-1]

    monkeypatch.setattr(Order, "places", noted)
    given = session.run(data, "predict_proba", cut=True)
    assert np.array_equal(given, session.run(data, "predict_proba", cut=False))
    (order,) = asked
    assert sorted(order) == list(range(2000))
    assert list(order) != sorted(order)
    # That an answer in another place would be seen.
    monkeypatch.setattr(Order, "places", lambda self, feeds: np.zeros(2000, dtype=np.int64))
    assert not np.array_equal(session.run(data, "predict_proba", cut=True), given)


def test_trees_that_ask_what_the_graph_computes_leave_the_rows_as_they_are() -> None:
    model = make_pipeline(PCA(3, random_state=0), RandomForestClassifier(5, random_state=0))
    raw, layout = form(model)
    cut = by_trees(raw)
    assert cut is not None
    assert cut.order.block not in [block.name for block in layout.blocks]
    session, data = OnnxSession(raw, layout, Domain()), rows(2000, seed=8)
    whole = session.run(data, "predict_proba", cut=False)
    assert np.array_equal(session.run(data, "predict_proba", cut=True), whole)


def test_neighbours_in_an_order_are_alike() -> None:
    chance = np.random.default_rng(9)
    splits = chance.normal(size=3000)
    order = Order.of("X", chance.choice([0, 2, 2, 5], 3000), splits)
    assert order.columns[0] == 2
    assert sorted(order.columns) == [0, 2, 5]
    data = chance.normal(size=(4000, 6))
    ordered = data[order.places({"X": data})][:, [0, 2, 5]]
    far = np.abs(np.diff(data[:, [0, 2, 5]], axis=0)).sum(axis=1).mean()
    near = np.abs(np.diff(ordered, axis=0)).sum(axis=1).mean()
    assert near < far / 3


@pytest.mark.parametrize("columns", [1, 3, 6, 40])
def test_a_key_holds_the_highest_bits_of_as_many_columns_as_it_can(columns: int) -> None:
    features = np.repeat(np.arange(columns), np.arange(columns, 0, -1) * 5)
    order = Order.of("X", features, np.random.default_rng(3).normal(size=len(features)))
    assert order.columns == tuple(range(min(columns, 16)))
    low, high = np.full((1, columns), -9.0), np.full((1, columns), 9.0)
    mixed = low.copy()
    mixed[0, 0] = 9.0
    assert order.places({"X": np.vstack([high, mixed, low])}).tolist() == (
        [2, 0, 1] if columns == 1 else [2, 1, 0]
    )


WHOLE = {
    "sums": (RandomForestRegressor(5, random_state=0), "predict"),
    "boosting": (GradientBoostingClassifier(n_estimators=5, random_state=0), "predict_proba"),
    "no trees": (LogisticRegression(), "predict_proba"),
}


@pytest.mark.parametrize(("model", "method"), WHOLE.values(), ids=WHOLE.keys())
def test_what_sums_or_has_no_trees_stays_whole(model: Any, method: str) -> None:
    raw, layout = form(model, method, labels=2)
    assert by_trees(raw) is None
    data = rows(bulk.MANY + 1, seed=6)
    session = OnnxSession(raw, layout, Domain())
    assert np.array_equal(session.run(data, method), session.run(data, method, cut=False))


def test_the_number_of_rows_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    raw, layout = form(RandomForestClassifier(5, random_state=0))
    cuts = []
    monkeypatch.setattr(bulk, "by_trees", lambda model: cuts.append(len(model)))
    session = OnnxSession(raw, layout, Domain())
    session.run(rows(bulk.MANY - 1), "predict_proba")
    assert cuts == []
    for _ in range(3):
        session.run(rows(bulk.MANY), "predict_proba")
    assert len(cuts) == 1


def changed(raw: bytes, name: str, change: Any) -> bytes:
    """*raw* with one attribute of its forest changed."""
    model = onnx.load_from_string(raw)
    (node,) = (one for one in model.graph.node if one.op_type == "TreeEnsemble")
    (attribute,) = (one for one in node.attribute if one.name == name)
    value = helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        attribute.t.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(value).copy())))
    elif isinstance(value, int):
        attribute.i = change(value)
    else:
        numbers = change(np.array(value)).tolist()
        del attribute.ints[:]
        attribute.ints.extend(numbers)
    return bytes(model.SerializeToString(deterministic=True))


def put(place: int, value: int) -> Any:
    def change(values: np.ndarray) -> np.ndarray:
        values[place] = value
        return values

    return change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("n_targets", lambda count: count + 1),
        ("aggregate_function", lambda _: 0),
        ("post_transform", lambda _: 1),
        ("tree_roots", lambda roots: roots[::-1]),
        ("tree_roots", put(1, 0)),
        ("leaf_targetids", put(0, 1)),
        ("leaf_targetids", lambda ids: ids[:-1]),
        ("nodes_truenodeids", put(0, 10**6)),
        ("nodes_falsenodeids", put(-1, 0)),
        ("nodes_falseleafs", lambda leafs: 1 - leafs),
        ("nodes_featureids", lambda ids: ids[:-1]),
        ("nodes_splits", lambda splits: splits.astype(np.float32)),
        ("leaf_weights", lambda weights: weights[:-1]),
    ],
)
def test_a_forest_that_is_not_one_tree_after_another_stays_whole(name: str, change: Any) -> None:
    raw, _ = form(RandomForestClassifier(5, max_depth=3, random_state=0))
    assert by_trees(raw) is not None
    assert by_trees(changed(raw, name, change)) is None


@pytest.mark.parametrize("values", [[], [0], [1, 127, 128, 300], [2**40, 0, 16384], list(range(1000))])
def test_numbers_survive_their_way_through_bytes(values: list[int]) -> None:
    array = np.array(values, dtype=np.int64)
    assert bulk._decoded(np.frombuffer(bulk._encoded(array), np.uint8)).tolist() == values
