"""The sklearn flavor, estimator by estimator."""

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.ensemble import (
    BaggingRegressor,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

import modelpack
from modelpack.directory import Document, ModelDirectory
from modelpack.errors import InvalidModel, NotFound, Untrusted
from modelpack.flavors import SaveOptions, skopsfile
from modelpack.flavors.sklearn import FLAVOR
from modelpack.schema import Table
from modelpack.trust import Trust
from tests.modelpack.small import frame, labels, pipeline, saved

pytestmark = pytest.mark.filterwarnings(
    "ignore"
)  # what scikit-learn says of tiny data is not the matter here

RANDOM = np.random.RandomState(1)
X = np.abs(RANDOM.normal(size=(60, 4)))
Y = (X[:, 0] > 0.6).astype(int)

TARGETS = {
    "GammaRegressor": Y + 1.0,
    "CCA": X[:, :2],
    "PLSCanonical": X[:, :2],
    "several outputs": np.c_[Y, Y],
}
NOT_FROM_SKOPS = {"Birch"}
"""What skops itself cannot write."""


def _plain_estimators() -> list[Any]:
    """Every estimator that predicts or clusters and needs no other one; those are in the list below."""
    found = []
    for name, class_ in all_estimators(type_filter=["classifier", "regressor", "cluster"]):
        options = list(inspect.signature(class_).parameters.values())
        alone = all(one.default is not one.empty or one.kind is one.VAR_KEYWORD for one in options)
        if alone and name != "SelfTrainingClassifier":
            found.append(pytest.param(class_, id=name))
    return found


def _composed() -> list[Any]:
    scaler, tree, line = StandardScaler(), DecisionTreeClassifier(random_state=0), LogisticRegression()
    listed = {
        "pipeline": make_pipeline(scaler, line),
        "stacking": StackingClassifier([("a", tree), ("b", line)], cv=2),
        "voting": VotingRegressor([("a", LinearRegression()), ("b", LinearRegression())]),
        "bagging": BaggingRegressor(make_pipeline(StandardScaler(), LinearRegression()), 3),
        "grid": GridSearchCV(line, {"C": [0.1, 1]}, cv=2, scoring=make_scorer(f1_score)),
        "calibrated": CalibratedClassifierCV(GaussianNB(), cv=2),
        "several outputs": MultiOutputClassifier(tree),
        "function of numpy": make_pipeline(FunctionTransformer(np.log1p), line),
        "selection": make_pipeline(SelectKBest(k=2), line),
        "columns": make_pipeline(ColumnTransformer([("a", scaler, [0, 1])], remainder="passthrough"), tree),
        "ball tree": KNeighborsClassifier(algorithm="ball_tree", metric="manhattan"),
        "cosine": KNeighborsClassifier(metric="cosine"),
        "support vectors": SVC(kernel="poly"),
        "outliers": IsolationForest(n_estimators=5, random_state=0),
        "imputed": make_pipeline(SimpleImputer(add_indicator=True), tree),
    }
    return [pytest.param(partial(clone, model), id=name) for name, model in listed.items()]


@pytest.mark.parametrize("make", [*_plain_estimators(), *_composed()])
def test_an_estimator_of_scikit_learn_needs_no_word_of_trust(
    make: Callable[[], Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    target = TARGETS.get(name, np.c_[Y, Y] if name.startswith("MultiTask") else Y)
    data = X[:, 0] if name == "IsotonicRegression" else X
    model = make().fit(data, target)
    path = tmp_path / "model.skops"
    if name in NOT_FROM_SKOPS:
        with pytest.raises(InvalidModel, match=rf"cannot write .*{name}.*format=\"cloudpickle\""):
            skopsfile.dump(model, path)
        return
    skopsfile.dump(model, path)
    assert skopsfile.needs(path) == ()
    back = skopsfile.load(path, Trust())
    if hasattr(model, "predict") and name != "DummyClassifier":
        np.testing.assert_array_equal(back.predict(data), model.predict(data))


@pytest.mark.parametrize("form", ["skops", "cloudpickle", "pickle"])
def test_every_format_gives_the_same_model(form: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "model", format=form)
    trust = Trust(pickle=form != "skops")
    assert (modelpack.load(path, trust=trust).predict(frame()) == labels()).mean() > 0.9
    predictor = modelpack.load_predictor(path, trust=trust)
    np.testing.assert_array_equal(predictor.predict(frame()), pipeline().predict(frame()))


@pytest.mark.parametrize("form", ["cloudpickle", "pickle"])
def test_a_pickle_waits_for_the_operator(form: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "model", format=form)
    with pytest.raises(Untrusted, match=r"'model\.pkl' is a pickle.*--trust pickle"):
        modelpack.load(path, trust=Trust(code=True, types=("sklearn.*",)))


def test_an_unknown_format_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="did you mean 'skops'"):
        saved(tmp_path / "model", format="skop")
    assert list(tmp_path.iterdir()) == []


def test_the_entries_are_mlflows(tmp_path: Path) -> None:
    model = RandomForestClassifier(2).fit(X, Y)
    config = FLAVOR.save(model, tmp_path, SaveOptions())
    assert list(config["sklearn"]) == [
        "pickled_model",
        "sklearn_version",
        "serialization_format",
        "code",
        "skops_trusted_types",
    ]
    assert config["sklearn"]["skops_trusted_types"] == ["sklearn.tree._tree.Tree"]
    assert config["python_function"]["loader_module"] == "mlflow.sklearn"
    assert config["python_function"]["env"] == {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}


def test_a_transformer_is_saved_to_be_loaded_and_not_served(tmp_path: Path) -> None:
    path = saved(tmp_path / "model", model=StandardScaler().fit(X), input_example=X[:2])
    assert modelpack.load(path, trust=Trust()).mean_.shape == (4,)
    with pytest.raises(InvalidModel, match="saved without predict"):
        modelpack.load_predictor(path, trust=Trust())


def test_the_wish_of_a_model_is_not_heeded(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(np.nan_to_num), LinearRegression()).fit(X, Y)
    config = FLAVOR.save(model, tmp_path, SaveOptions())
    assert config["sklearn"]["skops_trusted_types"] == ["numpy.nan_to_num"]
    view = ModelDirectory(tmp_path, Document(flavors=config))
    assert FLAVOR.needs(view) == ("numpy.nan_to_num",)
    with pytest.raises(Untrusted, match=r"numpy\.nan_to_num.*--trust numpy\.nan_to_num"):
        FLAVOR.load(view, Trust())
    assert FLAVOR.load(view, Trust(types=("numpy.nan_to_num",))).predict(X).shape == (60,)


def test_a_function_that_no_other_process_finds_cannot_be_written(tmp_path: Path) -> None:
    model = FunctionTransformer(lambda rows: rows)
    with pytest.raises(InvalidModel, match=r'cannot write.*format="cloudpickle"'):
        FLAVOR.save(model, tmp_path, SaveOptions())


class View:
    """A saved flavor with these entries, nothing else."""

    def __init__(self, folder: Path, **flavors: dict[str, Any]) -> None:
        self.directory = ModelDirectory(folder, Document(flavors=flavors))


@pytest.mark.parametrize(
    ("flavors", "said"),
    [
        ({"sklearn": {}}, "names no file"),
        ({"sklearn": {"pickled_model": 3}}, "must be a str"),
        ({"sklearn": {"pickled_model": "../x"}}, "not the name of a file inside"),
        ({"sklearn": {"pickled_model": "absent.skops"}}, "is missing"),
        ({"sklearn": {"pickled_model": "m", "serialization_format": "skop"}}, "did you mean 'skops'"),
        ({"python_function": {"model_path": "/etc/passwd"}}, "not the name of a file inside"),
    ],
)
def test_an_odd_entry_is_refused(flavors: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises((InvalidModel, NotFound), match=said):
        FLAVOR.load(View(tmp_path, **flavors).directory, Trust(pickle=True))


def test_without_a_format_it_is_a_pickle(tmp_path: Path) -> None:
    FLAVOR.save(LinearRegression().fit(X, Y), tmp_path, SaveOptions(format="pickle"))
    view = View(
        tmp_path, python_function={"loader_module": "mlflow.sklearn", "model_path": "model.pkl"}
    ).directory
    assert FLAVOR.needs(view) == ("pickle",)
    assert FLAVOR.load(view, Trust(pickle=True)).coef_.shape == (4,)


@pytest.mark.parametrize("name", ["predict", "predict_proba", "predict_log_proba"])
def test_the_method_that_the_document_names_is_called(name: str, tmp_path: Path) -> None:
    view = View(tmp_path, python_function={"predict_fn": name}).directory
    predict = FLAVOR.predictor(pipeline(), view)
    np.testing.assert_array_equal(predict(frame(), {}), getattr(pipeline(), name)(frame()))


@pytest.mark.parametrize("name", ["fit", "__class__", "score", "set_params", "predict_joint_log_proba"])
def test_no_other_method_is_called(name: str, tmp_path: Path) -> None:
    with pytest.raises((NotFound, InvalidModel)):
        FLAVOR.predictor(pipeline(), View(tmp_path, python_function={"predict_fn": name}).directory)


def table(**columns: Any) -> Table:
    arrays: dict[str | int, np.ndarray] = {name: np.asarray(one) for name, one in columns.items()}
    return Table(arrays, len(next(iter(arrays.values()))))


def test_a_model_gets_what_it_was_fitted_with(tmp_path: Path) -> None:
    """A DataFrame where names were known, an array of numbers or of objects where not, texts for texts."""
    view = View(tmp_path, python_function={}).directory
    seen: list[Any] = []

    class Spy(LinearRegression):  # type: ignore[misc]  # scikit-learn publishes no types
        def predict(self, rows: Any) -> Any:
            seen.append(rows)
            return rows

    named = pd.DataFrame(X[:, :2], columns=["a", "b"])
    numbers = table(a=[1.0, 2.0], b=np.array([1, 2], dtype=np.float32))
    FLAVOR.predictor(Spy().fit(named, Y), view)(numbers, {})
    FLAVOR.predictor(Spy().fit(X[:, :2], Y), view)(numbers, {})
    FLAVOR.predictor(Spy().fit(X[:, :2], Y), view)(
        table(a=np.array(["x", None], dtype=object), b=[1.0, 2.0]), {}
    )
    FLAVOR.predictor(Spy().fit(X[:, :2], Y), view)(np.eye(2), {})
    assert [type(one).__name__ for one in seen] == ["DataFrame", "ndarray", "ndarray", "ndarray"]
    assert [str(one.dtype) for one in seen[1:]] == ["float64", "object", "float64"]


def test_a_text_pipeline_gets_texts(tmp_path: Path) -> None:
    texts = ["good day", "bad day", "good night", "bad night"]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0])
    predict = FLAVOR.predictor(model, View(tmp_path, python_function={}).directory)
    assert predict(table(text=np.array(texts, dtype=object)), {}).tolist() == [1, 0, 1, 0]


def test_columns_of_all_kinds_go_through_a_column_transformer(tmp_path: Path) -> None:
    data = pd.DataFrame(
        {"age": [1.0, 2.0, None, 4.0], "plan": ["a", "b", "a", "b"], "flag": [True, False, True, False]}
    )
    model = make_pipeline(
        make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), make_column_selector(dtype_include=np.number)),
            (OneHotEncoder(handle_unknown="ignore"), ["plan", "flag"]),
        ),
        LogisticRegression(),
    ).fit(data, [0, 1, 0, 1])
    path = saved(tmp_path / "model", model=model, input_example=data)
    predictor = modelpack.load_predictor(path, trust=Trust())
    assert predictor.predict(data).tolist() == model.predict(data).tolist()


def test_what_the_model_mentions_is_told_without_loading_it(tmp_path: Path) -> None:
    path = saved(tmp_path / "model")
    mentioned = {one.partition(".")[0] for one in FLAVOR.mentions(modelpack.open_model(path))}
    assert {"sklearn", "numpy", "skops", "pandas"} <= mentioned
    assert "pytest" not in mentioned
