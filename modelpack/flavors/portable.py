"""The shape that MLflow's ``pyfunc`` loader expects, around any function or object with ``predict``.

This module is pickled by value: its class travels inside the model file, so that MLflow, or plain
cloudpickle, can load the file where modelpack is not installed. It may therefore use the standard library
alone.
"""

from types import SimpleNamespace
from typing import Any


class PortableModel:
    """Calls *model*, or its ``predict``, as ``mlflow.pyfunc.PythonModel`` is called. Source: MLflow 3.17."""

    def __init__(self, model: Any, *, is_function: bool, takes_context: bool, takes_params: bool) -> None:
        self.model = model
        self.is_function = is_function
        self.takes_context = takes_context
        self.takes_params = takes_params
        # What MLflow asks for to convert the input: no annotations, no conversion.
        self.predict_type_hints = SimpleNamespace(input=None, output=None)

    def load_context(self, context: Any) -> None:
        """Hand *context* on to a model that wants one."""
        load = getattr(self.model, "load_context", None)
        if load is not None:
            load(context)

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """What the model answers for *model_input*; *params* reach it if it has a parameter of that name."""
        call = self.model if self.is_function else self.model.predict
        given = {"params": params or {}} if self.takes_params else {}
        return call(context, model_input, **given) if self.takes_context else call(model_input, **given)
