"""Other columns: selected ones, projections, products."""

from typing import Any

import numpy as np

from modelpack.onnx.columns import Frame, cast, gather, matrix, whole
from modelpack.onnx.graph import Graph, Tensor


def selected(graph: Graph, model: Any, frame: Frame) -> Frame:
    """The columns that any selector of scikit-learn keeps."""
    return frame.take([int(place) for place in model.get_support(indices=True)])


def pca(graph: Graph, model: Any, frame: Frame) -> Frame:
    """``X @ components.T - mean @ components.T``, then whitened if so."""
    tensor = matrix(graph, frame)
    dtype = np.result_type(tensor.dtype, model.components_.dtype)
    projected = Tensor(
        graph.node("MatMul", cast(graph, tensor, dtype), model.components_.T.astype(dtype)),
        dtype,
        model.components_.shape[0],
    )
    if model.mean_ is not None:
        shift = model.mean_.reshape(1, -1) @ model.components_.T
        projected = Tensor(graph.node("Sub", projected, shift.astype(dtype)), dtype, projected.width)
    if model.whiten:
        scale = np.sqrt(model.explained_variance_)
        least = np.finfo(scale.dtype).eps
        scale[scale < least] = least
        projected = Tensor(graph.node("Div", projected, scale[None, :].astype(dtype)), dtype, projected.width)
    return whole(projected)


def truncated_svd(graph: Graph, model: Any, frame: Frame) -> Frame:
    """``X @ components.T``."""
    tensor = matrix(graph, frame)
    dtype = np.result_type(tensor.dtype, model.components_.dtype)
    node = graph.node("MatMul", cast(graph, tensor, dtype), model.components_.T.astype(dtype))
    return whole(Tensor(node, dtype, model.components_.shape[0]))


def polynomial(graph: Graph, model: Any, frame: Frame) -> Frame:
    """Products of columns, up to the model's degree."""
    tensor = matrix(graph, frame)
    width = tensor.width or 1
    # A last column of ones stands in where a product has fewer factors than the longest.
    pads = np.array([0, 0, 0, 1])
    extended = Tensor(
        graph.node("Pad", tensor, pads, np.array(1, dtype=tensor.dtype)), tensor.dtype, width + 1
    )
    factors = [_factors(powers, width) for powers in model.powers_]
    degree = max(1, *(len(one) for one in factors))
    places = np.array([one + [width] * (degree - len(one)) for one in factors])
    product = gather(graph, extended, places[:, 0].tolist())
    for turn in range(1, degree):
        other = gather(graph, extended, places[:, turn].tolist())
        product = Tensor(graph.node("Mul", product, other), tensor.dtype, len(places))
    return whole(product)


def _factors(powers: np.ndarray, width: int) -> list[int]:
    return [place for place in range(width) for _ in range(int(powers[place]))]
