"""A model as ONNX: the forms worth trying, the best first."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper

from modelpack._version import __version__
from modelpack.errors import NotConvertible
from modelpack.onnx import stock
from modelpack.onnx.columns import DOUBLE, FLOAT, Column, Frame, Selected, matrix, whole
from modelpack.onnx.graph import TEXT, Graph, Tensor
from modelpack.onnx.layout import Block, Layout, Output
from modelpack.onnx.writing import Answers, answer, write
from modelpack.schema import ColumnSpec, DataType, Schema, Signature

_NUMBERS = {DataType.boolean, DataType.integer, DataType.long, DataType.float, DataType.double}


@dataclass(frozen=True)
class Candidate:
    """One form of a model: *model* and how to feed it, or, where there is none, why.

    *name* is ``exact`` (written as scikit-learn computes), ``float64`` or ``float32`` (by skl2onnx).
    *problem* is why there is none. *problems* tells for which methods the form has no answer.
    """

    name: str
    model: onnx.ModelProto | None
    layout: Layout | None
    problem: str = ""
    problems: Mapping[str, str] | None = None


def candidates(model: Any, *, signature: Signature, methods: tuple[str, ...]) -> Iterator[Candidate]:
    """The forms of *model* that answer *methods*, each made when asked for; the likeliest to be right first.

    What cannot be converted is a candidate with a *problem*; nothing is raised for it.
    """
    for name, make in (("exact", _exact), ("float64", _stock_double), ("float32", _stock_float)):
        try:
            yield make(name, model, signature, methods)
        except NotConvertible as error:
            yield Candidate(name, None, None, str(error))


def _exact(name: str, model: Any, signature: Signature, methods: tuple[str, ...]) -> Candidate:
    graph = Graph()
    blocks, frame, is_tensor = _inputs(graph, _schema(signature))
    written = write(graph, model, frame)
    answers: Answers = _columns(graph, written) if isinstance(written, Frame) else written
    given: dict[str, Tensor] = {}
    problems: dict[str, str] = {}
    for method in methods:
        try:
            given[method] = answer(answers, method)
        except NotConvertible as error:
            problems[method] = str(error)
    if not given:
        raise NotConvertible("; ".join(sorted(set(problems.values()))))
    outputs = {method: _output(method, tensor) for method, tensor in given.items()}
    proto = graph.model(given, producer=f"modelpack {__version__}")
    used = {one.name for one in proto.graph.input}
    layout = Layout(tuple(block for block in blocks if block.name in used), outputs, is_tensor)
    return Candidate(name, proto, layout, problems=problems)


def _columns(graph: Graph, frame: Frame) -> Answers:
    answers: dict[str, Callable[[], Tensor]] = {"transform": lambda: matrix(graph, frame)}
    return {**answers, **frame.answers} if isinstance(frame, Selected) else answers


def _output(name: str, tensor: Tensor) -> Output:
    return Output(name, "object" if tensor.dtype == TEXT else tensor.dtype.name, tensor.width is None)


def _schema(signature: Signature) -> Schema:
    if signature.inputs is None:
        raise NotConvertible("the signature does not say what the model takes")
    return signature.inputs


def _inputs(graph: Graph, schema: Schema) -> tuple[tuple[Block, ...], Frame, bool]:
    """The inputs of the graph: one matrix for the numbers, ``X``, and one for text, ``text``."""
    if schema.is_tensor:
        block = _tensor_block(schema)
        tensor = graph.input(block.name, np.dtype(block.dtype), len(block.columns))
        return (block,), whole(tensor), True
    return _column_blocks(graph, schema)


def _column_blocks(graph: Graph, schema: Schema) -> tuple[tuple[Block, ...], Frame, bool]:
    numbers = [place for place, spec in enumerate(schema.columns) if spec.type in _NUMBERS]
    texts = [place for place, spec in enumerate(schema.columns) if spec.type is DataType.string]
    if len(numbers) + len(texts) < len(schema.columns):
        raise NotConvertible("columns of other types than numbers, booleans and text")
    dtypes = {place: _native(schema.columns[place]) for place in numbers}
    single = all(dtype == FLOAT for dtype in dtypes.values())
    blocks, columns = [], {}
    for name, dtype, places in (("X", FLOAT if single else DOUBLE, numbers), ("text", TEXT, texts)):
        if not places:
            continue
        tensor = graph.input(name, dtype, len(places))
        kind = "str" if dtype == TEXT else dtype.name
        names = tuple(schema.names[place] for place in places)
        optional = tuple(schema.names[place] for place in places if not schema.columns[place].required)
        blocks.append(Block(name, kind, names, optional))
        for index, place in enumerate(places):
            columns[place] = Column(tensor, index, dtypes.get(place, TEXT))
    frame = Frame(tuple(columns[place] for place in range(len(columns))), tuple(schema.names))
    return tuple(blocks), frame, False


def _native(spec: ColumnSpec) -> np.dtype[Any]:
    """The dtype that scikit-learn meets: a column that may be missing comes as float64."""
    assert isinstance(spec.type, DataType)  # noqa: S101 - for the type checker; only such columns come here
    dtype = spec.type.numpy
    return dtype if spec.required or dtype.kind == "f" else DOUBLE


def _tensor_block(schema: Schema) -> Block:
    spec = schema.tensors[0]
    if len(schema.tensors) != 1 or spec.name is not None:
        raise NotConvertible("several tensors, or named ones")
    if len(spec.shape) != 2 or spec.shape[1] < 1 or spec.dtype.kind not in "biuf":
        raise NotConvertible("a tensor that is no matrix of numbers with a known number of columns")
    if spec.dtype.kind == "f" and spec.dtype.itemsize != 4 and spec.dtype != DOUBLE:
        raise NotConvertible(f"a tensor of {spec.dtype}")
    dtype = "float32" if spec.dtype == FLOAT else "float64"
    return Block("X", dtype, tuple(range(spec.shape[1])))


def _stock_double(name: str, model: Any, signature: Signature, methods: tuple[str, ...]) -> Candidate:
    return _stock(name, model, signature, methods, DOUBLE)


def _stock_float(name: str, model: Any, signature: Signature, methods: tuple[str, ...]) -> Candidate:
    return _stock(name, model, signature, methods, FLOAT)


def _stock(
    name: str, model: Any, signature: Signature, methods: tuple[str, ...], dtype: np.dtype[Any]
) -> Candidate:
    blocks, frame, is_tensor = _inputs(Graph(), _schema(signature))
    if len(blocks) != 1 or blocks[0].dtype == "str":
        raise NotConvertible("text beside numbers is not left to skl2onnx")
    made: dict[bool, onnx.ModelProto] = {}

    def make(*, raw_scores: bool) -> onnx.ModelProto:
        if raw_scores not in made:
            made[raw_scores] = stock.convert(model, len(frame), dtype, raw_scores=raw_scores)
        return made[raw_scores]

    given = stock.outputs(model, make)
    problems = {method: f"skl2onnx has no {method}" for method in methods if method not in given}
    wanted = [method for method in methods if method in given and method != "decision_function"]
    if "decision_function" in methods and "decision_function" in given:
        if wanted:
            problems["decision_function"] = "skl2onnx gives no scores beside probabilities"
        else:
            wanted = ["decision_function"]
    if not wanted:
        raise NotConvertible("; ".join(sorted(set(problems.values()))))
    outputs: dict[str, Output] = {}
    for method in wanted:
        proto, place = given[method]()
        value = proto.graph.output[place]
        kind = value.type.tensor_type
        if not kind.elem_type:
            raise NotConvertible(f"skl2onnx gives no tensor for {method}")
        text = kind.elem_type == onnx.TensorProto.STRING
        dtype_name = "object" if text else np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type)).name
        outputs[method] = Output(value.name, dtype_name, len(kind.shape.dim) == 1)
    block = Block("X", dtype.name, blocks[0].columns)
    return Candidate(name, proto, Layout((block,), outputs, is_tensor), problems=problems)
