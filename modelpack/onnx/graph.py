"""An ONNX graph while it is written: nodes and constants, each thing once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

OPSET = 18
ML_OPSET = 5
"""The first with ``TreeEnsemble``; onnxruntime runs it since 1.20."""
IR_VERSION = 10
"""What onnxruntime 1.20 reads."""
ML = "ai.onnx.ml"

TEXT = np.dtype(object)
"""How this package writes the dtype of a tensor of strings."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor in the graph: one row per row of the input. *width* is None when a row is one plain value."""

    name: str
    dtype: np.dtype[Any]
    width: int | None = None


class Graph:
    """Collects nodes. A node that would repeat one with the same inputs is not written again."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[bytes, TensorProto] = {}
        self._results: dict[bytes, str] = {}
        self._inputs: list[Tensor] = []
        self._names = 0
        self._words: dict[str, int] = {}
        self._ids: tuple[Tensor, Tensor] | None = None

    def input(self, name: str, dtype: np.dtype[Any], width: int) -> Tensor:
        """A new input of the graph, rows by *width*."""
        tensor = Tensor(name, dtype, width)
        self._inputs.append(tensor)
        return tensor

    def constant(self, value: ArrayLike) -> str:
        """The name of a tensor that holds *value*; an array of objects holds text."""
        array = np.asarray(value)
        proto = numpy_helper.from_array(np.ascontiguousarray(array) if array.ndim else array)
        key = proto.SerializeToString(deterministic=True)
        if key not in self._constants:
            proto.name = f"constant_{len(self._constants)}"
            self._constants[key] = proto
        return self._constants[key].name

    def node(
        self, operator: str, *inputs: Tensor | np.ndarray | str, domain: str = "", **attributes: Any
    ) -> str:
        """The name of a node's output; arrays among *inputs* become constants, names are taken as such."""
        names = [self._name(one) for one in inputs]
        proto = helper.make_node(operator, names, [], domain=domain, **attributes)
        key = proto.SerializeToString(deterministic=True)
        if key not in self._results:
            self._results[key] = self.fresh(operator.lower())
            proto.output.append(self._results[key])
            proto.name = self._results[key]
            self._nodes.append(proto)
        return self._results[key]

    def fresh(self, stem: str) -> str:
        """A name that nothing in the graph bears."""
        self._names += 1
        return f"{stem}_{self._names}"

    def _name(self, thing: Tensor | np.ndarray | str) -> str:
        if isinstance(thing, Tensor):
            return thing.name
        return thing if isinstance(thing, str) else self.constant(thing)

    def adopt(self, nodes: Iterable[onnx.NodeProto], constants: Mapping[str, TensorProto]) -> None:
        """Take over *nodes* whose names are fresh, and the *constants* they name."""
        for name, proto in constants.items():
            copy = TensorProto()
            copy.CopyFrom(proto)
            copy.name = name
            self._constants[name.encode()] = copy
        self._nodes.extend(nodes)

    def ids(self, text: Tensor) -> Tensor:
        """The words of the input *text* as numbers: a known word's own, -1 for any other."""
        if self._ids is None:
            self._ids = (text, Tensor("words", np.dtype(np.float64), text.width))
        return self._ids[1]

    def word(self, word: str) -> int:
        """The number of *word* among the known ones, from now on."""
        return self._words.setdefault(word, len(self._words))

    @property
    def words(self) -> int:
        """How many words are known by now."""
        return len(self._words)

    def model(self, outputs: Mapping[str, Tensor], *, producer: str) -> onnx.ModelProto:
        """The finished model, with nothing in it that no output needs."""
        nodes = [*self._word_nodes(), *self._nodes]
        named = [helper.make_node("Identity", [tensor.name], [name]) for name, tensor in outputs.items()]
        kept = _needed([*nodes, *named], outputs)
        used = {name for node in kept for name in node.input}
        graph = helper.make_graph(
            _renamed(kept, outputs),
            "model",
            [_value(one, one.name) for one in self._inputs],
            [_value(tensor, name) for name, tensor in outputs.items()],
            [proto for proto in self._constants.values() if proto.name in used],
        )
        opsets = [helper.make_opsetid("", OPSET)]
        if any(node.domain == ML for node in kept):
            opsets.append(helper.make_opsetid(ML, ML_OPSET))
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name=producer)

    def _word_nodes(self) -> Sequence[onnx.NodeProto]:
        if self._ids is None:
            return []
        text, ids = self._ids
        # The operator wants a word at least; one that is never sent does no harm.
        words = list(self._words) or [""]
        keys = numpy_helper.from_array(np.array(words, dtype=object), "keys")
        values = numpy_helper.from_array(np.arange(len(words), dtype=np.float64), "values")
        other = numpy_helper.from_array(np.array([-1.0]), "default")
        node = helper.make_node(
            "LabelEncoder",
            [text.name],
            [ids.name],
            name=ids.name,
            domain=ML,
            keys_tensor=keys,
            values_tensor=values,
            default_tensor=other,
        )
        return [node]


def _needed(nodes: Sequence[onnx.NodeProto], outputs: Mapping[str, Tensor]) -> list[onnx.NodeProto]:
    wanted = set(outputs)
    kept = []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]


def _renamed(nodes: Sequence[onnx.NodeProto], outputs: Mapping[str, Tensor]) -> list[onnx.NodeProto]:
    """*nodes* without the last Identity of an output, where a node can bear the output's name itself."""
    made = {name for node in nodes for name in node.output}
    sources = [tensor.name for tensor in outputs.values()]
    # An input of the graph keeps its name, and one tensor cannot bear the names of two outputs.
    new = {
        one.name: name for name, one in outputs.items() if one.name in made and sources.count(one.name) == 1
    }
    result = []
    for node in nodes:
        if node.op_type == "Identity" and list(node.output) == [new.get(node.input[0])]:
            continue
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.input[:] = [new.get(name, name) for name in node.input]
        copy.output[:] = [new.get(name, name) for name in node.output]
        result.append(copy)
    return result


def _value(tensor: Tensor, name: str) -> onnx.ValueInfoProto:
    shape = [None] if tensor.width is None else [None, tensor.width]
    return helper.make_tensor_value_info(name, element_type(tensor.dtype), shape)


def element_type(dtype: np.dtype[Any]) -> int:
    """ONNX's number for *dtype*; objects are text."""
    return TensorProto.STRING if dtype == TEXT else int(helper.np_dtype_to_tensor_dtype(dtype))
