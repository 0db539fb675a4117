"""MLflow's classes, lent where it is not installed."""

import importlib.util
import io
import pickle
from typing import Any

import pytest

from modelpack.flavors import lent


@pytest.fixture(autouse=True)
def _without_mlflow() -> None:
    if importlib.util.find_spec("mlflow") is not None:
        pytest.skip("MLflow is installed here: its own classes are used")


def load(text: bytes) -> Any:
    return lent.load_pickle(io.BytesIO(text))


@pytest.mark.parametrize(
    ("name", "stand_in"),
    [
        (b"mlflow.pyfunc.model\nPythonModel", lent.PythonModel),
        (b"mlflow.pyfunc\nPythonModel", lent.PythonModel),
        (b"mlflow.pyfunc.model\n_FunctionPythonModel", lent.FunctionModel),
        (b"mlflow.pyfunc.model\nPythonModelContext", lent.Context),
    ],
)
def test_a_class_of_mlflow_has_a_stand_in(name: bytes, stand_in: type) -> None:
    assert load(b"c" + name + b"\n.") is stand_in


def test_other_names_of_mlflow_are_missing() -> None:
    with pytest.raises(ModuleNotFoundError, match="mlflow"):
        load(b"cmlflow.exceptions\nMlflowException\n.")


def test_everything_else_is_what_it_is() -> None:
    assert load(pickle.dumps([1, {"a": print}])) == [1, {"a": print}]


def test_the_stand_ins_have_the_shape_of_the_real_ones() -> None:
    context = lent.Context({"weights": "/m/w"}, {"k": 1})
    assert context.artifacts == {"weights": "/m/w"}
    assert context.model_config == {"k": 1}
    assert lent.Context({}).model_config == {}
    assert lent.PythonModel().load_context(context) is None  # type: ignore[func-returns-value]  # the point
    model = lent.FunctionModel()
    model.func = len
    assert model.predict([1, 2]) == 2
