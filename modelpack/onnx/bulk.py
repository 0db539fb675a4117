"""The same graph for many rows: a forest as one node for each tree, which stays in the processor's cache.

onnxruntime 1.32 asks all trees of a ``TreeEnsemble`` about one row before it comes to the next, and so it
reads a forest of some hundred kilobytes anew for each row. Tree by tree it is a quarter faster for thousands
of rows, and slower for one. Field numbers are those of ``onnx.proto``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from modelpack.onnx.ordering import Order
from modelpack.onnx.wire import raw_fields, read_varint, submessage, varint

MANY = 512
"""Rows from which this graph is the faster."""

_MOST_NODES = 200
"""Larger forests get several trees in a node: each node costs about two microseconds."""

_INT, _TENSOR, _INTS = 2, 4, 7
_DOUBLE, _UINT8 = 11, 2
_OF_NODES = (
    "nodes_featureids",
    "nodes_missing_value_tracks_true",
    "nodes_truenodeids",
    "nodes_trueleafs",
    "nodes_falsenodeids",
    "nodes_falseleafs",
)
_TENSORS: dict[str, np.dtype[Any]] = {
    "nodes_modes": np.dtype(np.uint8),
    "nodes_splits": np.dtype("<f8"),
    "leaf_weights": np.dtype("<f8"),
}
_NUMBERS = ("aggregate_function", "post_transform", "n_targets")
_KNOWN = {*_OF_NODES, *_TENSORS, *_NUMBERS, "tree_roots", "leaf_targetids"}

_Values: TypeAlias = dict[str, np.ndarray]


@dataclass(frozen=True)
class Cut:
    """A *model* with its forests cut into trees, and the *order* of rows that the largest of them likes."""

    model: bytes
    order: Order


@dataclass(frozen=True)
class _Trees:
    """The *nodes* that stand for a forest, which asked *source*."""

    nodes: bytes
    source: str
    features: np.ndarray
    splits: np.ndarray


def by_trees(model: bytes) -> Cut | None:
    """*model*, which ``wire.check`` has passed, with its forests cut into trees; None where there are none.

    Cut are the forests that tell each tree's answer by itself: the answers are the same bits, wherever they
    stand. Others sum, and a sum in parts is another one.
    """
    forests: list[_Trees] = []
    parts: list[bytes] = []
    for number, kind, value, raw in raw_fields(memoryview(model)):
        is_graph = number == 7 and kind == 2
        parts.append(_bytes(7, _graph(submessage(value), forests)) if is_graph else bytes(raw))
    if not forests:
        return None
    largest = max(forests, key=lambda forest: len(forest.splits))
    return Cut(b"".join(parts), Order.of(largest.source, largest.features, largest.splits))


def _graph(graph: memoryview, forests: list[_Trees]) -> bytes:
    parts: list[bytes] = []
    for number, kind, value, raw in raw_fields(graph):
        trees = _trees(submessage(value)) if number == 1 and kind == 2 else None
        parts.append(bytes(raw) if trees is None else trees.nodes)
        if trees is not None:
            forests.append(trees)
    return b"".join(parts)


def _trees(node: memoryview) -> _Trees | None:
    """*node* as several; None for one that is no forest, or one that cannot be cut."""
    texts: dict[int, list[bytes]] = {}
    values: _Values = {}
    for number, kind, value, _ in raw_fields(node):
        if kind != 2:
            continue
        if number != 5:
            texts.setdefault(number, []).append(bytes(submessage(value)))
            continue
        if texts.get(4, [b"TreeEnsemble"]) != [b"TreeEnsemble"]:
            return None
        name, found = _attribute(submessage(value))
        if name not in _KNOWN or found is None:
            return None
        values[name] = found
    if texts.get(4) != [b"TreeEnsemble"] or set(values) != _KNOWN:
        return None
    (source,), (output,) = texts[1], texts[2]
    trees = _Forest(values)
    if not trees.can_be_cut:
        return None
    each = -(-trees.count // _MOST_NODES)
    names = [output + b"/%d" % start for start in range(0, trees.count, each)]
    cut = [
        _node(b"TreeEnsemble", [source], name, trees.attributes(start, min(start + each, trees.count)))
        for start, name in zip(range(0, trees.count, each), names, strict=True)
    ]
    nodes = b"".join(cut) + _node(b"Concat", names, output, [_number("axis", 1)], domain=b"")
    return _Trees(nodes, source.decode(), values["nodes_featureids"], values["nodes_splits"])


class _Forest:
    """The attributes of a ``TreeEnsemble`` (ai.onnx.ml 5), whose trees stand one after another."""

    def __init__(self, values: Mapping[str, np.ndarray]) -> None:
        self._values = values
        self._roots = values["tree_roots"]
        self._targets = values["leaf_targetids"]
        self.count = len(self._roots)
        self._nodes = np.append(self._roots, len(values["nodes_splits"]))
        self._leaves = np.searchsorted(self._targets, np.arange(self.count + 1))

    @property
    def can_be_cut(self) -> bool:
        """Whether each tree has a target, nodes and leaves to itself, in the order of the trees."""
        values, nodes, leaves = self._values, self._nodes, self._leaves
        lengths = {len(values[name]) for name in (*_OF_NODES, "nodes_modes", "nodes_splits")}
        if (
            self.count < 2
            or self.count != int(values["n_targets"])
            or int(values["aggregate_function"]) != 1
            or int(values["post_transform"]) != 0
            or len(lengths) != 1
            or len(values["leaf_weights"]) != len(self._targets)
            or nodes[0] != 0
            or not (np.diff(nodes) > 0).all()
            or not (np.diff(self._targets) >= 0).all()
            or leaves[0] != 0
            or leaves[-1] != len(self._targets)
            or not (np.diff(leaves) > 0).all()
        ):
            return False
        tree = np.repeat(np.arange(self.count), np.diff(nodes))
        return all(
            bool(
                (
                    (child >= np.where(is_leaf, leaves[tree], nodes[tree]))
                    & (child < np.where(is_leaf, leaves[tree + 1], nodes[tree + 1]))
                ).all()
            )
            for child, is_leaf in self._children()
        )

    def _children(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for side in ("true", "false"):
            yield self._values[f"nodes_{side}nodeids"], self._values[f"nodes_{side}leafs"] != 0

    def attributes(self, start: int, stop: int) -> list[bytes]:
        """Those of a forest of the trees from *start* to before *stop*."""
        values = self._values
        nodes = slice(self._nodes[start], self._nodes[stop])
        leaves = slice(self._leaves[start], self._leaves[stop])
        own = {name: values[name][nodes] for name in _OF_NODES}
        for side in ("true", "false"):
            is_leaf = own[f"nodes_{side}leafs"] != 0
            ids = own[f"nodes_{side}nodeids"]
            own[f"nodes_{side}nodeids"] = ids - np.where(is_leaf, leaves.start, nodes.start)
        return [
            _number("aggregate_function", 1),
            _number("post_transform", 0),
            _number("n_targets", stop - start),
            _ints("tree_roots", self._roots[start:stop] - nodes.start),
            _ints("leaf_targetids", self._targets[leaves] - start),
            *(_ints(name, numbers) for name, numbers in own.items()),
            _tensor("nodes_modes", values["nodes_modes"][nodes], _UINT8),
            _tensor("nodes_splits", values["nodes_splits"][nodes], _DOUBLE),
            _tensor("leaf_weights", values["leaf_weights"][leaves], _DOUBLE),
        ]


def _attribute(attribute: memoryview) -> tuple[str, np.ndarray | None]:
    """Its name and value; None for a value of another kind than this forest's attributes have."""
    name, found = "", None
    for number, kind, value, _ in raw_fields(attribute):
        if number == 1 and kind == 2:
            name = bytes(submessage(value)).decode(errors="replace")
        elif number == 3 and kind == 0:
            found = np.array(value)
        elif number == 5 and kind == 2:
            found = _array(submessage(value), _TENSORS.get(name))
        elif number == 8 and found is None:
            found = _read_ints(attribute)
    return name, found


