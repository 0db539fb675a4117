"""MLflow's base classes, lent to pickles that name them where MLflow is not installed.

A model that MLflow's ``pyfunc`` saved holds a subclass of ``mlflow.pyfunc.PythonModel``, by reference. All
that loading and predicting need of that class is its name, so a stand-in of the same shape will do.
Source: the pickles that MLflow 3.17 writes.
"""

import importlib.util
import pickle
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO


class PythonModel:
    """Stands in for ``mlflow.pyfunc.PythonModel``."""

    def load_context(self, context: "Context") -> None:
        """Read what the model needs from *context*; nothing by default."""


class FunctionModel(PythonModel):
    """Stands in for ``mlflow.pyfunc.model._FunctionPythonModel``, which holds a function as *func*."""

    func: Callable[[Any], Any]

    def predict(self, model_input: Any) -> Any:
        """What the function answers; MLflow, too, hands it no params."""
        return self.func(model_input)


class Context:
    """What a Python model is given: *artifacts* maps a name to a path, *model_config* holds settings."""

    def __init__(self, artifacts: Mapping[str, str], model_config: Mapping[str, Any] | None = None) -> None:
        self.artifacts = dict(artifacts)
        self.model_config = dict(model_config or {})


class _TypeHints:
    """Stands in for ``mlflow.models.signature._TypeHints``: the annotations of a ``predict``."""

    def __init__(self, input: object = None, output: object = None) -> None:  # noqa: A002 - MLflow's name
        self.input, self.output = input, output


_LENT = {
    ("mlflow.pyfunc.model", "PythonModel"): PythonModel,
    ("mlflow.pyfunc", "PythonModel"): PythonModel,
    ("mlflow.pyfunc.model", "_FunctionPythonModel"): FunctionModel,
    ("mlflow.pyfunc.model", "PythonModelContext"): Context,
    ("mlflow.models.signature", "_TypeHints"): _TypeHints,
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
