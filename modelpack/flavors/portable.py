"""The shape that MLflow's ``pyfunc`` loaders expect, around any function or object with ``predict``.

This module is pickled by value: its class travels inside the model file, so that MLflow, or plain
cloudpickle, can load the file where modelpack is not installed. A copy of this file lies beside a script
that names its model by ``modelpack.set_model``: MLflow runs the copy, which runs the script. It may
therefore use the standard library alone.
"""

import importlib
import importlib.util
import inspect
import sys
import types
import typing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

SUFFIX = "_for_mlflow"
"""``model.py`` is the script that the copy ``model_for_mlflow.py`` runs."""


class PortableModel:
    """Calls *model*, or its ``predict``, as ``mlflow.pyfunc.PythonModel`` is called. Source: MLflow 3.17."""

    def __init__(self, model: Any, *, is_function: bool, takes_context: bool, takes_params: bool) -> None:
        self.model = model
        self.is_function = is_function
        self.takes_context = takes_context
        self.takes_params = takes_params

    @property
    def predict_type_hints(self) -> SimpleNamespace:
        """What MLflow asks for to convert the input: no annotations, no conversion but the one below."""
        return SimpleNamespace(input=None, output=None)

    def load_context(self, context: Any) -> None:
        """Hand *context* on to a model that wants one."""
        load = getattr(self.model, "load_context", None)
        if load is not None:
            load(context)

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """What the model answers for *model_input*; *params* reach it if it has a parameter of that name."""
        call = self.model if self.is_function else self.model.predict
        given = {"params": params or {}} if self.takes_params else {}
        value = as_annotated(call, model_input)
        return call(context, value, **given) if self.takes_context else call(value, **given)


def shaped(model: Any) -> PortableModel:
    """*model*, a function or an object with ``predict``, in that shape."""
    return PortableModel(model, **_call_of(model))


def parameters(call: Any) -> tuple[bool, bool]:
    """Whether *call* has parameters named ``params`` and ``context``."""
    try:
        names = inspect.signature(call).parameters
    except (ValueError, TypeError):
        # Compiled code that does not say: the input alone.
        return False, False
    return "params" in names, "context" in names


def as_annotated(call: Any, value: Any) -> Any:
    """*value* as a list, where the input of *call* is annotated as one: ``list[str]``, ``list[Row]``.

    A DataFrame with one column gives its cells, one with several its rows as mappings for ``list[dict]``;
    a mapping becomes the class that is annotated, where that has pydantic's ``model_validate``. As MLflow.
    """
    element = _element(call)
    if element is None:
        return value
    build = getattr(element, "model_validate", None)
    rows = _listed(value, is_mapping=build is not None or dict in (element, typing.get_origin(element)))
    if build is None or not isinstance(rows, list):
        return rows
    return [build(row) if isinstance(row, dict) else row for row in rows]


def _call_of(model: Any) -> dict[str, bool]:
    predict = getattr(model, "predict", None)
    is_function = not callable(predict)
    takes_params, takes_context = parameters(model if is_function else predict)
    return {"is_function": is_function, "takes_context": takes_context, "takes_params": takes_params}


def _element(call: Any) -> Any:
    """``X``, where the input of *call* is annotated ``list[X]``; else None."""
    try:
        function = call if inspect.isroutine(call) else call.__call__
        hints = typing.get_type_hints(function)
        names = [name for name in inspect.signature(call).parameters if name not in ("self", "context")]
        hint = hints.get(names[0])
    except Exception:  # noqa: BLE001 - annotations may be anything, and evaluating them may raise anything
        return None
    found = typing.get_args(hint) if typing.get_origin(hint) is list else ()
    return found[0] if found else None


def _listed(value: Any, *, is_mapping: bool) -> Any:
    columns = getattr(value, "columns", None)
    if columns is None:
        return value.tolist() if hasattr(value, "tolist") else value
    if is_mapping and list(columns) != [0]:
        return value.to_dict(orient="records")
    return value.iloc[:, 0].tolist()


def hand_over(script: Path) -> None:
    """Run *script*, and tell MLflow, which is running this, the model that it names."""
    models: Any = importlib.import_module("mlflow.models")
    base: Any = importlib.import_module("mlflow.pyfunc").PythonModel
    named: list[Any] = []
    _run(script, named.append)
    if not named:
        # It has told MLflow itself, or nobody.
        return
    model = named[-1]
    if not isinstance(model, base):
        model = type("Named", (PortableModel, base), {})(model, **_call_of(model))
    models.set_model(model)


def _run(script: Path, set_model: Any) -> None:
    """Run *script*, for which ``modelpack.set_model`` is *set_model*, whether modelpack is there or not."""
    try:
        modelpack: Any = importlib.import_module("modelpack")
    except ModuleNotFoundError:
        modelpack = types.ModuleType("modelpack")
    is_lent = sys.modules.setdefault("modelpack", modelpack) is modelpack and not hasattr(
        modelpack, "__path__"
    )
    before = vars(modelpack).get("set_model")
    modelpack.set_model = set_model
    try:
        name = f"{__name__}_{script.stem}"
        spec: Any = importlib.util.spec_from_file_location(name, script)
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        # Not by its loader, which would leave a compiled file in the model.
        exec(compile(script.read_bytes(), str(script), "exec"), vars(module))  # noqa: S102 - it is the model
    finally:
        if before is None:
            del modelpack.set_model
        else:
            modelpack.set_model = before
        if is_lent:
            del sys.modules["modelpack"]


if Path(__file__).stem.endswith(SUFFIX):
    hand_over(Path(__file__).with_name(Path(__file__).stem.removesuffix(SUFFIX) + ".py"))