def _array(tensor: memoryview, dtype: np.dtype[Any] | None) -> np.ndarray | None:
    wanted = {np.dtype(np.uint8): _UINT8, np.dtype("<f8"): _DOUBLE}.get(dtype) if dtype is not None else None
    raw, said = None, None
    for number, kind, value, _ in raw_fields(tensor):
        if number == 2 and kind == 0:
            said = value
        elif number == 9 and kind == 2:
            raw = submessage(value)
    if raw is None or dtype is None or said != wanted or len(raw) % dtype.itemsize:
        return None
    return np.frombuffer(raw, dtype)


def _read_ints(attribute: memoryview) -> np.ndarray | None:
    """All numbers of the field 8, written one by one; None where they are not written so in one run."""
    place = 0
    while place < len(attribute):
        tag, behind = read_varint(attribute, place)
        if tag == 0x40:
            break
        if tag & 7 == 0:
            _, place = read_varint(attribute, behind)
        else:
            length, behind = read_varint(attribute, behind)
            place = behind + length
    numbers = _decoded(np.frombuffer(attribute[place:], np.uint8))
    # Tag and number take turns; other fields may follow.
    tags = numbers[0::2]
    count = len(tags) if (tags == 0x40).all() else int(np.argmax(tags != 0x40))
    return numbers[1::2][:count]


