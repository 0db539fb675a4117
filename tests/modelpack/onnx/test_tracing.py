"""Splits of trees are found in the model's own input."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from modelpack.onnx.cuts import Grid
from modelpack.onnx.native import as_input
from modelpack.onnx.profile import profile
from modelpack.onnx.rows import Rows
from modelpack.onnx.tracing import Trace, find_trees, trace
from modelpack.schema import Signature
from tests.modelpack.onnx.data import mixed, numbers, signature_of

FEW = {"n_estimators": 5, "random_state": 3}


def _traced(model: Any, data: Any) -> tuple[Trace, Signature]:
    signature = signature_of(data)
    assert signature.inputs is not None
    rows = Rows(signature.inputs, profile(data, signature.inputs))
    trees = next(find_trees(model))
    names = hasattr(model, "feature_names_in_")
    rng = np.random.default_rng(1)
    return trace(
        trees, rows, lambda some: as_input(some, wants_names=names), rng, most=2000, limit=1e30
    ), signature


@pytest.mark.parametrize(
    "scaler", [StandardScaler(), QuantileTransformer(n_quantiles=20)], ids=["line", "curve"]
)
def test_a_cut_lies_between_two_neighbouring_floats_of_the_input(scaler: Any) -> None:
    matrix, targets = numbers()
    model = make_pipeline(scaler, RandomForestClassifier(max_depth=4, **FEW)).fit(matrix, targets["two"])
    traced, _ = _traced(model, matrix)
    assert traced.owners == {place: place for place in range(6)}
    assert len(traced.cuts) > 20
    for (feature, threshold), cut in traced.cuts.items():
        assert cut.above == np.nextafter(cut.below, np.inf)
        assert cut.around == (
            np.nextafter(cut.below, -np.inf),
            cut.below,
            cut.above,
            np.nextafter(cut.above, np.inf),
        )
        rows = np.repeat(matrix[:1], 2, axis=0)
        rows[:, feature] = [cut.below, cut.above]
        seen = model[0].transform(rows)[:, feature].astype(np.float32)
        assert (seen <= np.float64(threshold)).tolist() == [cut.below_left, not cut.below_left]


def test_text_and_numbers_are_traced_through_encoders() -> None:
    data, target = mixed()
    before = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city"]), remainder="passthrough"
    )
    model = make_pipeline(before, RandomForestClassifier(**FEW)).fit(data.drop(columns="plan"), target)
    traced, _ = _traced(model, data.drop(columns="plan"))
    assert {traced.owners[feature] for feature in range(4)} == {"city"}
    assert sorted(set(traced.owners.values())) == ["city", "member", "spent", "visits"]
    hot = {
        word: max(values, key=lambda feature: values[feature])
        for word, values in traced.words["city"].items()
    }
    assert sorted(hot.values()) == [0, 1, 2, 3]


def test_features_of_several_columns_have_no_owner() -> None:
    matrix, targets = numbers()
    model = make_pipeline(PCA(3), RandomForestClassifier(**FEW)).fit(matrix, targets["two"])
    traced, _ = _traced(model, matrix)
    assert traced.owners == {}
    assert traced.cuts == {}


@pytest.mark.parametrize(
    ("model", "groups", "trees"),
    [
        pytest.param(DecisionTreeClassifier(), 1, 1, id="tree"),
        pytest.param(GradientBoostingClassifier(**FEW), 1, 15, id="boosting-three-classes"),
        pytest.param(HistGradientBoostingClassifier(max_iter=4), 1, 12, id="histogram"),
        pytest.param(BaggingClassifier(DecisionTreeClassifier(), 4, max_features=3), 1, 4, id="bag"),
        pytest.param(
            BaggingClassifier(make_pipeline(StandardScaler(), DecisionTreeClassifier()), 3),
            3,
            3,
            id="bag-of-pipes",
        ),
        pytest.param(AdaBoostClassifier(n_estimators=3, random_state=0), 1, 3, id="adaboost"),
        pytest.param(
            VotingClassifier([("a", RandomForestClassifier(**FEW)), ("b", LogisticRegression())]),
            1,
            5,
            id="vote",
        ),
        pytest.param(CalibratedClassifierCV(RandomForestClassifier(**FEW), cv=2), 2, 10, id="calibrated"),
        pytest.param(GridSearchCV(DecisionTreeClassifier(), {"max_depth": [2]}, cv=2), 1, 1, id="search"),
        pytest.param(LogisticRegression(), 0, 0, id="none"),
    ],
)
@pytest.mark.filterwarnings("ignore:lbfgs failed")
def test_trees_are_found_however_deep(model: Any, groups: int, trees: int) -> None:
    matrix, targets = numbers()
    whole = make_pipeline(StandardScaler(), model).fit(matrix, targets["three"])
    found = list(find_trees(whole))
    assert len(found) == groups
    assert sum(len(one.trees) for one in found) == trees
    for one in found:
        assert one.prefix(matrix).shape[0] == len(matrix)


@given(st.lists(st.floats(-1e30, 1e30), min_size=2, max_size=20, unique=True))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_grid_numbers_the_values_of_its_dtype_in_order(dtype: str, values: list[float]) -> None:
    grid = Grid(np.dtype(dtype), 1e30)
    floats = np.unique(np.array(values).astype(dtype))
    places = grid.places(floats)
    assert (places[1:] > places[:-1]).all()
    np.testing.assert_array_equal(grid.values(places), floats)
    np.testing.assert_array_equal(
        grid.values(places + 1), np.nextafter(floats, np.array(np.inf, dtype=dtype))
    )
    assert grid.first <= places.min()
    assert places.max() <= grid.last
