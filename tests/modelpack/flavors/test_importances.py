"""What features weigh: what each framework says itself, under the names that people know."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier, XGBRegressor

from modelpack.directory import Document, ModelDirectory
from modelpack.flavors import FLAVORS, detect
from modelpack.flavors.importances import Explains, Importances
from modelpack.schema import infer_signature
from tests.modelpack.small import frame, labels

NAMES = list(frame().columns)
NOWHERE = ModelDirectory(Path("/nowhere"), Document(flavors={"x": {}}))
SIGNED = ModelDirectory(Path("/nowhere"), Document(flavors={"x": {}}, signature=infer_signature(frame())))


def told(model: Any, source: ModelDirectory = NOWHERE) -> tuple[Importances, ...]:
    flavor = FLAVORS[detect(model)]
    assert isinstance(flavor, Explains)
    return flavor.importances(model, source)


def test_a_forest_tells_its_own() -> None:
    model = RandomForestClassifier(5, random_state=0).fit(frame(), labels())
    (one,) = told(model)
    assert one.kind == "feature_importances_"
    assert dict(one.values) == pytest.approx(dict(zip(NAMES, model.feature_importances_, strict=True)))


def test_a_linear_model_tells_its_coefficients_for_each_class() -> None:
    target = np.where(frame()["age"] < 40, "low", np.where(frame()["age"] < 60, "middle", "top"))
    model = LogisticRegression(max_iter=2_000).fit(frame(), target)
    found = told(model)
    assert [one.group for one in found] == ["low", "middle", "top"]
    assert [value for _, value in found[2].values] == pytest.approx(model.coef_[2])
    two = told(LogisticRegression(max_iter=2_000).fit(frame(), np.where(labels(), "yes", "no")))
    assert [(one.kind, one.group) for one in two] == [("coefficient", "yes")]


def test_a_pipeline_names_what_its_last_step_is_given() -> None:
    data = pd.DataFrame({"city": ["a", "b", "a", "c"], "age": [1.0, 2, 3, 4]})
    before = make_column_transformer((OneHotEncoder(), ["city"]), (StandardScaler(), ["age"]))
    model = make_pipeline(before, LinearRegression()).fit(data, [1, 2, 3, 4])
    assert [name for name, _ in told(model)[0].values] == [
        *("onehotencoder__city_a", "onehotencoder__city_b", "onehotencoder__city_c", "standardscaler__age"),
    ]


def test_a_step_that_cannot_name_its_columns_leaves_them_without() -> None:
    steps = make_pipeline(
        FunctionTransformer(np.cbrt), FunctionTransformer(lambda data: np.asarray(data)[:, :2])
    )
    model = make_pipeline(*steps, LinearRegression()).fit(frame(), labels())
    assert [name for name, _ in told(model, SIGNED)[0].values] == ["column 0", "column 1"]


def test_what_was_fitted_without_names_takes_those_of_the_signature() -> None:
    model = LinearRegression().fit(frame().to_numpy(float), labels())
    assert [name for name, _ in told(model, SIGNED)[0].values] == NAMES
    assert [name for name, _ in told(model)[0].values] == ["column 0", "column 1", "column 2"]


def test_a_search_tells_what_its_best_model_does() -> None:
    search = GridSearchCV(RandomForestClassifier(3, random_state=0), {"max_depth": [1, 2]}, cv=2)
    assert [name for name, _ in told(search.fit(frame(), labels()))[0].values] == NAMES


def test_sparse_coefficients_are_coefficients() -> None:
    model = SGDClassifier(random_state=0).fit(frame(), labels()).sparsify()
    assert sparse.issparse(model.coef_)
    assert len(told(model)[0].values) == 3


@pytest.mark.parametrize("model", [KNeighborsClassifier(), SVC()], ids=["neighbors", "kernel"])
def test_a_model_that_does_not_say_says_nothing(model: Any) -> None:
    assert told(model.fit(frame(), labels())) == ()


FEW: dict[str, Any] = {"n_estimators": 4, "max_depth": 3, "n_jobs": 1}


def test_xgboost_tells_gains_also_of_what_no_split_uses() -> None:
    data = frame().assign(same=1.0)
    model = XGBClassifier(**FEW).fit(data, labels())
    for one in (*told(model), *told(model.get_booster())):
        gains = model.get_booster().get_score(importance_type="gain")
        assert one.kind == "gain"
        assert dict(one.values) == pytest.approx({name: gains.get(name, 0.0) for name in data.columns})
        assert dict(one.values)["same"] == 0
    bare = XGBClassifier(**FEW).fit(data.to_numpy(float), labels())
    assert [name for name, _ in told(bare)[0].values] == [f"column {place}" for place in range(4)]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_linear_booster_tells_coefficients() -> None:
    model = XGBRegressor(booster="gblinear", n_estimators=3, n_jobs=1).fit(frame(), labels())
    (one,) = told(model)
    assert one.kind == "coefficient"
    assert dict(one.values) == pytest.approx(dict(zip(NAMES, model.coef_, strict=True)), rel=1e-4)


def test_lightgbm_tells_gains() -> None:
    model = LGBMClassifier(**FEW, min_child_samples=3, verbose=-1).fit(frame(), labels())
    gains = model.booster_.feature_importance(importance_type="gain")
    for one in (*told(model), *told(model.booster_)):
        assert (one.kind, dict(one.values)) == ("total gain", dict(zip(NAMES, gains, strict=True)))
    bare = LGBMClassifier(**FEW, min_child_samples=3, verbose=-1).fit(frame().to_numpy(float), labels())
    assert [name for name, _ in told(bare, SIGNED)[0].values] == NAMES


def test_catboost_tells_what_changes_its_answers() -> None:
    options: dict[str, Any] = {"iterations": 4, "verbose": False, "allow_writing_files": False}
    model = CatBoostClassifier(**options, thread_count=1).fit(frame(), labels())
    (one,) = told(model)
    assert dict(one.values) == pytest.approx(dict(zip(NAMES, model.get_feature_importance(), strict=True)))
    bare = CatBoostClassifier(**options, thread_count=1).fit(frame().to_numpy(float), labels())
    assert [name for name, _ in told(bare, SIGNED)[0].values] == NAMES
