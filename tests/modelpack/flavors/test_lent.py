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
        load(b"cmlflow.tracking\nMlflowClient\n.")


def test_a_signature_that_a_function_carries_is_kept_and_not_asked() -> None:
    spec = load(b"cmlflow.types.schema\nColSpec\n(cmlflow.types.schema\nDataType\n(I5\ntRtR.")
    assert spec.values[0].values == (5,)


def test_what_holds_an_input_to_its_annotation_leaves_it_to_the_caller() -> None:
    validate = load(b"cmlflow.pyfunc.utils.data_validation\n_validate_model_input\n.")
    info = load(b"cmlflow.pyfunc.utils.data_validation\nFuncInfo\n.")(list[str], "model_input")
    given: tuple[Any, Any] = (["a"],), {"params": {}}
    assert validate(*given, 0, info.input_type_hint, info.input_param_name) == given
    with pytest.raises(Exception, match="no") as raised:
        raise load(b"cmlflow.exceptions\nMlflowException\n.")("no")
    assert type(raised.value).__name__.endswith("MlflowException")


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
