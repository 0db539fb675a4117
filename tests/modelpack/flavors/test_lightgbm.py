"""The lightgbm flavor: boosters as text, estimators by skops, and the pickles that MLflow wrote."""

import functools
import pickle
from pathlib import Path
from typing import Any

import cloudpickle
import lightgbm
import numpy as np
import pandas as pd
import pytest

import modelpack
from modelpack.directory import ModelDirectory
from modelpack.errors import InvalidModel, NotFound, Untrusted
from modelpack.flavors.lightgbm import FLAVOR
from modelpack.testing.flavors import FlavorContract
from modelpack.trust import Trust
from tests.modelpack.flavors.written import by_mlflow
from tests.modelpack.small import frame, labels

FEW: dict[str, Any] = {"n_estimators": 4, "min_child_samples": 2, "n_jobs": 1, "verbose": -1}


@functools.cache
def classifier() -> Any:
    return lightgbm.LGBMClassifier(**FEW).fit(frame(), np.where(labels(), "old", "young"))


@functools.cache
def on_arrays() -> Any:
    return lightgbm.LGBMRegressor(**FEW).fit(rows(), labels())


def rows() -> np.ndarray:
    return frame().to_numpy(dtype=np.float64)


class TestClassifier(FlavorContract):
    """An estimator, fitted on a DataFrame and words."""

    name = "lightgbm"

    def model(self) -> Any:
        return classifier()

    def data(self) -> Any:
        return frame().head(5)


class TestRegressorOnArrays(TestClassifier):
    """An estimator without names."""

    def model(self) -> Any:
        return on_arrays()

    def data(self) -> Any:
        return rows()[:5]


class TestBooster(TestClassifier):
    """The booster alone."""

    def model(self) -> Any:
        return classifier().booster_


def saved(folder: Path, model: Any = None, **options: Any) -> ModelDirectory:
    given: dict[str, Any] = {"input_example": frame().head(3), "requirements": []} | options
    return modelpack.save(classifier() if model is None else model, folder, **given)


def test_the_document_of_a_booster_is_what_mlflow_writes(tmp_path: Path) -> None:
    source = saved(tmp_path / "model", classifier().booster_)
    assert source.document.flavors["lightgbm"] == {
        "lgb_version": lightgbm.__version__,
        "data": "model.lgb",
        "model_class": "lightgbm.basic.Booster",
        "serialization_format": None,
        "skops_trusted_types": None,
        "code": None,
    }
    assert (tmp_path / "model" / "model.lgb").read_text().startswith("tree\nversion=v4\n")


@pytest.mark.parametrize(
    ("form", "file"), [("skops", "model.skops"), ("cloudpickle", "model.pkl"), ("pickle", "model.pkl")]
)
def test_the_document_of_an_estimator_is_what_mlflow_writes(form: str, file: str, tmp_path: Path) -> None:
    source = saved(tmp_path / "model", format=form)
    types = ["collections.OrderedDict", "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier"]
    own = source.document.flavors["lightgbm"]
    assert own["data"] == file
    assert own["model_class"] == "lightgbm.sklearn.LGBMClassifier"
    assert own["serialization_format"] == form
    assert own["skops_trusted_types"] == (types if form == "skops" else None)
    trust = Trust(pickle=form != "skops")
    shares = modelpack.load_predictor(source.path, trust=trust, method="predict_proba").predict(frame())
    np.testing.assert_array_equal(shares, classifier().predict_proba(frame()))


def test_a_pickle_waits_for_the_operators_word(tmp_path: Path) -> None:
    entries = {"model_class": "lightgbm.sklearn.LGBMClassifier"}
    source = by_mlflow(
        tmp_path / "model", "lightgbm", "model.pkl", cloudpickle.dumps(classifier()), **entries
    )
    assert FLAVOR.needs(source) == ("pickle",)
    assert {"lightgbm", "sklearn", "cloudpickle"} <= FLAVOR.mentions(source)
    with pytest.raises(Untrusted, match="is a pickle"):
        FLAVOR.load(source, Trust())
    back = FLAVOR.load(source, Trust(pickle=True))
    np.testing.assert_array_equal(back.predict(frame()), classifier().predict(frame()))


def test_a_text_that_is_called_a_booster_is_never_unpickled(tmp_path: Path) -> None:
    source = by_mlflow(tmp_path / "model", "lightgbm", "model.lgb", pickle.dumps(classifier()))
    with pytest.raises(InvalidModel, match="it is no text"):
        FLAVOR.load(source, Trust(pickle=True))


def test_a_booster_of_the_time_before_classes_were_named_is_read(tmp_path: Path) -> None:
    text = classifier().booster_.model_to_string().encode()
    source = by_mlflow(tmp_path / "model", "lightgbm", "model.lgb", text, lgb_version="3.3.2")
    booster = FLAVOR.load(source, Trust())
    assert type(booster) is lightgbm.Booster
    np.testing.assert_array_equal(booster.predict(frame()), classifier().booster_.predict(frame()))


@pytest.mark.parametrize(("model", "form"), [("booster", "skops"), ("estimator", "text")])
def test_a_format_that_does_not_fit_is_refused(model: str, form: str, tmp_path: Path) -> None:
    one = classifier().booster_ if model == "booster" else classifier()
    with pytest.raises(NotFound, match=f"no format of a lightgbm .* '{form}'"):
        saved(tmp_path / "model", one, format=form)


def test_text_is_a_category_where_the_model_was_fitted_on_categories(tmp_path: Path) -> None:
    data = pd.DataFrame({"city": pd.Categorical(["Oslo", "Rome", "Bern"] * 20), "age": np.arange(60.0)})
    model = lightgbm.LGBMRegressor(min_data_per_group=1, cat_smooth=1, **FEW)
    model.fit(data, (data["city"] == "Rome") * data["age"])
    words = data.astype({"city": object})
    for one in (model, model.booster_):
        source = saved(tmp_path / type(one).__name__, one, input_example=words.head(3))
        asked = [2, 1, 4, 0]
        answers = modelpack.load_predictor(source.path).predict(words.iloc[asked])
        np.testing.assert_array_equal(answers, model.predict(data.iloc[asked]))


@pytest.mark.parametrize("content", [b"", b"tree\n", b"no model", b"tree\nversion=v4\nnum_class=1\n\n"])
def test_what_is_no_model_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    source = by_mlflow(tmp_path / "model", "lightgbm", "model.lgb", content)
    with pytest.raises(InvalidModel):
        FLAVOR.load(source, Trust())
