"""Each family of trees answers as scikit-learn does, to the bit."""

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from modelpack.onnx.convert import candidates
from tests.modelpack.onnx.data import SEED, numbers
from tests.modelpack.onnx.forms import answers, assert_same, exact, matrix_signature

FEW = {"n_estimators": 12, "random_state": 3}


def _asked(matrix: np.ndarray, model: Any) -> np.ndarray:
    """The training rows, rows nearby, and rows with each split's own threshold and its neighbours."""
    rng = np.random.default_rng(SEED)
    near = matrix + rng.normal(0, 1, matrix.shape)
    rows = [matrix, near]
    for feature, threshold in _splits(model):
        if not np.isfinite(threshold):
            continue  # it parts missing values from all others
        some = near[rng.integers(0, len(near), 3)].copy()
        some[:, feature] = [threshold, np.nextafter(threshold, np.inf), np.nextafter(threshold, -np.inf)]
        rows.append(some)
    return np.concatenate(rows)


def _splits(model: Any) -> list[tuple[int, float]]:
    if hasattr(model, "_predictors"):
        nodes = np.concatenate([one.nodes for stage in model._predictors for one in stage])
        nodes = nodes[(nodes["is_leaf"] == 0) & (nodes["is_categorical"] == 0)]
        return list(zip(nodes["feature_idx"].tolist(), nodes["num_threshold"].tolist(), strict=True))
    trees = np.ravel(getattr(model, "estimators_", [model]))
    return [
        (int(feature), float(threshold))
        for one in trees
        for feature, threshold in zip(one.tree_.feature, one.tree_.threshold, strict=True)
        if feature >= 0
    ]


@pytest.mark.parametrize(
    ("model", "target"),
    [
        pytest.param(DecisionTreeClassifier(), "three", id="tree"),
        pytest.param(DecisionTreeClassifier(max_depth=1), "two", id="stump"),
        pytest.param(DecisionTreeRegressor(), "value", id="tree-regressor"),
        pytest.param(ExtraTreeClassifier(random_state=1), "two", id="extra-tree"),
        pytest.param(ExtraTreeRegressor(random_state=1), "value", id="extra-tree-regressor"),
        pytest.param(RandomForestClassifier(**FEW), "two", id="forest"),
        pytest.param(RandomForestClassifier(max_depth=4, **FEW), "three", id="forest-three"),
        pytest.param(RandomForestRegressor(**FEW), "value", id="forest-regressor"),
        pytest.param(ExtraTreesClassifier(**FEW), "three", id="extra-trees"),
        pytest.param(ExtraTreesRegressor(**FEW), "value", id="extra-trees-regressor"),
        pytest.param(HistGradientBoostingRegressor(max_iter=8), "value", id="histogram-regressor"),
    ],
)
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_trees_answer_to_the_bit_also_at_their_thresholds_and_for_missing_values(
    model: Any, target: str, missing: float
) -> None:
    matrix, targets = numbers(missing=missing)
    model.fit(matrix, targets[target])
    assert_same(model, exact(model, matrix_signature(6)), _asked(matrix, model))


@pytest.mark.parametrize(
    ("model", "target"),
    [
        pytest.param(GradientBoostingClassifier(**FEW), "two", id="two"),
        pytest.param(GradientBoostingClassifier(**FEW), "three", id="three"),
        pytest.param(GradientBoostingClassifier(loss="exponential", **FEW), "two", id="exponential"),
        pytest.param(GradientBoostingClassifier(init="zero", **FEW), "three", id="zero"),
        pytest.param(GradientBoostingRegressor(**FEW), "value", id="regressor"),
        pytest.param(GradientBoostingRegressor(loss="huber", init="zero", **FEW), "value", id="huber"),
        pytest.param(HistGradientBoostingClassifier(max_iter=8), "two", id="histogram-two"),
        pytest.param(HistGradientBoostingClassifier(max_iter=8), "three", id="histogram-three"),
        pytest.param(HistGradientBoostingRegressor(loss="poisson", max_iter=8), "value", id="poisson"),
    ],
)
def test_boosted_trees_decide_alike_and_their_scores_are_the_same_bits(model: Any, target: str) -> None:
    matrix, targets = numbers()
    model.fit(matrix, np.abs(targets[target]))
    form = exact(model, matrix_signature(6))
    asked = _asked(matrix, model)
    # The sigmoid and the exponential of two libraries differ in their last bit.
    assert_same(model, form, asked, bits=False)
    if hasattr(model, "decision_function"):
        wanted = model.decision_function(asked)
        got = answers(form, asked, "decision_function").reshape(wanted.shape)
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_histogram_boosting_asks_for_categories_as_scikit_learn_does(missing: float) -> None:
    matrix, targets = numbers(800, missing=missing)
    model = HistGradientBoostingClassifier(max_iter=12, categorical_features=[4, 5]).fit(
        matrix, targets["two"]
    )
    asked = _asked(matrix, model)
    unknown = matrix[:50].copy()
    unknown[:, 5] = np.resize([-1.0, 2.5, 9.0, 77.0, np.nan], 50)
    assert_same(model, exact(model, matrix_signature(6)), np.concatenate([asked, unknown]), bits=False)


def test_every_row_count_takes_the_same_way() -> None:
    matrix, targets = numbers()
    model = RandomForestClassifier(60, random_state=0).fit(matrix, targets["three"])
    form = exact(model, matrix_signature(6))
    for count in (1, 2, 3, 19, 20, 21, 127, 400):
        assert_same(model, form, matrix[:count])


@pytest.mark.parametrize("classes", [[False, True], [3, 7], ["no", "yes"], [0.0, 2.0]])
def test_classes_of_any_kind_come_back_as_they_were(classes: list[Any]) -> None:
    matrix, targets = numbers()
    labels = np.array(classes)[targets["two"]]
    model = GradientBoostingClassifier(**FEW).fit(matrix, labels)
    assert_same(model, exact(model, matrix_signature(6)), matrix, bits=False)


def test_float32_rows_are_asked_as_float32() -> None:
    matrix, targets = numbers(missing=0.1)
    small = matrix.astype(np.float32)
    model = RandomForestClassifier(**FEW).fit(small, targets["two"])
    form = exact(model, matrix_signature(6, "float32"))
    assert form.layout is not None
    assert form.layout.blocks[0].dtype == "float32"
    assert_same(model, form, small)


@pytest.mark.parametrize(
    ("model", "targets", "reason"),
    [
        pytest.param(RandomForestRegressor(3), np.zeros((400, 2)), "several outputs", id="two-outputs"),
        pytest.param(
            GradientBoostingRegressor(n_estimators=2, init=DecisionTreeRegressor()),
            np.arange(400.0),
            "depends on the row",
            id="start-that-depends-on-the-row",
        ),
    ],
)
def test_what_has_no_writer_says_so(model: Any, targets: np.ndarray, reason: str) -> None:
    matrix, _ = numbers()
    model.fit(matrix, targets)
    form = next(candidates(model, signature=matrix_signature(6), methods=("predict",)))
    assert form.model is None
    assert reason in form.problem


def test_a_model_with_the_same_parts_gives_the_same_bytes() -> None:
    matrix, targets = numbers()

    def written() -> bytes:
        model = RandomForestClassifier(**FEW).fit(matrix, targets["two"])
        form = exact(model, matrix_signature(6))
        assert form.model is not None
        model_bytes: bytes = form.model.SerializeToString(deterministic=True)
        return model_bytes

    assert written() == written()
