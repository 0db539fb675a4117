"""The bytes of an ONNX model, looked through and cut without loading them: no runtime has seen them yet.

Only what ``onnx.proto`` (IR version 10) says is read; field numbers are those of that file.
"""

import re
from collections.abc import Iterator
from math import prod

from modelpack.errors import InvalidModel

LARGEST = 2**31 - 1
"""Bytes; no protobuf message may be longer."""
_DOMAINS = {"": 27, "ai.onnx": 27, "ai.onnx.ml": 5}
"""The operators we use, and the newest versions of them that are known."""
_NEWEST_IR = 13
_DEEPEST = 4
"""Graphs within graphs."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Long runs of numbers in one attribute: stepped over in one go. A tree has a hundred thousand.
_INTS = re.compile(rb"(?:\x40[\x80-\xff]{0,9}[\x00-\x7f])+")
_FLOATS = re.compile(rb"(?:\x3d.{4})+", re.DOTALL)


def check(model: bytes) -> None:
    """Raise InvalidModel for what this package never writes, and no runtime should be handed.

    That is: files beside the model's (external data), operators of other domains, functions, opsets that do
    not exist, tensors whose shape is not borne out by their bytes, damaged or cut bytes.
    """
    if len(model) > LARGEST:
        raise InvalidModel(f"an ONNX model of {len(model)} bytes; no more than {LARGEST} can be read")
    graphs = 0
    opsets = 0
    view = memoryview(model)
    for number, kind, value in _fields(view):
        if number == 7 and kind == _BYTES:
            graphs += 1
            _check_graph(submessage(value), depth=0)
        elif number == 8 and kind == _BYTES:
            opsets += 1
            _check_opset(submessage(value))
        elif number == 1 and kind == _VARINT:
            if not 3 <= _number(value) <= _NEWEST_IR:
                raise InvalidModel(f"an ONNX model of IR version {value}; this one reads 3 to {_NEWEST_IR}")
        elif number in (20, 25, 26):
            raise InvalidModel("an ONNX model with functions, training or device settings of its own")
    if graphs != 1 or opsets == 0:
        raise InvalidModel("an ONNX model has one graph and says which operators it uses; this has not")


def with_outputs(model: bytes, names: set[str]) -> bytes:
    """*model* with only the outputs *names*; the runtime drops what they do not need. Raises InvalidModel."""
    parts = []
    for number, kind, value, raw in raw_fields(memoryview(model)):
        if number == 7 and kind == _BYTES:
            graph = b"".join(
                bytes(inner_raw)
                for inner, inner_kind, inner_value, inner_raw in raw_fields(submessage(value))
                if inner != 12 or inner_kind != _BYTES or _name(submessage(inner_value)) in names
            )
            parts.append(b"\x3a" + varint(len(graph)) + graph)
        else:
            parts.append(bytes(raw))
    return b"".join(parts)


def _check_opset(opset: memoryview) -> None:
    domain, version = "", 0
    for number, kind, value in _fields(opset):
        if number == 1 and kind == _BYTES:
            domain = _text(submessage(value))
        elif number == 2 and kind == _VARINT:
            version = _number(value)
    if domain not in _DOMAINS:
        raise InvalidModel(f"an ONNX model with operators of {domain[:60]!r}; only ONNX's own are run")
    if not 1 <= version <= _DOMAINS[domain]:
        raise InvalidModel(
            f"an ONNX model of version {version} of {domain or 'ai.onnx'!r}, which is not known"
        )


def _check_graph(graph: memoryview, *, depth: int) -> None:
    if depth > _DEEPEST:
        raise InvalidModel("an ONNX model with graphs nested too deep")
    nodes = 0
    for number, kind, value in _fields(graph):
        if kind != _BYTES:
            continue
        if number == 1:
            nodes += 1
            _check_node(submessage(value), depth)
        elif number == 5:
            _check_tensor(submessage(value))
        elif number == 15:
            raise InvalidModel("an ONNX model with sparse tensors")
    if nodes == 0 and depth == 0:
        raise InvalidModel("an ONNX model whose graph is empty")


def _check_node(node: memoryview, depth: int) -> None:
    for number, kind, value in _fields(node):
        if kind != _BYTES:
            continue
        if number == 7 and _text(submessage(value)) not in _DOMAINS:
            raise InvalidModel("an ONNX model with operators that are not ONNX's own")
        if number == 5:
            _check_attribute(submessage(value), depth)


def _check_attribute(attribute: memoryview, depth: int) -> None:
    for number, kind, value in _fields(attribute):
        if kind != _BYTES:
            continue
        if number in (5, 10):
            _check_tensor(submessage(value))
        elif number in (6, 11):
            _check_graph(submessage(value), depth=depth + 1)
        elif number in (22, 23):
            raise InvalidModel("an ONNX model with sparse tensors")


def _check_tensor(tensor: memoryview) -> None:
    sizes: list[int] = []
    for number, kind, value in _fields(tensor):
        if number == 13 or (number == 14 and value != 0):
            raise InvalidModel("an ONNX model that keeps its numbers in other files; they are never read")
        if number == 1:
            sizes += [_number(value)] if kind == _VARINT else list(_packed(submessage(value)))
    # No element takes less than half a byte.
    if any(size < 0 or size >= 2**63 for size in sizes) or prod(sizes) > 2 * len(tensor):
        raise InvalidModel("an ONNX model with a tensor that claims more numbers than it holds")


def _name(message: memoryview) -> str:
    return next(
        (
            _text(submessage(value))
            for number, kind, value in _fields(message)
            if number == 1 and kind == _BYTES
        ),
        "",
    )


def _fields(message: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    for number, kind, value, _ in raw_fields(message):
        yield number, kind, value


def raw_fields(message: memoryview) -> Iterator[tuple[int, int, int | memoryview, memoryview]]:
    """Number, wire type, value and all bytes of each field; long runs of numbers are left out."""
    place, end = 0, len(message)
    while place < end:
        start = place
        tag, place = read_varint(message, place)
        number, kind = tag >> 3, tag & 7
        value: int | memoryview
        if kind == _VARINT:
            value, place = read_varint(message, place)
        elif kind == _BYTES:
            length, place = read_varint(message, place)
            value = message[place : place + length]
            place += length
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
            value = message[place : place + size]
            place += size
        else:
            raise InvalidModel("an ONNX model whose bytes are damaged")
        if place > end or number == 0:
            raise InvalidModel("an ONNX model whose bytes are damaged or cut")
        yield number, kind, value, message[start:place]
        if tag in (0x40, 0x3D):
            run = (_INTS if tag == 0x40 else _FLOATS).match(message, place)
            place = run.end() if run else place


def read_varint(message: memoryview, place: int) -> tuple[int, int]:
    """The number that begins at *place*, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise InvalidModel("an ONNX model whose bytes are cut")
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise InvalidModel("an ONNX model whose bytes are damaged")


def _packed(values: memoryview) -> Iterator[int]:
    place = 0
    while place < len(values):
        value, place = read_varint(values, place)
        yield value


def varint(value: int) -> bytes:
    """*value*, which is not negative, as protobuf writes it."""
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def submessage(value: int | memoryview) -> memoryview:
    """The bytes of a field whose wire type says that it has some."""
    assert isinstance(value, memoryview)  # noqa: S101 - for the type checker; the wire type says so
    return value


def _number(value: int | memoryview) -> int:
    assert isinstance(value, int)  # noqa: S101 - for the type checker; the wire type says so
    return value


def _text(value: memoryview) -> str:
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise InvalidModel("an ONNX model with a name that is no text") from None
