"""Formulas that several estimators are made of, computed as numpy and scikit-learn compute them."""

from collections.abc import Sequence

import numpy as np
from onnx import TensorProto

from modelpack.onnx.codes import REFUSED
from modelpack.onnx.columns import DOUBLE, Frame, cast
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.writing import INDEX, scaled, upright

_MOST_DIFFERENCES = 64
"""Columns up to which distances are sums of squared differences; beyond, that takes too many nodes."""


def product(graph: Graph, rows: Tensor, matrix: np.ndarray) -> Tensor:
    """``rows @ matrix``, in the wider of the two dtypes."""
    dtype = np.result_type(rows.dtype, matrix.dtype)
    node = graph.node("MatMul", cast(graph, rows, dtype), np.ascontiguousarray(matrix, dtype=dtype))
    return Tensor(node, dtype, matrix.shape[1])


def apply(graph: Graph, operator: str, tensor: Tensor) -> Tensor:
    """An operator of one input that keeps shape and dtype."""
    return Tensor(graph.node(operator, tensor), tensor.dtype, tensor.width)


def both(graph: Graph, operator: str, left: Tensor, right: Tensor) -> Tensor:
    """An operator of two tensors of one dtype; a narrow one is repeated for the columns of the other."""
    width = left.width if (left.width or 1) >= (right.width or 1) else right.width
    return Tensor(graph.node(operator, left, right), left.dtype, width)


def row_sum(graph: Graph, tensor: Tensor) -> Tensor:
    """The sum of each row, as rows of one."""
    return Tensor(graph.node("ReduceSum", tensor, np.array([1]), keepdims=1), tensor.dtype, 1)


def side_by_side(graph: Graph, tensors: Sequence[Tensor]) -> Tensor:
    """*tensors* of one dtype as columns of one."""
    parts = [upright(graph, one) for one in tensors]
    if len(parts) == 1:
        return parts[0]
    width = sum(part.width or 1 for part in parts)
    return Tensor(graph.node("Concat", *parts, axis=1), parts[0].dtype, width)


def column(graph: Graph, tensor: Tensor, place: int) -> Tensor:
    """Column *place* of *tensor*, as rows of one."""
    return Tensor(graph.node("Gather", tensor, np.array([place]), axis=1), tensor.dtype, 1)


def repeated(graph: Graph, frame: Frame, value: np.ndarray) -> Tensor:
    """*value*, one number or a row of them, for each row of *frame*."""
    source = frame.columns[0].source
    rows = graph.node("Shape", source, start=0, end=1)
    if value.ndim == 0:
        return Tensor(graph.node("Expand", value.reshape(1), rows), value.dtype)
    shape = graph.node("Concat", rows, np.array([len(value)]), axis=0)
    return Tensor(graph.node("Expand", value[None, :], shape), value.dtype, len(value))


def nearest(graph: Graph, rows: Tensor, centers: np.ndarray) -> Tensor:
    """Which of *centers* is nearest to each row, the first of equals: the least ``|c|² - 2 x·c``."""
    middle = scaled(graph, product(graph, rows, centers.T), "Mul", -2.0)
    distances = scaled(graph, middle, "Add", np.einsum("ij,ij->i", centers, centers))
    return Tensor(graph.node("ArgMin", distances, axis=1, keepdims=0), INDEX)


def euclidean_distances(graph: Graph, rows: Tensor, points: np.ndarray, *, squared: bool = False) -> Tensor:
    """``euclidean_distances`` of scikit-learn: ``-2 x·y + |x|² + |y|²``, never below zero."""
    middle = scaled(graph, product(graph, rows, points.T), "Mul", -2.0)
    norms = row_sum(graph, both(graph, "Mul", rows, rows))
    distances = scaled(graph, both(graph, "Add", middle, norms), "Add", np.einsum("ij,ij->i", points, points))
    positive = scaled(graph, distances, "Max", 0.0)
    return positive if squared else apply(graph, "Sqrt", positive)


def squared_differences(graph: Graph, rows: Tensor, points: np.ndarray) -> Tensor:
    """Squared distances as sums of squared differences, column by column."""
    if points.shape[1] > _MOST_DIFFERENCES:
        return euclidean_distances(graph, rows, points, squared=True)
    result: Tensor | None = None
    for place in range(points.shape[1]):
        apart = Tensor(
            graph.node("Sub", column(graph, rows, place), points[:, place][None, :]), rows.dtype, len(points)
        )
        square = both(graph, "Mul", apart, apart)
        result = square if result is None else both(graph, "Add", result, square)
    assert result is not None  # noqa: S101 - for the type checker; points have columns
    return result


