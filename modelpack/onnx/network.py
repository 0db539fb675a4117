"""Modules of torch as ONNX: the exporter of torch writes them whole, here they are put into our form."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from modelpack.errors import NotConvertible, shorten
from modelpack.onnx.convert import Candidate
from modelpack.onnx.layout import Block, Layout, Output
from modelpack.schema import Signature, TensorSpec

_INPUT, _OUTPUT, _GIVEN = "X", "predict", "module_input"


def candidates(model: Any, *, signature: Signature, methods: tuple[str, ...]) -> Iterator[Candidate]:
    """The one form of *model*, a ``Module`` over one matrix, that answers ``predict``.

    What cannot be converted is a candidate with a *problem*; nothing is raised for it.
    """
    try:
        yield _exported(model, signature)
    except NotConvertible as error:
        yield Candidate("torch", None, None, str(error))


def _exported(model: Any, signature: Signature) -> Candidate:
    spec = _matrix(signature)
    if find_spec("onnxscript") is None:
        raise NotConvertible("torch writes ONNX with onnxscript: pip install onnxscript")
    proto = _plain(_written(model, spec))
    if [one.name for one in proto.graph.input] != [_INPUT] or len(proto.graph.output) != 1:
        raise NotConvertible("the module answers several tensors")
    block = Block(_INPUT, "float64" if spec.dtype == np.float64 else "float32", tuple(range(spec.shape[1])))
    if spec.dtype.kind != "f":
        _cast(proto, block.dtype)
    kind = proto.graph.output[0].type.tensor_type
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type)).name
    output = Output(_OUTPUT, dtype, len(kind.shape.dim) == 1)
    return Candidate("torch", proto, Layout((block,), {"predict": output}, is_tensor=True))


def _matrix(signature: Signature) -> TensorSpec:
    inputs = signature.inputs
    if inputs is None or not inputs.is_tensor:
        raise NotConvertible("columns are answered with a frame, which no form gives; save it with an array")
    spec = inputs.tensors[0]
    if len(inputs.tensors) != 1 or spec.name is not None or len(spec.shape) != 2:
        raise NotConvertible("the module takes something else than one matrix")
    small = spec.dtype.kind in "iu" and spec.dtype.itemsize <= 4
    if spec.shape[0] != -1 or spec.shape[1] < 1 or not (small or spec.dtype in (np.float32, np.float64)):
        raise NotConvertible(f"a matrix of {spec.dtype} {list(spec.shape)}, which no form takes")
    return spec


def _written(model: Any, spec: TensorSpec) -> onnx.ModelProto:
    import torch

    module = model.module() if isinstance(model, torch.export.ExportedProgram) else model
    # Two rows at least: a single one would be taken for the only number there is.
    example = torch.from_numpy(np.zeros((3, spec.shape[1]), dtype=spec.dtype))
    try:
        with _quietly():
            program = torch.onnx.export(
                module,
                (example,),
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
                input_names=[_INPUT],
                output_names=[_OUTPUT],
                verbose=False,
            )
    except Exception as error:
        why = shorten(f"{type(error).__name__}: {error}", 200)
        raise NotConvertible(f"torch does not write this module as ONNX: {why}") from error
    if program is None:
        raise NotConvertible("torch does not write this module as ONNX")
    proto: onnx.ModelProto = program.model_proto
    return proto


@contextmanager
def _quietly() -> Iterator[None]:
    """The exporter tells of libraries that are missing, and of its own future."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def _plain(proto: onnx.ModelProto) -> onnx.ModelProto:
    """*proto* without what tells of the machine it was written on: lines and paths of source."""
    graphs = [proto.graph]
    while graphs:
        graph = graphs.pop()
        for one in (*graph.node, *graph.initializer, *graph.input, *graph.output):
            one.ClearField("metadata_props")
            one.ClearField("doc_string")
        for field in ("metadata_props", "doc_string", "value_info"):
            graph.ClearField(field)
        graphs += [
            attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")
        ]
    for field in ("metadata_props", "doc_string"):
        proto.ClearField(field)
    return proto


def _cast(proto: onnx.ModelProto, dtype: str) -> None:
    """Let the graph take floats, and hand them on as the whole numbers that the module takes."""
    graph = proto.graph
    kind = graph.input[0].type.tensor_type.elem_type
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name == _INPUT:
                node.input[place] = _GIVEN
    graph.input[0].type.tensor_type.elem_type = (
        TensorProto.DOUBLE if dtype == "float64" else TensorProto.FLOAT
    )
    graph.node.insert(0, helper.make_node("Cast", [_INPUT], [_GIVEN], to=kind))
