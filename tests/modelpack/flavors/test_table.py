"""Which flavor saves a model, and which loads a document."""

from pathlib import Path
from typing import Any

import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression

from modelpack import flavors
from modelpack.directory import Document
from modelpack.errors import InvalidModel, NotFound
from modelpack.flavors import FLAVORS, Flavor, choose, detect, entry
from tests.modelpack.small import Doubler, pipeline


class OwnEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn publishes no types
    """A person's own estimator."""

    def predict(self, rows: Any) -> Any:
        return rows


def function(rows: Any) -> Any:
    return rows


@pytest.mark.parametrize(
    ("model", "flavor"),
    [
        (LinearRegression(), "sklearn"),
        (pipeline(), "sklearn"),
        (OwnEstimator(), "sklearn"),
        (Doubler(), "python"),
        (function, "python"),
        (lambda rows: rows, "python"),
        (len, "python"),
    ],
)
def test_the_nearest_owner_saves(model: object, flavor: str) -> None:
    assert detect(model) == flavor


@pytest.mark.parametrize("model", [None, 3, "text", [1], LinearRegression, Doubler])
def test_what_cannot_predict_is_no_model(model: object) -> None:
    with pytest.raises(InvalidModel, match="no flavor can save"):
        detect(model)


def test_a_nearer_owner_goes_before_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    class Boosted(LinearRegression):  # type: ignore[misc]  # scikit-learn publishes no types
        """An estimator of a library that builds on scikit-learn."""

    Boosted.__module__ = "boostlib.sklearn"

    class Boostlib:
        packages = ("boostlib",)
        loader_module = "mlflow.boostlib"

    assert detect(Boosted()) == "sklearn"
    loaded: dict[str, Any] = {**FLAVORS._loaded, "boostlib": Boostlib()}
    monkeypatch.setattr(FLAVORS, "_loaded", loaded)
    assert detect(Boosted()) == "boostlib"
    assert detect(LinearRegression()) == "sklearn"


@pytest.mark.parametrize("name", list(FLAVORS))
def test_a_flavor_has_the_verbs(name: str) -> None:
    assert isinstance(FLAVORS[name], Flavor)


def test_the_page_about_flavors_has_them_all() -> None:
    page = (Path(flavors.__file__).parent / "README.md").read_text(encoding="utf-8")
    rows = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert rows == list(FLAVORS)


def document(**flavors: dict[str, Any]) -> Document:
    return Document(flavors=flavors)


SKLEARN = {"pickled_model": "model.skops"}


@pytest.mark.parametrize(
    ("flavors", "name"),
    [
        ({"sklearn": SKLEARN, "python_function": {"loader_module": "mlflow.sklearn"}}, "sklearn"),
        ({"python_function": {"loader_module": "mlflow.sklearn"}}, "sklearn"),
        ({"sklearn": SKLEARN}, "sklearn"),
        ({"python_function": {"loader_module": "mlflow.pyfunc.model"}}, "python"),
        ({"onnx": {"data": "model.onnx"}, "sklearn": SKLEARN}, "sklearn"),
        ({"onnx": {"data": "model.onnx"}}, "onnx"),
    ],
)
def test_a_document_says_which_flavor_loads_it(flavors: dict[str, Any], name: str) -> None:
    assert choose(document(**flavors)) == name


@pytest.mark.parametrize(
    "loader", ["os", "subprocess", "..evil", "mlflow.spark", "mlflow.sklearn;os", "", 3, ["mlflow.sklearn"]]
)
def test_a_loader_that_no_flavor_answers_for_is_refused(loader: Any) -> None:
    with pytest.raises(NotFound, match="no loader module") as met:
        choose(document(sklearn=SKLEARN, python_function={"loader_module": loader}))
    assert "this version loads the flavors sklearn, xgboost" in str(met.value)


def test_a_flavor_that_is_not_known_says_which_are() -> None:
    with pytest.raises(NotFound, match="no flavor 'spark'; there are sklearn, xgboost"):
        choose(document(spark={}))


@pytest.mark.parametrize(("value", "read"), [("a", "a"), (None, "default")])
def test_an_entry_of_its_kind_is_read(value: Any, read: str) -> None:
    assert entry({"key": value}, "key", str, "default") == read
    assert entry({}, "key", str, "default") == "default"


def test_an_entry_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidModel, match="key in MLmodel must be a str"):
        entry({"key": 3}, "key", str)
