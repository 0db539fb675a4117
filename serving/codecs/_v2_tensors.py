"""One tensor of the Open Inference Protocol: from JSON or raw bytes, and back."""

import base64
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

import numpy as np

from modelpack.errors import SchemaMismatch, shorten
from modelpack.schema import Coerce, Schema, TensorSpec, wire
from serving.codecs._v2_datatypes import BYTES, NUMPY
from serving.errors import InvalidRequest

_MOST_DIMENSIONS = 32
_MOST_ELEMENTS = 2**40

_MOST_OF_NOTHING = 2**20
"""Rows and places that an empty tensor may have: no byte pays for them, and a model may answer each."""

_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor with a *name*; *values* has its shape.

    The values of ``BYTES`` are objects: text or bytes, and None where one is missing. Numbers of which some
    are missing are in a masked array.
    """

    name: str
    datatype: str
    values: np.ndarray
    content_type: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape)


def read_datatype(value: Any, name: str) -> str:
    """*value* if it is a datatype; raises InvalidRequest."""
    if value == BYTES or (isinstance(value, str) and value in NUMPY):
        return str(value)
    known = ", ".join([*NUMPY, BYTES])
    raise InvalidRequest(f"the datatype of input {quote(name)} must be one of {known}")


def read_shape(value: Any, name: str) -> tuple[int, ...]:
    """*value* if it is a list of lengths; raises InvalidRequest."""
    if not isinstance(value, list) or len(value) > _MOST_DIMENSIONS or not all(map(_is_length, value)):
        raise InvalidRequest(f"the shape of input {quote(name)} must be a list of whole numbers from 0 up")
    if math.prod(length or 1 for length in value) > (_MOST_OF_NOTHING if 0 in value else _MOST_ELEMENTS):
        raise InvalidRequest(f"the shape of input {quote(name)} has room for more than can be sent")
    return tuple(value)


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def values_from_json(
    data: Any, datatype: str, shape: tuple[int, ...], *, name: str, coerce: Coerce = "lossless"
) -> np.ndarray:
    """*data*, straight from the JSON parser, flat or nested as *shape* is, in row-major order.

    null is a missing value. Raises InvalidRequest and SchemaMismatch.
    """
    if not isinstance(data, list):
        raise InvalidRequest(f"input {quote(name)} must have data: a list of values")
    leaves = _flat(data, shape, name)
    if datatype == BYTES:
        return _texts(leaves, name).reshape(shape)
    dtype = NUMPY[datatype]
    missing = None in leaves
    full: list[Any] = [_ZERO[dtype.kind] if leaf is None else leaf for leaf in leaves] if missing else leaves
    spec = TensorSpec(dtype, (-1,), name)
    try:
        numbers = _held(full, spec, coerce)
    except SchemaMismatch as error:
        row = None if error.row is None else error.row // max(1, math.prod(shape[1:]))
        raise SchemaMismatch(f"input {quote(name)}", wanted=datatype, got=error.got, row=row) from None
    if missing:
        numbers = np.ma.MaskedArray(numbers, mask=[leaf is None for leaf in leaves])
    return numbers.reshape(shape)


_ZERO: dict[str, Any] = {"b": False, "i": 0, "u": 0, "f": 0.0}


def _flat(data: list[Any], shape: tuple[int, ...], name: str) -> list[Any]:
    if not data or not isinstance(data[0], list):
        if len(data) != math.prod(shape):
            raise _misfit(name, shape, f"{len(data)} values")
        return data
    level: list[Any] = [data]
    for length in shape:
        odd = next((one for one in level if not isinstance(one, list) or len(one) != length), level)
        if odd is not level:
            raise _misfit(name, shape, f"a list of {len(odd)}" if isinstance(odd, list) else "fewer levels")
        level = list(chain.from_iterable(level))
    return level


def _held(leaves: Sequence[Any], spec: TensorSpec, coerce: Coerce = "lossless") -> np.ndarray:
    held = wire.tensors_from_json({str(spec.name): leaves}, Schema((spec,)), coerce=coerce)
    return cast("dict[str, np.ndarray]", held)[str(spec.name)]


def _texts(leaves: Sequence[Any], name: str) -> np.ndarray:
    spec = TensorSpec(np.dtype(object), (-1,), name)
    texts = _held(leaves, spec)
    for leaf in texts:
        if not isinstance(leaf, str | None):
            raise InvalidRequest(f"the data of input {quote(name)} must be text, as its datatype is BYTES")
    return texts


def values_from_bytes(
    raw: bytes | memoryview, datatype: str, shape: tuple[int, ...], *, name: str
) -> np.ndarray:
    """*raw*, little-endian in row-major order, as an array of its own; raises InvalidRequest."""
    count = math.prod(shape)
    if datatype == BYTES:
        return _split(bytes(raw), count, name).reshape(shape)
    dtype = NUMPY[datatype].newbyteorder("<")
    if len(raw) != count * dtype.itemsize:
        wanted = f"{count * dtype.itemsize} bytes for {datatype} {list(shape)}"
        raise InvalidRequest(f"input {quote(name)} has {len(raw)} bytes; it needs {shorten(wanted, 100)}")
    if datatype == "BOOL" and len(raw) and max(raw) > 1:
        raise InvalidRequest(f"the bytes of input {quote(name)} must be 0 or 1, as its datatype is BOOL")
    # A copy: a model may write to what it is given, and some libraries want it aligned.
    return np.frombuffer(raw, dtype=dtype).reshape(shape).astype(NUMPY[datatype], copy=True)


def _split(raw: bytes, count: int, name: str) -> np.ndarray:
    """Each element has its length before it, in four bytes."""
    if count * _LENGTH.size > len(raw):
        raise _broken(name, count)
    elements: list[bytes] = []
    place = 0
    for _ in range(count):
        start = place + _LENGTH.size
        if start > len(raw):
            raise _broken(name, count)
        place = start + _LENGTH.unpack_from(raw, place)[0]
        elements.append(raw[start:place])
    if place != len(raw):
        raise _broken(name, count)
    return objects(elements)


def objects(values: Sequence[Any]) -> np.ndarray:
    """A 1-D array of *values* as they are."""
    return np.fromiter(values, dtype=object, count=len(values))


def json_of(tensor: Tensor) -> tuple[str, Any]:
    """The content type, and the flat data, for orjson with numpy; what is missing or no number is null."""
    if tensor.datatype == BYTES:
        leaves = tensor.values.ravel().tolist()
        if any(isinstance(leaf, bytes) for leaf in leaves):
            return "base64", [None if one is None else base64.b64encode(one).decode() for one in leaves]
        return tensor.content_type, leaves
    if isinstance(tensor.values, np.ma.MaskedArray):
        return tensor.content_type, tensor.values.ravel().tolist()
    return tensor.content_type, np.ascontiguousarray(tensor.values).ravel()


def bytes_of(tensor: Tensor) -> bytes:
    """The raw form of *tensor*; raises InvalidRequest where values are missing: it has no word for that."""
    values = tensor.values
    if isinstance(values, np.ma.MaskedArray) and not np.ma.is_masked(values):
        values = values.data
    if isinstance(values, np.ma.MaskedArray) or (
        tensor.datatype == BYTES and None in values.ravel().tolist()
    ):
        raise InvalidRequest(
            f"output {quote(tensor.name)} has missing values, for which raw tensors have no word; "
            "ask for JSON over HTTP (binary_data: false)"
        )
    if tensor.datatype != BYTES:
        return values.astype(NUMPY[tensor.datatype].newbyteorder("<"), copy=False).tobytes()
    pieces = (one.encode() if isinstance(one, str) else one for one in values.ravel().tolist())
    return b"".join(chain.from_iterable((_LENGTH.pack(len(piece)), piece) for piece in pieces))


def quote(name: str) -> str:
    """*name* as messages show it."""
    return shorten(repr(name), 60)


def _misfit(name: str, shape: tuple[int, ...], got: str) -> InvalidRequest:
    return InvalidRequest(
        f"the data of input {quote(name)} must fill {shorten(str(list(shape)), 60)}, not {got}"
    )


def _broken(name: str, count: int) -> InvalidRequest:
    return InvalidRequest(
        f"input {quote(name)} must hold {count} elements, each after its length in four bytes"
    )
