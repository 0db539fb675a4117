"""The catboost flavor: CatBoost's models in both of its formats."""

import functools
from pathlib import Path
from typing import Any

import catboost
import numpy as np
import pandas as pd
import pytest

import modelpack
from modelpack.directory import ModelDirectory
from modelpack.errors import InvalidModel, NotFound
from modelpack.flavors.catboost import FLAVOR
from modelpack.testing.flavors import FlavorContract
from modelpack.trust import Trust
from tests.modelpack.flavors.written import by_mlflow
from tests.modelpack.small import frame, labels

FEW: dict[str, Any] = {
    "iterations": 4,
    "depth": 3,
    "thread_count": 1,
    "verbose": 0,
    "allow_writing_files": False,
}


class Own(catboost.CatBoostRegressor):  # type: ignore[misc]  # CatBoost publishes no types
    """A person's own estimator."""


@functools.cache
def classifier() -> Any:
    return catboost.CatBoostClassifier(**FEW).fit(frame(), np.where(labels(), "old", "young"))


@functools.cache
def on_arrays() -> Any:
    return catboost.CatBoostRegressor(**FEW).fit(rows(), labels())


def rows() -> np.ndarray:
    return frame().to_numpy(dtype=np.float64)


class TestClassifier(FlavorContract):
    """A classifier of words, fitted on a DataFrame."""

    name = "catboost"

    def model(self) -> Any:
        return classifier()

    def data(self) -> Any:
        return frame().head(5)


class TestRegressorOnArrays(TestClassifier):
    """A regressor without names."""

    def model(self) -> Any:
        return on_arrays()

    def data(self) -> Any:
        return rows()[:5]


class TestPlainModel(TestClassifier):
    """The class that answers sums."""

    def model(self) -> Any:
        return catboost.CatBoost({"loss_function": "Logloss", **FEW}).fit(frame(), labels())


def saved(folder: Path, model: Any = None, **options: Any) -> ModelDirectory:
    given: dict[str, Any] = {"input_example": frame().head(3), "requirements": []} | options
    return modelpack.save(classifier() if model is None else model, folder, **given)


@pytest.mark.parametrize("form", ["cbm", "json"])
def test_the_document_is_what_mlflow_writes(form: str, tmp_path: Path) -> None:
    source = saved(tmp_path / "model", format=form)
    assert source.document.flavors["catboost"] == {
        "catboost_version": catboost.__version__,
        "data": "model.cb",
        "model_type": "CatBoostClassifier",
        "save_format": form,
        "code": None,
    }
    assert source.document.python_function["data"] == "model.cb"
    shares = modelpack.load_predictor(source.path, method="predict_proba").predict(frame())
    # CatBoost's JSON has sixteen digits, one too few for some doubles.
    np.testing.assert_allclose(
        shares, classifier().predict_proba(frame()), rtol=0 if form == "cbm" else 1e-14
    )


def test_words_are_categories_where_the_model_was_fitted_on_words(tmp_path: Path) -> None:
    data = pd.DataFrame({"city": ["Oslo", "Rome", "Bern"] * 10, "age": np.arange(30.0)})
    model = catboost.CatBoostRegressor(cat_features=["city"], **FEW)
    model.fit(data, (data["city"] == "Rome") * data["age"])
    source = saved(tmp_path / "model", model, input_example=data.head(3))
    asked = data.iloc[[2, 1, 4, 0]]
    np.testing.assert_array_equal(modelpack.load_predictor(source.path).predict(asked), model.predict(asked))


def test_a_class_that_no_document_can_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no class of CatBoost 'Own'"):
        saved(tmp_path / "model", Own(**FEW).fit(rows(), labels()), input_example=None)
    with pytest.raises(InvalidModel, match="CatBoost cannot write this CatBoost"):
        saved(tmp_path / "model", catboost.CatBoost(), input_example=None)


@pytest.mark.parametrize("name", ["Pool", "os.system", "CatBoostClasifier"])
def test_a_document_names_one_of_the_librarys_own_models(name: str, tmp_path: Path) -> None:
    source = by_mlflow(tmp_path / "model", "catboost", "model.cb", b"", model_type=name)
    with pytest.raises(NotFound, match="no model_type"):
        FLAVOR.load(source, Trust())


@pytest.mark.parametrize("content", [b"", b"CBM1", b"CBM1\x08\0\0\0" + b"\xff" * 8, b"no model" * 99])
def test_what_is_no_model_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    entries = {"model_type": "CatBoostClassifier", "save_format": "cbm"}
    source = by_mlflow(tmp_path / "model", "catboost", "model.cb", content, **entries)
    with pytest.raises(InvalidModel, match="is no model that CatBoost reads"):
        FLAVOR.load(source, Trust())
