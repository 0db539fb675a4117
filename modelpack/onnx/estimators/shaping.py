"""Transformers that cut, count or bend single values, and rows to one length."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import DOUBLE, Cast, Column, Frame, Indicator, cast, matrix, whole
from modelpack.onnx.formulas import (
    apply,
    both,
    column,
    counted,
    expm1,
    interpolated,
    log1p,
    refused_where,
    row_sum,
    side_by_side,
)
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.native import kept
from modelpack.onnx.writing import INDEX, Answers, flat, scaled


def binarizer(graph: Graph, model: Any, frame: Frame) -> Frame:
    """1 above the threshold, else 0."""
    rows = matrix(graph, frame)
    above = graph.node("Greater", rows, np.array(model.threshold, dtype=rows.dtype))
    return whole(cast(graph, Tensor(above, np.dtype(bool), rows.width), rows.dtype))


def normalizer(graph: Graph, model: Any, frame: Frame) -> Frame:
    """Each row over its length; one that is next to nothing stays."""
    rows = matrix(graph, frame)
    if model.norm == "l2":
        length = apply(graph, "Sqrt", row_sum(graph, both(graph, "Mul", rows, rows)))
    elif model.norm == "l1":
        length = row_sum(graph, apply(graph, "Abs", rows))
    else:
        greatest = graph.node("ReduceMax", apply(graph, "Abs", rows), np.array([1]), keepdims=1)
        length = Tensor(greatest, rows.dtype, 1)
    least = np.array(10 * np.finfo(rows.dtype).eps, dtype=rows.dtype)
    nothing = graph.node("Less", length, least)
    divisor = graph.node("Where", nothing, np.ones(1, dtype=rows.dtype), length)
    return whole(both(graph, "Div", rows, Tensor(divisor, rows.dtype, 1)))


def bins(graph: Graph, model: Any, frame: Frame) -> Frame:
    """Which stretch between edges a value is in: as a number, or as one column for each."""
    rows = matrix(graph, frame, DOUBLE)
    codes = side_by_side(
        graph,
        [
            _count(graph, column(graph, rows, place), edges[1:-1])
            for place, edges in enumerate(model.bin_edges_)
        ],
    )
    if model.encode == "ordinal":
        return whole(codes)
    columns = [
        Column(codes, place, DOUBLE, (Indicator(float(code)),))
        for place, count in enumerate(model.n_bins_)
        for code in range(int(count))
    ]
    return Frame(tuple(columns))


def _count(graph: Graph, values: Tensor, edges: np.ndarray) -> Tensor:
    # One stretch has no edges inside; none is reached then.
    return counted(graph, values, edges if len(edges) else np.array([np.inf]))


def missing_indicator(graph: Graph, model: Any, frame: Frame) -> Frame:
    """1 where a value is missing. That a column has none but in the training, the domain knows."""
    if not (isinstance(model.missing_values, float) and np.isnan(model.missing_values)):
        raise NotConvertible("a MissingIndicator of other values than NaN")
    columns = []
    for place in model.features_:
        one = frame.columns[int(place)]
        steps = (Cast(DOUBLE),) if one.steps else ()
        columns.append(one.then(*steps, Indicator(np.nan), dtype=DOUBLE))
    return Frame(tuple(columns))


def isotonic(graph: Graph, model: Any, frame: Frame) -> Answers:
    """Straight lines between the steps; outside nothing, the last step, or a refusal."""
    found = isotonic_curve(graph, model, matrix(graph, frame, DOUBLE))
    return {"predict": lambda: flat(graph, found), "transform": lambda: flat(graph, found)}


def isotonic_curve(graph: Graph, model: Any, values: Tensor) -> Tensor:
    """What an IsotonicRegression makes of *values*, rows of one."""
    places, heights = np.asarray(model.X_thresholds_), np.asarray(model.y_thresholds_)
    low, high = np.array(model.X_min_, dtype=DOUBLE), np.array(model.X_max_, dtype=DOUBLE)
    if len(heights) == 1:
        nothing = both(graph, "Sub", values, values)
        return scaled(graph, nothing, "Add", heights[0])
    if model.out_of_bounds == "clip":
        return interpolated(graph, Tensor(graph.node("Clip", values, low, high), DOUBLE, 1), places, heights)
    outside = graph.node("Or", graph.node("Less", values, low), graph.node("Greater", values, high))
    if model.out_of_bounds == "raise":
        return interpolated(graph, refused_where(graph, values, outside), places, heights)
    found = interpolated(graph, values, places, heights)
    return Tensor(graph.node("Where", outside, np.full(1, np.nan), found), DOUBLE, 1)


def powers(graph: Graph, tensor: Tensor, model: Any, places: Sequence[int]) -> Tensor:
    """Columns *places* of a PowerTransformer."""
    lambdas = np.asarray(model.lambdas_, dtype=DOUBLE)[list(places)]
    bent = (
        _box_cox(graph, tensor, lambdas)
        if model.method == "box-cox"
        else _yeo_johnson(graph, tensor, lambdas)
    )
    if not model.standardize:
        return bent
    scaler = kept(model, "_scaler")
    centered = scaled(graph, bent, "Sub", scaler.mean_[list(places)])
    return scaled(graph, centered, "Div", scaler.scale_[list(places)])


def _box_cox(graph: Graph, tensor: Tensor, lambdas: np.ndarray) -> Tensor:
    wrong = graph.node("LessOrEqual", tensor, np.zeros(1))
    log = apply(graph, "Log", refused_where(graph, tensor, wrong))
    return _bent(graph, log, lambdas)


def _yeo_johnson(graph: Graph, tensor: Tensor, lambdas: np.ndarray) -> Tensor:
    log = log1p(graph, apply(graph, "Abs", tensor))
    up, down = _bent(graph, log, lambdas), apply(graph, "Neg", _bent(graph, log, 2 - lambdas))
    positive = graph.node("GreaterOrEqual", tensor, np.zeros(1))
    return Tensor(graph.node("Where", positive, up, down), DOUBLE, tensor.width)


def _bent(graph: Graph, log: Tensor, exponents: np.ndarray) -> Tensor:
    """``expm1(exponent * log) / exponent``, and the logarithm itself where the exponent is nothing."""
    nothing = np.abs(exponents) < np.spacing(1.0)
    safe = np.where(nothing, 1.0, exponents)
    found = scaled(graph, expm1(graph, scaled(graph, log, "Mul", safe)), "Div", safe)
    if not nothing.any():
        return found
    return Tensor(graph.node("Where", nothing[None, :], log, found), DOUBLE, log.width)


def quantiles(graph: Graph, tensor: Tensor, model: Any, places: Sequence[int]) -> Tensor:
    """Columns *places* of a QuantileTransformer to even shares."""
    if model.output_distribution != "uniform":
        raise NotConvertible("a QuantileTransformer to a normal distribution, for which ONNX has no function")
    shares = np.asarray(model.references_, dtype=DOUBLE)
    return side_by_side(
        graph,
        [
            _quantile(graph, column(graph, tensor, at), np.asarray(model.quantiles_)[:, place], shares)
            for at, place in enumerate(places)
        ],
    )


def _quantile(graph: Graph, values: Tensor, known: np.ndarray, shares: np.ndarray) -> Tensor:
    """The mean of reading from below and from above, which part where a value is frequent."""
    below = interpolated(graph, values, known, shares)
    above = interpolated(graph, apply(graph, "Neg", values), -known[::-1], -shares[::-1])
    middle = scaled(graph, both(graph, "Sub", below, above), "Mul", 0.5)
    is_last = graph.node("Equal", values, np.array(known[-1]))
    is_first = graph.node("Equal", values, np.array(known[0]))
    capped = graph.node("Where", is_last, np.ones(1), middle)
    return Tensor(graph.node("Where", is_first, np.zeros(1), capped), DOUBLE, 1)


def splines(graph: Graph, model: Any, frame: Frame) -> Frame:
    """Each column as the values of its B-splines, which are polynomials between knots."""
    if model.extrapolation not in ("constant", "error"):
        raise NotConvertible(f"a SplineTransformer that goes on in the way {model.extrapolation!r}")
    rows = matrix(graph, frame, DOUBLE)
    each = [
        _spline(graph, model, spline, column(graph, rows, place))
        for place, spline in enumerate(model.bsplines_)
    ]
    return whole(side_by_side(graph, each))


def _spline(graph: Graph, model: Any, spline: Any, values: Tensor) -> Tensor:
    degree = int(model.degree)
    knots = np.asarray(spline.t, dtype=DOUBLE)[degree : len(spline.t) - degree]
    low, high = np.array(knots[0]), np.array(knots[-1])
    if model.extrapolation == "error":
        outside = graph.node("Or", graph.node("Less", values, low), graph.node("Greater", values, high))
        values = refused_where(graph, values, outside)
    within = Tensor(graph.node("Clip", values, low, high), DOUBLE, 1)
    stretch = cast(graph, _count(graph, within, knots[1:-1]), INDEX)
    beyond = both(graph, "Sub", within, Tensor(graph.node("Gather", knots[:-1], stretch), DOUBLE, 1))
    table = _polynomials(spline, degree, len(knots) - 1)
    if not model.include_bias:
        table = table[:, :, :-1]
    place = flat(graph, stretch)
    result = Tensor(graph.node("Gather", table[0], place), DOUBLE, table.shape[2])
    for coefficients in table[1:]:
        constant = Tensor(graph.node("Gather", coefficients, place), DOUBLE, table.shape[2])
        result = both(graph, "Add", both(graph, "Mul", result, beyond), constant)
    return result


def _polynomials(spline: Any, degree: int, stretches: int) -> np.ndarray:
    """Coefficients by power, the highest first, by stretch between knots, and by spline."""
    from scipy.interpolate import PPoly

    pieces = [PPoly.from_spline((spline.t, one, degree)).c for one in np.asarray(spline.c).T]
    return np.stack([np.asarray(one)[:, degree : degree + stretches] for one in pieces], axis=2)
