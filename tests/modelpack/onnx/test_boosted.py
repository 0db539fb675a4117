"""The trees of XGBoost, LightGBM and CatBoost as ONNX: the same labels, the same sums to the bit."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import onnx
import pandas as pd
import pytest
import xgboost
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import modelpack
from modelpack.onnx import SPLITS
from modelpack.onnx.convert import Candidate, candidates
from modelpack.onnx.domain import Domain
from modelpack.onnx.parity import certify
from modelpack.onnx.session import OnnxSession
from tests.modelpack.onnx.data import SEED, numbers, signature_of
from tests.modelpack.onnx.forms import matrix_signature

METHODS = ("predict", "predict_proba")
WORDS = np.array(["few", "many", "some"])

X: dict[str, Any] = {"n_estimators": 12, "max_depth": 4, "n_jobs": 1, "random_state": 0}
L: dict[str, Any] = {
    "n_estimators": 12,
    "min_child_samples": 5,
    "n_jobs": 1,
    "verbose": -1,
    "random_state": 0,
}
C: dict[str, Any] = {
    "iterations": 12,
    "depth": 4,
    "thread_count": 1,
    "verbose": 0,
    "allow_writing_files": False,
    "random_seed": 0,
}


def _fitted(model: Any, target: str, *, words: bool = False, missing: float = 0.1, **options: Any) -> Any:
    matrix, targets = numbers(missing=missing)
    wanted = WORDS[targets[target]] if words else targets[target]
    return model.fit(matrix, wanted, **options)


def _early() -> Any:
    matrix, targets = numbers(missing=0.1)
    model = xgboost.XGBClassifier(**X | {"n_estimators": 200}, early_stopping_rounds=2)
    return model.fit(
        matrix[:300], targets["two"][:300], eval_set=[(matrix[300:], targets["two"][300:])], verbose=False
    )


MODELS: dict[str, Callable[[], Any]] = {
    "xgboost-two": lambda: _fitted(xgboost.XGBClassifier(**X), "two"),
    "xgboost-three": lambda: _fitted(xgboost.XGBClassifier(**X), "three"),
    "xgboost-value": lambda: _fitted(xgboost.XGBRegressor(**X), "value"),
    "xgboost-counts": lambda: _fitted(xgboost.XGBRegressor(objective="count:poisson", **X), "three"),
    "xgboost-forest": lambda: _fitted(xgboost.XGBRFClassifier(**X), "two"),
    "xgboost-stopped": _early,
    "xgboost-booster": lambda: _fitted(xgboost.XGBClassifier(**X), "three").get_booster(),
    "xgboost-hinge": lambda: _fitted(xgboost.XGBRegressor(objective="binary:hinge", **X), "two"),
    "lightgbm-two": lambda: _fitted(lightgbm.LGBMClassifier(**L), "two"),
    "lightgbm-three": lambda: _fitted(lightgbm.LGBMClassifier(**L), "three", words=True),
    "lightgbm-value": lambda: _fitted(lightgbm.LGBMRegressor(**L), "value", missing=0.0),
    "lightgbm-categories": lambda: _fitted(
        lightgbm.LGBMRegressor(min_data_per_group=1, **L), "value", categorical_feature=[4, 5]
    ),
    "lightgbm-counts": lambda: _fitted(lightgbm.LGBMRegressor(objective="poisson", **L), "three"),
    "lightgbm-each": lambda: _fitted(lightgbm.LGBMClassifier(objective="multiclassova", **L), "three"),
    "lightgbm-forest": lambda: _fitted(
        lightgbm.LGBMClassifier(boosting_type="rf", bagging_freq=1, bagging_fraction=0.7, **L), "two"
    ),
    "lightgbm-booster": lambda: _fitted(lightgbm.LGBMClassifier(**L), "two").booster_,
    "catboost-two": lambda: _fitted(catboost.CatBoostClassifier(**C), "two"),
    "catboost-three": lambda: _fitted(catboost.CatBoostClassifier(**C), "three", words=True),
    "catboost-each": lambda: _fitted(
        catboost.CatBoostClassifier(loss_function="MultiClassOneVsAll", **C), "three"
    ),
    "catboost-value": lambda: _fitted(catboost.CatBoostRegressor(**C), "value"),
    "catboost-missing-last": lambda: _fitted(catboost.CatBoostRegressor(nan_mode="Max", **C), "value"),
    "catboost-counts": lambda: _fitted(catboost.CatBoostRegressor(loss_function="Poisson", **C), "three"),
    "catboost-leaves": lambda: _fitted(catboost.CatBoostRegressor(grow_policy="Lossguide", **C), "value"),
    "catboost-sums": lambda: _fitted(catboost.CatBoost({"loss_function": "Logloss", **C}), "two"),
}

SUMS = {"xgboost-value", "lightgbm-value", "lightgbm-categories"}
"""Whose answers are sums and nothing else. (The JSON that CatBoost's trees come from has sixteen digits.)"""


@functools.cache
def model_of(name: str) -> Any:
    return MODELS[name]()


def exact(model: Any) -> Candidate:
    methods = tuple(one for one in METHODS if hasattr(model, one))
    form = next(candidates(model, signature=matrix_signature(6), methods=methods))
    assert form.name == "exact"
    assert form.model is not None, form.problem
    onnx.checker.check_model(form.model, full_check=True)
    return form


def asked() -> np.ndarray:
    """The rows of the fit, others, with gaps, at whole numbers and between them, far out, and zeros."""
    rng = np.random.default_rng(SEED)
    matrix, _ = numbers(missing=0.1)
    other = matrix + rng.normal(0, 1, matrix.shape)
    gaps = np.where(rng.random(matrix.shape) < 0.3, np.nan, other)
    zeros = np.where(
        rng.random(matrix.shape) < 0.3, rng.choice([0.0, -0.0, 1e-35, -1e-35, 1e-40], matrix.shape), other
    )
    return np.concatenate([matrix, other, gaps, zeros, -matrix, np.floor(other) + 0.5, matrix * 1e6])


def native(model: Any, data: Any, method: str) -> np.ndarray:
    if isinstance(model, xgboost.Booster):
        data = xgboost.DMatrix(data)
    return np.asarray(getattr(model, method)(data))


@pytest.mark.parametrize("name", MODELS)
def test_the_form_answers_as_the_library_does(name: str) -> None:
    model = model_of(name)
    form = exact(model)
    assert form.model is not None
    assert form.layout is not None
    session = OnnxSession(form.model.SerializeToString(), form.layout, Domain())
    data = asked()
    for method in form.layout.outputs:
        wanted = native(model, data, method)
        got = session.run(data, method)
        assert got.shape == wanted.shape
        if wanted.dtype.kind != "f" or name in SUMS:
            np.testing.assert_array_equal(got, wanted)
        else:
            # The last step is the exponential, of which each library has its own in the last bit.
            near = 3e-7 if wanted.dtype == np.float32 else 1e-12
            np.testing.assert_allclose(got, wanted, rtol=near, atol=1e-12)


def _categories() -> Any:
    matrix, _ = numbers()
    data = xgboost.DMatrix(
        matrix, matrix[:, 5] % 2, feature_types=["q"] * 4 + ["c"] * 2, enable_categorical=True
    )
    return xgboost.train({"max_depth": 3, "nthread": 1}, data, num_boost_round=2)


def _words() -> Any:
    data = pd.DataFrame({"city": ["Oslo", "Rome", "Bern"] * 10, "age": np.arange(30.0)})
    model = catboost.CatBoostRegressor(cat_features=["city"], one_hot_max_size=5, **C)
    return model.fit(data, (data["city"] == "Rome") * 9 + data["age"])


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (
            lambda: _fitted(xgboost.XGBRegressor(booster="gblinear", n_estimators=2), "value", missing=0),
            "gblinear",
        ),
        (lambda: _fitted(xgboost.XGBRegressor(missing=-1.0, **X), "value"), "written -1.0"),
        (_categories, "categories"),
        (lambda: _fitted(lightgbm.LGBMRegressor(linear_tree=True, **L), "value"), "linear leaves"),
        (lambda: _fitted(lightgbm.LGBMRegressor(zero_as_missing=True, **L), "value"), "zeros for missing"),
        (lambda: _fitted(lightgbm.LGBMRegressor(reg_sqrt=True, **L), "value"), "objective regression sqrt"),
        (_words, "categories, text or embeddings"),
        (
            lambda: _fitted(catboost.CatBoostRegressor(loss_function="RMSEWithUncertainty", **C), "value"),
            "uncertainty",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore")  # what the libraries say of these settings is not the matter here
def test_what_is_not_written_says_why(make: Callable[[], Any], why: str) -> None:
    model = make()
    forms = list(candidates(model, signature=matrix_signature(6), methods=("predict",)))
    assert [form.model for form in forms] == [None, None, None]
    assert why in forms[0].problem
    assert "skl2onnx converts scikit-learn's own" in forms[1].problem


@pytest.mark.parametrize("name", ["xgboost-two", "lightgbm-three", "lightgbm-categories", "catboost-two"])
def test_it_is_certified_at_its_splits(name: str) -> None:
    matrix, _ = numbers(missing=0.1)
    model = model_of(name)
    form, report = certify(
        model, matrix_signature(6), example=matrix[:40], methods=_methods(model), rows=3000, seed=SEED
    )
    assert form is not None, report.methods
    assert report.candidate == "exact"
    assert report.certified == _methods(model)
    assert report.rows["split"] >= 1500
    # In float32 a sum depends on who adds which part of it.
    assert report.threads == (1 if name.startswith("xgboost") else 4)


def _methods(model: Any) -> tuple[str, ...]:
    return tuple(one for one in METHODS if hasattr(model, one))


@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost"])
def test_a_form_that_asks_a_little_otherwise_is_found(library: str) -> None:
    matrix, _ = numbers(missing=0.1)
    model = model_of(f"{library}-value")
    honest = exact(model)
    assert honest.model is not None
    (trees,) = (node for node in honest.model.graph.node if node.op_type == "TreeEnsemble")
    (splits,) = (one for one in trees.attribute if one.name == "nodes_splits")
    values = onnx.numpy_helper.to_array(splits.t)
    moved = np.nextafter(values, np.asarray(np.inf, dtype=values.dtype))
    splits.t.CopyFrom(onnx.numpy_helper.from_array(moved))
    form, report = certify(
        model, matrix_signature(6), example=matrix[:40], rows=3000, seed=SEED, forms=[honest]
    )
    assert form is None
    assert report.methods["predict"].reason == "numbers differ"


@pytest.mark.parametrize(
    "name", ["xgboost-booster", "lightgbm-booster", "catboost-sums", "lightgbm-categories"]
)
def test_the_splits_that_are_asked_are_the_models(name: str) -> None:
    model = model_of(name)
    trees, rounded = SPLITS[name.partition("-")[0]](model)
    assert rounded == (not name.startswith("lightgbm"))
    plain = [tree.threshold[(tree.left >= 0) & ~tree.categorical] for tree in trees]
    assert sum(map(len, plain)) > 20
    assert np.isfinite(np.concatenate(plain)).all()
    for tree in trees:
        inner = tree.left >= 0
        assert ((tree.feature[inner] >= 0) & (tree.feature[inner] < 6)).all()
        assert sorted([*tree.left[inner], *tree.right[inner]]) == list(range(1, len(tree.left)))


@pytest.mark.parametrize("library", ["xgboost", "lightgbm", "catboost"])
def test_a_saved_model_is_served_by_its_form(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))
    matrix, targets = numbers(missing=0.1)
    data = pd.DataFrame(matrix, columns=list("abcdef"))
    model = {
        "xgboost": xgboost.XGBClassifier(**X),
        "lightgbm": lightgbm.LGBMClassifier(**L),
        "catboost": catboost.CatBoostClassifier(**C),
    }[library].fit(data, targets["two"])
    source = modelpack.save(
        model, tmp_path / "model", input_example=data.head(5), requirements=[], certify={"rows": 600}
    )
    assert set(source.document.flavors) == {library, "onnx", "python_function"}
    for method in METHODS:
        onnx_form = modelpack.load_predictor(source.path, engine="onnx", method=method)
        native_form = modelpack.load_predictor(source.path, method=method)
        got, wanted = onnx_form.predict(data), native_form.predict(data)
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(got, wanted, rtol=1e-6)


def test_a_pipeline_is_one_form() -> None:
    matrix, targets = numbers(missing=0.1)
    data = pd.DataFrame(matrix, columns=list("abcdef"))
    for last in (xgboost.XGBClassifier(**X), lightgbm.LGBMClassifier(**L), catboost.CatBoostClassifier(**C)):
        model = make_pipeline(StandardScaler(), last).fit(data, targets["two"])
        form, report = certify(
            model, signature_of(data), example=data.head(40), methods=METHODS, rows=1500, seed=SEED
        )
        assert form is not None, report.methods
        assert report.certified == METHODS
        assert report.domain.refuses_infinite
