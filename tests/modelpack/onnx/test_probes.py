"""The rows that are compared go where a wrong conversion would show."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelpack.onnx.limits import discover
from modelpack.onnx.native import as_input, native
from modelpack.onnx.probes import extreme_rows, missing_rows, random_rows, split_rows, unseen_rows
from modelpack.onnx.profile import Profile, profile
from modelpack.onnx.rows import Rows
from modelpack.onnx.tracing import find_trees, trace
from modelpack.schema import Table
from tests.modelpack.onnx.data import SEED, mixed, numbers, signature_of


def _rows(data: Any, *, known: bool = True) -> Rows:
    inputs = signature_of(data).inputs
    assert inputs is not None
    return Rows(inputs, profile(data, inputs) if known else Profile({}, 0))


def _rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


def test_random_rows_keep_to_what_was_seen_and_step_a_little_outside() -> None:
    data, _ = mixed()
    probe = next(random_rows(_rows(data), 5000, _rng()))
    assert isinstance(probe.data, Table)
    assert set(probe.data.columns["city"]) == set(data["city"])
    assert set(probe.data.columns["visits"]) == set(data["visits"])
    spent = probe.data.columns["spent"]
    assert (spent > data["spent"].max()).any()
    assert (spent < data["spent"].min()).any()
    assert np.median(spent) == pytest.approx(data["spent"].median(), rel=0.5)


def test_rows_can_be_drawn_from_types_alone() -> None:
    data, _ = mixed()
    probe = next(random_rows(_rows(data, known=False), 50, _rng()))
    assert isinstance(probe.data, Table)
    assert probe.rows == 50
    assert {name: column.dtype for name, column in probe.data.columns.items()}["visits"] == np.int64


def test_the_same_seed_draws_the_same_rows() -> None:
    matrix, _ = numbers()
    first, second = (next(random_rows(_rows(matrix), 100, np.random.default_rng(5))) for _ in range(2))
    np.testing.assert_array_equal(np.asarray(first.data), np.asarray(second.data))


def test_missing_values_come_alone_together_and_here_and_there() -> None:
    matrix, _ = numbers()
    probes = list(missing_rows(_rows(matrix), {0}, _rng()))
    alone = {probe.column: np.asarray(probe.data) for probe in probes if probe.column is not None}
    assert set(alone) == set(range(6))
    for column, rows in alone.items():
        assert np.isnan(rows).any(axis=0).tolist() == [place == column for place in range(6)]
    together, scattered = [np.asarray(probe.data) for probe in probes if probe.column is None]
    assert np.isnan(together).all()
    assert not np.isnan(scattered[:, 0]).any()
    assert np.isnan(scattered[:, 1:]).any(axis=0).all()


def test_optional_columns_of_any_kind_can_be_missing() -> None:
    data, _ = mixed()
    data["visits"] = data["visits"].astype("Int64")
    data.loc[data.index[:9], ["visits", "city"]] = None
    probes = {probe.column: probe.data for probe in missing_rows(_rows(data), set(), _rng())}
    assert set(probes) == {"city", "visits", "spent", None}
    table = probes["visits"]
    assert isinstance(table, Table)
    assert np.ma.getmaskarray(table.columns["visits"]).all()


def test_unseen_categories_come_for_text_and_for_codes() -> None:
    data, _ = mixed()
    probes = {probe.column: probe.data for probe in unseen_rows(_rows(data), _rng())}
    assert set(probes) == {"city", "plan", "visits"}
    for name, table in probes.items():
        assert isinstance(table, Table)
        assert name is not None
        assert not set(table.columns[name].tolist()) - {0, -1} & set(data[name])


def test_extremes_stay_within_the_limit() -> None:
    matrix, _ = numbers()
    values = np.concatenate([np.asarray(probe.data) for probe in extreme_rows(_rows(matrix), 1e33, _rng())])
    assert np.abs(values).max() == 1e33
    assert {0.0, 5e-324, 1e30, -1e30} <= set(values[:, 2].tolist())
    assert np.signbit(values[values == 0.0]).any()


def test_infinity_is_asked_where_there_is_no_limit() -> None:
    matrix, _ = numbers()
    values = np.concatenate([np.asarray(probe.data) for probe in extreme_rows(_rows(matrix), np.inf, _rng())])
    assert np.isposinf(values).any()
    assert np.isneginf(values).any()


def test_nearly_every_split_of_a_forest_is_reached_on_both_sides() -> None:
    data, target = mixed()
    data = data.drop(columns="plan")
    before = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["spent", "visits"]),
        remainder="drop",
    )
    model = make_pipeline(before, RandomForestClassifier(6, random_state=0)).fit(data, target)
    rows = _rows(data)
    trees = next(find_trees(model))
    rng = _rng()
    traced = trace(trees, rows, lambda some: as_input(some, wants_names=True), rng, most=2000, limit=1e30)
    probes = list(split_rows(trees, traced, rows, 20_000, rng))
    assert {probe.kind for probe in probes} == {"split"}
    reached: Counter[tuple[int, int]] = Counter()
    for probe in probes:
        assert isinstance(probe.data, Table)
        seen = np.asarray(model[0].transform(probe.data.frame()), dtype=np.float32)
        for number, one in enumerate(model[-1].estimators_):
            reached.update((number, int(node)) for node in one.tree_.apply(seen))
    leaves = [
        (number, int(node))
        for number, one in enumerate(model[-1].estimators_)
        for node in np.flatnonzero(one.tree_.children_left < 0)
    ]
    assert np.mean([leaf in reached for leaf in leaves]) > 0.95


def test_a_tree_without_splits_asks_for_no_rows() -> None:
    matrix, _ = numbers()
    model = DecisionTreeClassifier().fit(matrix, np.zeros(len(matrix), dtype=int))
    trees = next(find_trees(model))
    rows = _rows(matrix)
    traced = trace(trees, rows, lambda some: some, _rng(), most=10, limit=1e30)
    assert list(split_rows(trees, traced, rows, 100, _rng())) == []


def test_what_a_model_refuses_is_found_by_asking() -> None:
    data, target = mixed()
    data = data[["spent", "visits"]].fillna(0.0)
    data["other"] = data["spent"] * 2
    before = make_column_transformer((SimpleImputer(), ["spent"]), remainder="passthrough")
    model = make_pipeline(before, StandardScaler(), DecisionTreeClassifier()).fit(data, target)
    domain = discover(_rows(data), native(model), "predict", _rng())
    assert domain.refuses_missing == ()
    assert domain.refuses_infinite == ("spent", "other")
    assert domain.limit == 1e38
    linear = make_pipeline(before, FIRST_REFUSES).fit(data, target)
    assert discover(_rows(data), native(linear), "predict", _rng()).refuses_missing == ("other",)


class _Refuses(DecisionTreeClassifier):  # type: ignore[misc]  # scikit-learn publishes no types
    """A tree that takes nothing missing."""

    def predict(self, X: Any, check_input: bool = True) -> Any:  # noqa: N803 - scikit-learn's name
        if pd.isna(np.asarray(X)).any():
            raise ValueError("Input X contains NaN.")
        return super().predict(X, check_input)


FIRST_REFUSES = _Refuses()
