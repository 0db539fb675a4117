"""Estimators that skl2onnx converts, taken into a graph as they come."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import onnx
from onnx import compose, helper

from modelpack.errors import NotConvertible
from modelpack.onnx import stock
from modelpack.onnx.columns import Frame, matrix, whole
from modelpack.onnx.graph import TEXT, Graph, Tensor
from modelpack.onnx.writing import Written

_DEPRECATED = {"TreeEnsembleClassifier", "TreeEnsembleRegressor"}
"""Gone in the version of ``ai.onnx.ml`` that knows ``TreeEnsemble``."""


def converted(graph: Graph, model: Any, frame: Frame) -> Written:
    """*model* by skl2onnx, on all columns as one matrix."""
    rows = matrix(graph, frame)

    @cache
    def make(*, raw_scores: bool) -> list[Tensor]:
        made = stock.convert(model, rows.width or 1, rows.dtype, raw_scores=raw_scores)
        return _adopted(graph, made, rows)

    given = stock.outputs(model, make)
    answers: dict[str, Callable[[], Tensor]] = {
        method: partial(_picked, give) for method, give in given.items()
    }
    if "decision_function" in answers:
        answers["decision_function"] = _one_sided(graph, model, answers["decision_function"])
    if not hasattr(model, "predict") and "transform" in answers:
        return whole(answers["transform"]())
    return answers


def _one_sided(graph: Graph, model: Any, scores: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """Of the scores of two classes the second, as scikit-learn gives it."""

    def decision() -> Tensor:
        both = scores()
        if len(getattr(model, "classes_", ())) != 2 or both.width != 2:
            return both
        return Tensor(graph.node("Gather", both, np.array(1), axis=1), both.dtype)

    return decision


def _picked(give: Callable[[], tuple[list[Tensor], int]]) -> Tensor:
    tensors, place = give()
    if place >= len(tensors):
        raise NotConvertible("skl2onnx gives too few outputs")
    return tensors[place]


def _adopted(graph: Graph, made: onnx.ModelProto, rows: Tensor) -> list[Tensor]:
    """The outputs of *made* after its nodes have moved into *graph*, fed by *rows*."""
    if any(node.op_type in _DEPRECATED for node in made.graph.node):
        raise NotConvertible("skl2onnx uses trees that this opset does not know")
    prefix = graph.fresh("stock") + "/"
    inner = compose.add_prefix_graph(made.graph, prefix)
    graph.adopt(
        [
            helper.make_node("Identity", [rows.name], [inner.input[0].name], name=inner.input[0].name),
            *inner.node,
        ],
        {one.name: one for one in inner.initializer},
    )
    return [_tensor(value) for value in inner.output]


def _tensor(value: onnx.ValueInfoProto) -> Tensor:
    kind = value.type.tensor_type
    sizes = [one.dim_value if one.HasField("dim_value") else None for one in kind.shape.dim]
    if kind.elem_type == onnx.TensorProto.STRING:
        dtype = TEXT
    elif kind.elem_type:
        dtype = np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type))
    else:
        raise NotConvertible("skl2onnx gives an output without a type")
    return Tensor(value.name, dtype, sizes[1] if len(sizes) == 2 else None)
