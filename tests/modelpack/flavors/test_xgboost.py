"""The xgboost flavor: boosters and estimators, in both of XGBoost's formats."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost

import modelpack
from modelpack.directory import ModelDirectory
from modelpack.errors import InvalidModel, NotFound, PredictionFailed, Untrusted
from modelpack.flavors.xgboost import FLAVOR
from modelpack.testing.flavors import FlavorContract
from modelpack.trust import Trust
from tests.modelpack.flavors.written import by_mlflow
from tests.modelpack.small import frame, labels

FEW: dict[str, Any] = {"n_estimators": 4, "max_depth": 3, "n_jobs": 1}


class Own(xgboost.XGBRegressor):
    """A person's own estimator."""


@functools.cache
def classifier() -> Any:
    return xgboost.XGBClassifier(**FEW).fit(frame(), labels())


@functools.cache
def on_arrays() -> Any:
    return xgboost.XGBRegressor(**FEW).fit(rows(), labels())


def rows() -> np.ndarray:
    return frame().to_numpy(dtype=np.float64)


class TestClassifier(FlavorContract):
    """An estimator, fitted on a DataFrame."""

    name = "xgboost"

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
        return classifier().get_booster()

    def expected(self) -> Any:
        return self.model().predict(xgboost.DMatrix(self.data()))


def saved(folder: Path, model: Any = None, **options: Any) -> ModelDirectory:
    given: dict[str, Any] = {"input_example": frame().head(3), "requirements": []} | options
    return modelpack.save(classifier() if model is None else model, folder, **given)


@pytest.mark.parametrize("form", ["ubj", "json"])
def test_the_document_is_what_mlflow_writes(form: str, tmp_path: Path) -> None:
    source = saved(tmp_path / "model", format=form)
    assert source.document.flavors["xgboost"] == {
        "xgb_version": xgboost.__version__,
        "data": f"model.{form}",
        "model_class": "xgboost.sklearn.XGBClassifier",
        "model_format": form,
        "code": None,
    }
    served = source.document.python_function
    assert (served["loader_module"], served["data"]) == ("mlflow.xgboost", f"model.{form}")
    np.testing.assert_array_equal(
        modelpack.load(source.path).predict_proba(frame()), classifier().predict_proba(frame())
    )


def test_every_estimator_of_the_library_comes_back_as_itself(tmp_path: Path) -> None:
    ranks = xgboost.XGBRanker(**FEW).fit(frame(), labels(), qid=np.repeat([0, 1], 20))
    for place, model in enumerate(
        [
            ranks,
            *(one(**FEW).fit(frame(), labels()) for one in (xgboost.XGBRFClassifier, xgboost.XGBRFRegressor)),
        ]
    ):
        source = saved(tmp_path / f"{place}", model)
        back = modelpack.load_predictor(source.path)
        assert type(back.model) is type(model)
        np.testing.assert_array_equal(back.predict(frame()), model.predict(frame()))


@pytest.mark.parametrize(
    ("file", "form"), [("model.xgb", "ubj"), ("model.ubj", "json"), ("model.json", "ubj")]
)
def test_a_file_is_read_by_its_content_whatever_it_is_called(file: str, form: str, tmp_path: Path) -> None:
    content = bytes(classifier().get_booster().save_raw(form))
    source = by_mlflow(tmp_path / "model", "xgboost", file, content, xgb_version="1.7.6")
    booster = FLAVOR.load(source, Trust())
    assert type(booster) is xgboost.Booster
    data = xgboost.DMatrix(frame())
    np.testing.assert_array_equal(booster.predict(data), classifier().get_booster().predict(data))


def test_a_booster_is_asked_by_position_where_there_are_no_names(tmp_path: Path) -> None:
    booster = classifier().get_booster()
    predict = FLAVOR.predictor(booster, saved(tmp_path / "model", booster))
    wanted = booster.predict(xgboost.DMatrix(frame()))
    np.testing.assert_array_equal(predict(rows(), {}), wanted)


