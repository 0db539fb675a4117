"""Scalers: one operation after another on each column, in scikit-learn's order."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import DOUBLE, AnyStep, Arithmetic, Cast, Clip, Curve, Frame, matrix, whole
from modelpack.onnx.estimators.shaping import powers, quantiles
from modelpack.onnx.formulas import expm1, log1p
from modelpack.onnx.graph import Graph, Tensor


def standard(graph: Graph, model: Any, frame: Frame) -> Frame:
    """``X -= mean``, ``X /= scale``, both in the dtype of X."""
    dtype = frame.floats
    operands = []
    if model.with_mean:
        operands.append(("Sub", model.mean_.astype(dtype)))
    if model.with_std:
        operands.append(("Div", model.scale_.astype(dtype)))
    return _with(frame, operands)


def minmax(graph: Graph, model: Any, frame: Frame) -> Frame:
    """``X *= scale``, ``X += min``, then clipped if so."""
    scaled = _with(frame, [("Mul", model.scale_), ("Add", model.min_)])
    return _clipped(scaled, *model.feature_range) if model.clip else scaled


def maxabs(graph: Graph, model: Any, frame: Frame) -> Frame:
    """``X /= scale``, then clipped to -1 to 1 if so."""
    scaled = _with(frame, [("Div", model.scale_)])
    return _clipped(scaled, -1.0, 1.0) if getattr(model, "clip", False) else scaled


def robust(graph: Graph, model: Any, frame: Frame) -> Frame:
    """``X -= center``, ``X /= scale``."""
    operands = []
    if model.with_centering:
        operands.append(("Sub", model.center_))
    if model.with_scaling:
        operands.append(("Div", model.scale_))
    return _with(frame, operands)


def curve(graph: Graph, model: Any, frame: Frame) -> Frame:
    """A transformer that bends each column by itself, without ever turning back."""
    if frame.floats != DOUBLE:
        raise NotConvertible(f"{type(model).__name__} of float32")
    written = quantiles if hasattr(model, "quantiles_") else powers
    columns = (
        column.then(Curve(model, place, len(frame), written), dtype=DOUBLE)
        for place, column in enumerate(frame.columns)
    )
    return Frame(tuple(columns))


def function(graph: Graph, model: Any, frame: Frame) -> Frame:
    """A FunctionTransformer of nothing, or of a function of numpy that ONNX has too."""
    if model.func is None:
        return frame
    if model.kw_args or model.func not in _FUNCTIONS:
        raise NotConvertible("a FunctionTransformer of a function that ONNX does not know")
    tensor = matrix(graph, frame)
    if model.func in (np.log1p, np.expm1):
        return whole(log1p(graph, tensor) if model.func is np.log1p else expm1(graph, tensor))
    return whole(Tensor(graph.node(_FUNCTIONS[model.func], tensor), tensor.dtype, tensor.width))


_FUNCTIONS = {
    np.log: "Log",
    np.log1p: "",
    np.exp: "Exp",
    np.expm1: "",
    np.sqrt: "Sqrt",
    np.abs: "Abs",
    np.negative: "Neg",
    np.sin: "Sin",
    np.cos: "Cos",
    np.tanh: "Tanh",
}


def _with(frame: Frame, operands: Sequence[tuple[str, np.ndarray]]) -> Frame:
    dtype = frame.floats
    columns = []
    for place, column in enumerate(frame.columns):
        steps: list[AnyStep] = [] if column.dtype == dtype else [Cast(dtype)]
        steps += [Arithmetic(operator, np.asarray(values)[place], dtype) for operator, values in operands]
        columns.append(column.then(*steps, dtype=dtype))
    return Frame(tuple(columns), frame.names)


def _clipped(frame: Frame, low: float, high: float) -> Frame:
    columns = (column.then(Clip(low, high, column.dtype), dtype=column.dtype) for column in frame.columns)
    return Frame(tuple(columns), frame.names)