def _decoded(data: np.ndarray) -> np.ndarray:
    """All bytes as numbers of seven bits a byte, the lowest first (protobuf's base 128 varints)."""
    ends = np.flatnonzero(data < 0x80)
    starts = np.append(0, ends[:-1] + 1)
    values = np.zeros(len(ends), dtype=np.int64)
    lengths = ends - starts + 1
    for place in range(int(lengths.max(initial=0))):
        there = np.flatnonzero(lengths > place)
        values[there] |= (data[starts[there] + place].astype(np.int64) & 0x7F) << (7 * min(place, 9))
    return values


def _encoded(values: np.ndarray) -> bytes:
    """The reverse of ``_decoded``, for numbers that are not negative."""
    values = values.astype(np.int64)
    if len(values) == 0:
        return b""
    width = max(1, -(-int(values.max()).bit_length() // 7))
    shifts = 7 * np.arange(width)
    digits = (values[:, None] >> shifts) & 0x7F
    more = (values[:, None] >> (shifts + 7)) > 0
    there = np.hstack([np.ones((len(values), 1), dtype=bool), more[:, :-1]])
    return bytes((digits | (more << 7)).astype(np.uint8)[there])


def _bytes(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def _node(
    operator: bytes,
    inputs: Sequence[bytes],
    output: bytes,
    attributes: Sequence[bytes],
    domain: bytes = b"ai.onnx.ml",
) -> bytes:
    parts = [*(_bytes(1, name) for name in inputs), _bytes(2, output), _bytes(3, output), _bytes(4, operator)]
    return _bytes(1, b"".join([*parts, *(_bytes(5, one) for one in attributes), _bytes(7, domain)]))


def _number(name: str, value: int) -> bytes:
    return _bytes(1, name.encode()) + b"\x18" + varint(value) + b"\xa0\x01" + varint(_INT)


def _ints(name: str, values: np.ndarray) -> bytes:
    return _bytes(1, name.encode()) + _bytes(8, _encoded(values)) + b"\xa0\x01" + varint(_INTS)


def _tensor(name: str, values: np.ndarray, kind: int) -> bytes:
    tensor = b"\x08" + varint(len(values)) + b"\x10" + varint(kind) + _bytes(9, values.tobytes())
    return _bytes(1, name.encode()) + _bytes(5, tensor) + b"\xa0\x01" + varint(_TENSOR)