def test_params_reach_the_call_that_knows_them(tmp_path: Path) -> None:
    for model in (classifier(), classifier().get_booster()):
        predict = FLAVOR.predictor(model, saved(tmp_path / type(model).__name__, model))
        margins = predict(frame(), {"output_margin": True, "unheard": 1})
        assert margins.min() < 0


def test_another_method_is_asked_by_its_name(tmp_path: Path) -> None:
    source = saved(tmp_path / "model")
    shares = modelpack.load_predictor(source.path, method="predict_proba").predict(frame())
    np.testing.assert_array_equal(shares, classifier().predict_proba(frame()))
    with pytest.raises(NotFound, match="no method 'fit'"):
        modelpack.load_predictor(source.path, method="fit")
    with pytest.raises(InvalidModel, match="the XGBRegressor has no predict_proba"):
        FLAVOR.predictor(on_arrays(), source, method="predict_proba")


def test_text_is_a_category_where_the_model_was_fitted_on_categories(tmp_path: Path) -> None:
    data = pd.DataFrame({"city": pd.Categorical(["Oslo", "Rome", "Bern"] * 10), "age": np.arange(30.0)})
    model = xgboost.XGBRegressor(enable_categorical=True, **FEW)
    model.fit(data, (data["city"] == "Rome") * data["age"])
    words = data.astype({"city": object})
    for one in (model, model.get_booster()):
        source = saved(tmp_path / type(one).__name__, one, input_example=words.head(3))
        # Other words first: codes are looked up, not counted.
        asked = words.iloc[[2, 1, 4, 0]]
        np.testing.assert_array_equal(
            modelpack.load_predictor(source.path).predict(asked), model.predict(data.iloc[[2, 1, 4, 0]])
        )


def test_what_the_file_would_not_keep_is_refused(tmp_path: Path) -> None:
    model = xgboost.XGBRegressor(missing=0.0, **FEW).fit(rows(), labels())
    with pytest.raises(InvalidModel, match=r"do not keep missing=0\.0"):
        saved(tmp_path / "model", model, input_example=None)
    with pytest.raises(InvalidModel, match="XGBoost cannot write this XGBRegressor: need to call fit"):
        saved(tmp_path / "model", xgboost.XGBRegressor(), input_example=None)
    assert not (tmp_path / "model").exists()


def test_a_class_of_anyones_waits_for_the_operators_word(tmp_path: Path) -> None:
    model = Own(**FEW).fit(rows(), labels())
    source = saved(tmp_path / "model", model, input_example=rows()[:3])
    name = f"{Own.__module__}.Own"
    assert FLAVOR.needs(source) == (name,)
    with pytest.raises(Untrusted, match="would be imported"):
        modelpack.load(source.path, trust=Trust())
    assert type(modelpack.load(source.path, trust=Trust(types=(name,)))) is Own


@pytest.mark.parametrize("name", ["os.system", "xgboost.core.DMatrix", "collections.OrderedDict"])
def test_a_trusted_name_must_still_be_a_model(name: str, tmp_path: Path) -> None:
    source = by_mlflow(tmp_path / "model", "xgboost", "model.ubj", b"{}", model_class=name)
    with pytest.raises(Untrusted):
        FLAVOR.load(source, Trust())
    with pytest.raises(InvalidModel, match="is no Booster or XGBModel"):
        FLAVOR.load(source, Trust(types=(name,)))


@pytest.mark.parametrize(
    "content", [b"", b"binf\0\0", b"{", b"{}", b'{"learner": {}}', b"no model", b"[" * 9999]
)
def test_what_is_no_model_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    source = by_mlflow(tmp_path / "model", "xgboost", "model.ubj", content)
    with pytest.raises(InvalidModel):
        FLAVOR.load(source, Trust())


def test_columns_that_are_not_the_models_are_the_callers_fault(tmp_path: Path) -> None:
    other = frame().rename(columns={"age": "years"})
    source = saved(tmp_path / "model", signature=modelpack.infer_signature(other), input_example=None)
    with pytest.raises(PredictionFailed, match="feature_names mismatch") as met:
        modelpack.load_predictor(source.path).predict(other)
    assert met.value.blames_input
