"""MLflow's base classes, lent to pickles and scripts that name them where MLflow is not installed.

A model that MLflow's ``pyfunc`` saved holds a subclass of ``mlflow.pyfunc.PythonModel``, by reference. All
that loading and predicting need of that class is its name, so a stand-in of the same shape will do. A script
that names a model needs little more. Source: what MLflow 3.17 writes and runs.
"""

import importlib.util
import pickle
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, BinaryIO, NamedTuple, TypeVar

from modelpack.flavors.portable import as_annotated

_T = TypeVar("_T")


class PythonModel:
    """Stands in for ``mlflow.pyfunc.PythonModel``."""

    def load_context(self, context: "Context") -> None:
        """Read what the model needs from *context*; nothing by default."""


class FunctionModel(PythonModel):
    """Stands in for ``mlflow.pyfunc.model._FunctionPythonModel``, which holds a function as *func*."""

    func: Callable[[Any], Any]

    def predict(self, model_input: Any) -> Any:
        """What the function answers; MLflow, too, hands it no params."""
        return self.func(as_annotated(self.func, model_input))


class Context:
    """What a Python model is given: *artifacts* maps a name to a path, *model_config* holds settings."""

    def __init__(self, artifacts: Mapping[str, str], model_config: Mapping[str, Any] | None = None) -> None:
        self.artifacts = dict(artifacts)
        self.model_config = dict(model_config or {})


class _TypeHints:
    """Stands in for ``mlflow.models.signature._TypeHints``: the annotations of a ``predict``."""

    def __init__(self, input: object = None, output: object = None) -> None:  # noqa: A002 - MLflow's name
        self.input, self.output = input, output


class _Described:
    """Stands in for a signature and its parts, which a function carries along: kept, and never asked."""

    def __init__(self, *values: object) -> None:
        self.values = values


class _Annotated(NamedTuple):
    """Stands in for ``FuncInfo``: how the input of a function is annotated, and what it is called."""

    input_type_hint: object
    input_param_name: str


class _MlflowException(Exception):
    """Stands in for ``mlflow.exceptions.MlflowException``, which code in a pickle may catch."""


def _as_given(args: tuple[Any, ...], kwargs: dict[str, Any], *_: object) -> tuple[Any, Any]:
    """Stands in for what holds an input to its annotation: here the caller has done so."""
    return args, kwargs


_LENT: dict[tuple[str, str], Any] = {
    ("mlflow.pyfunc.model", "PythonModel"): PythonModel,
    ("mlflow.pyfunc", "PythonModel"): PythonModel,
    ("mlflow.pyfunc.model", "_FunctionPythonModel"): FunctionModel,
    ("mlflow.pyfunc.model", "PythonModelContext"): Context,
    ("mlflow.models.signature", "_TypeHints"): _TypeHints,
    ("mlflow.models.signature", "ModelSignature"): _Described,
    ("mlflow.exceptions", "MlflowException"): _MlflowException,
    ("mlflow.pyfunc.utils.data_validation", "FuncInfo"): _Annotated,
    ("mlflow.pyfunc.utils.data_validation", "_validate_model_input"): _as_given,
    **{
        ("mlflow.types.schema", name): _Described
        for name in (
            *("AnyType", "Array", "ColSpec", "DataType", "Map", "Object"),
            *("ParamSchema", "ParamSpec", "Property", "Schema", "TensorInfo", "TensorSpec"),
        )
    },
}


class _Unpickler(pickle.Unpickler):
    """Reads a pickle; runs what it says. Call it only for what the operator trusts."""

    def find_class(self, module: str, name: str) -> Any:
        return _LENT.get((module, name)) or super().find_class(module, name)


def load_pickle(file: BinaryIO) -> Any:
    """The object in *file*, built with MLflow's own classes where it is installed, with stand-ins elsewhere.

    Runs code: the caller has asked the operator before. Raises what the pickle raises, ImportError among it.
    """
    if importlib.util.find_spec("mlflow") is not None:
        return pickle.load(file)  # noqa: S301 - trusted by the operator
    return _Unpickler(file).load()


def modules(set_model: Callable[[Any], None], config: Mapping[str, Any]) -> dict[str, ModuleType]:
    """Modules in MLflow's place, with what a script needs to name its model by *set_model*.

    *config* is what ``ModelConfig`` answers. Whatever else a script asks them for they do not have.
    """

    class ModelConfig:
        """Stands in for ``mlflow.models.ModelConfig``: the settings that the model was saved with."""

        def __init__(self, *, development_config: object = None) -> None:
            # What the author tried it with is not what it was saved with.
            if not config:
                raise FileNotFoundError("the script asks for settings; save it with model_config={...}")

        def to_dict(self) -> dict[str, Any]:
            return dict(config)

        def get(self, key: str) -> Any:
            return config[key]

    python: dict[str, Any] = {"PythonModel": PythonModel, "PythonModelContext": Context}
    naming: dict[str, Any] = {"set_model": set_model, "ModelConfig": ModelConfig}
    made: dict[str, dict[str, Any]] = {
        "mlflow": {},
        "mlflow.models": naming,
        "mlflow.models.model": {"set_model": set_model},
        "mlflow.models.model_config": {"ModelConfig": ModelConfig},
        "mlflow.pyfunc": python,
        "mlflow.pyfunc.model": python,
        "mlflow.pyfunc.utils": {"pyfunc": _unchanged},
    }
    found = {name: _Lent(name) for name in made}
    for name, values in made.items():
        vars(found[name]).update(values)
        above, _, last = name.rpartition(".")
        if above:
            setattr(found[above], last, found[name])
    return dict(found)


def is_lent(module: object) -> bool:
    """Whether *module* is one of ``modules``."""
    return isinstance(module, _Lent)


class _Lent(ModuleType):
    """A module that says of itself what it is."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "Lent by modelpack: MLflow is not installed.")
        self.__spec__ = ModuleSpec(name, None, is_package=True)
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{self.__name__}.{name} needs MLflow, which is not installed", name="mlflow")


def _unchanged(function: _T) -> _T:
    """Stands in for MLflow's decorator ``pyfunc``: what it checks is checked here for all models."""
    return function