def log1p(graph: Graph, tensor: Tensor) -> Tensor:
    """``log(1 + x)`` that keeps the small digits of x (Kahan's way): no operator does so."""
    one = scaled(graph, tensor, "Add", 1.0)
    ratio = both(graph, "Div", tensor, scaled(graph, one, "Sub", 1.0))
    log = apply(graph, "Log", one)
    found = both(graph, "Mul", log, ratio)
    tiny = graph.node("Equal", one, np.ones(1, dtype=tensor.dtype))
    endless = graph.node("IsInf", one)
    kept = graph.node("Where", endless, log, found)
    return Tensor(graph.node("Where", tiny, tensor, kept), tensor.dtype, tensor.width)


def expm1(graph: Graph, tensor: Tensor) -> Tensor:
    """``exp(x) - 1`` that keeps the small digits of x (Kahan's way): no operator does so."""
    power = apply(graph, "Exp", tensor)
    less = scaled(graph, power, "Sub", 1.0)
    found = both(
        graph,
        "Div",
        both(graph, "Mul", less, tensor),
        Tensor(graph.node("Log", power), tensor.dtype, tensor.width),
    )
    tiny = graph.node("Equal", power, np.ones(1, dtype=tensor.dtype))
    nothing = graph.node("Equal", less, np.full(1, -1.0, dtype=tensor.dtype))
    endless = graph.node("IsInf", power)
    kept = graph.node("Where", graph.node("Or", nothing, endless), less, found)
    return Tensor(graph.node("Where", tiny, tensor, kept), tensor.dtype, tensor.width)


def log_sum_exp(graph: Graph, tensor: Tensor) -> Tensor:
    """The logarithm of the sum of the exponentials of each row, as rows of one."""
    greatest = Tensor(graph.node("ReduceMax", tensor, np.array([1]), keepdims=1), tensor.dtype, 1)
    sums = row_sum(graph, apply(graph, "Exp", both(graph, "Sub", tensor, greatest)))
    return both(graph, "Add", apply(graph, "Log", sums), greatest)


def interpolated(graph: Graph, values: Tensor, places: np.ndarray, heights: np.ndarray) -> Tensor:
    """``numpy.interp`` of rows of one: straight lines between points, level beyond the ends, NaN for NaN."""
    places, heights = np.asarray(places, dtype=DOUBLE), np.asarray(heights, dtype=DOUBLE)
    below = cast(graph, counted(graph, values, places), INDEX)
    with np.errstate(all="ignore"):
        slopes = np.diff(heights) / np.diff(places)
    # One stretch before the first point and one after the last.
    slopes = np.r_[0.0, np.where(np.isfinite(slopes), slopes, 0.0), 0.0]
    starts, bases = np.r_[places[0], places], np.r_[heights[0], heights]
    low, high = np.array(places[0]), np.array(places[-1])
    within = Tensor(graph.node("Clip", values, low, high), DOUBLE, 1)
    beyond = both(graph, "Sub", within, _looked_up(graph, starts, below))
    rise = both(graph, "Mul", _looked_up(graph, slopes, below), beyond)
    found = both(graph, "Add", rise, _looked_up(graph, bases, below))
    missing = graph.node("IsNaN", values)
    return Tensor(graph.node("Where", missing, values, found), DOUBLE, 1)


def counted(graph: Graph, values: Tensor, places: np.ndarray) -> Tensor:
    """How many of *places* each value is equal to or beyond, as rows of one."""
    reached = graph.node("GreaterOrEqual", values, np.asarray(places, dtype=DOUBLE)[None, :])
    return row_sum(graph, cast(graph, Tensor(reached, np.dtype(bool), len(places)), DOUBLE))


def _looked_up(graph: Graph, table: np.ndarray, index: Tensor) -> Tensor:
    return Tensor(graph.node("Gather", table, index), DOUBLE, 1)


def refused_where(graph: Graph, rows: Tensor, wrong: str) -> Tensor:
    """*rows*; the runtime refuses a call where one of *wrong*, claims of the same shape, is true."""
    outside = graph.node("Where", wrong, np.array([REFUSED]), np.array([0]))
    nothing = graph.node(
        "Gather", np.zeros(1, dtype=rows.dtype), graph.node("Cast", outside, to=TensorProto.INT64)
    )
    # Minus nothing leaves a zero its sign.
    return Tensor(graph.node("Sub", rows, nothing), rows.dtype, rows.width)
