"""The ONNX form of a model, and the proof that it answers the same. Here is the table of converters."""

from collections.abc import Callable
from typing import Any, TypeAlias

from modelpack.plugins import Table

Converter: TypeAlias = Callable[[Any, Any, Any], Any]
"""A ``modelpack.onnx.writing.Writer``: one estimator into a graph. Named loosely: no ONNX is loaded here."""

CONVERTERS: Table[Converter] = Table(
    "converter",
    group="modelpack.converters",
    builtins={"sklearn": "modelpack.onnx.estimators:write"},
)
"""By the top-level module of the estimator's class; the nearest owner among its classes wins."""
