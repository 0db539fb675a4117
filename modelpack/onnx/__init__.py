"""The ONNX form of a model, and the proof that it answers the same. Here is the table of converters."""

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


def owner(model: Any) -> str:
    """The nearest of the libraries among *model*'s classes that has a converter; nothing where none has."""
    tops = (class_.__module__.partition(".")[0] for class_ in type(model).__mro__)
    return next((top for top in tops if top in CONVERTERS), "")
