"""A graph in single precision: half the size, and what the quantizers can read."""

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, TensorProto, numpy_helper

from modelpack.errors import NotConvertible, shorten

_NAMES_A_TYPE = {"Cast": "to", "EyeLike": "dtype", "RandomNormalLike": "dtype"}
"""Operators with an attribute that is an element type."""


def narrowed(model: onnx.ModelProto) -> onnx.ModelProto:
    """*model* with float32 in every place of double: inputs, outputs and constants.

    Raises NotConvertible where the result is no valid graph.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]
    _narrow(copy.graph)
    try:
        onnx.checker.check_model(copy, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        why = shorten(str(error), 200)
        raise NotConvertible(f"the graph cannot be written in single precision: {why}") from error
    return copy


def _narrow(graph: GraphProto) -> None:
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type == TensorProto.DOUBLE:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for tensor in graph.initializer:
        _narrow_tensor(tensor)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name == _NAMES_A_TYPE.get(node.op_type) and attribute.i == TensorProto.DOUBLE:
                attribute.i = TensorProto.FLOAT
            _narrow_attribute(attribute)


def _narrow_attribute(attribute: AttributeProto) -> None:
    if attribute.type == AttributeProto.TENSOR:
        _narrow_tensor(attribute.t)
    elif attribute.type == AttributeProto.GRAPH:
        _narrow(attribute.g)


def _narrow_tensor(tensor: TensorProto) -> None:
    if tensor.data_type != TensorProto.DOUBLE:
        return
    with np.errstate(over="ignore"):
        values = numpy_helper.to_array(tensor).astype(np.float32)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
