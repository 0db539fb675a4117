"""The ONNX form of a model, and the proof that it answers the same. Here is the table of converters."""

import importlib
from collections.abc import Callable
from typing import Any, TypeAlias

from modelpack.plugins import Table

Converter: TypeAlias = Callable[[Any, Any, Any], Any]
"""A ``modelpack.onnx.writing.Writer``: one estimator into a graph. Named loosely: no ONNX is loaded here."""

CONVERTERS: Table[Converter] = Table(
    "converter",
    group="modelpack.converters",
    builtins={
        "sklearn": "modelpack.onnx.estimators:write",
        "xgboost": "modelpack.onnx.boosted.xgboost:write",
        "lightgbm": "modelpack.onnx.boosted.lightgbm:write",
        "catboost": "modelpack.onnx.boosted.catboost:write",
    },
)
"""By the top-level module of the estimator's class; the nearest owner among its classes wins."""

SPLITS: Table[Callable[[Any], Any]] = Table(
    "reader of splits",
    group="modelpack.splits",
    builtins={
        "xgboost": "modelpack.onnx.boosted.splits:xgboost",
        "lightgbm": "modelpack.onnx.boosted.splits:lightgbm",
        "catboost": "modelpack.onnx.boosted.splits:catboost",
    },
)
"""By the same: a model to its ``modelpack.onnx.tracing.Tree``s, and whether they see float32."""


FORMS: Table[Callable[..., Any]] = Table(
    "writer of whole models",
    group="modelpack.forms",
    builtins={"torch": "modelpack.onnx.network:candidates"},
)
"""By the same: a model to its ``modelpack.onnx.convert.Candidate``s, where the library itself writes ONNX.

Such a model is a network: it is asked ``predict``, whatever its method is called.
"""


_FACE = ("load_model", "log_model", "save_model")


def __getattr__(name: str) -> Any:
    """MLflow's names for models with a run: those of ``modelpack.sklearn`` and its like, for ONNX."""
    if name in _FACE:
        # By name: this room is below tracking, and stays so.
        return getattr(importlib.import_module("modelpack.tracking.logged").ONNX, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def owner(model: Any) -> str:
    """The nearest of the libraries among *model*'s classes that has a converter; nothing where none has."""
    tops = (class_.__module__.partition(".")[0] for class_ in type(model).__mro__)
    return next((top for top in tops if top in CONVERTERS or top in FORMS), "")


def is_network(model: Any) -> bool:
    """Whether *model* is of a library that writes ONNX itself."""
    return owner(model) in FORMS


def answers(model: Any, method: str) -> bool:
    """Whether *model* can be asked *method*."""
    return method == "predict" if is_network(model) else hasattr(model, method)
