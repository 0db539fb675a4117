"""JSON bodies of nothing but numbers, read by simdjson into one array."""

import importlib
import importlib.util
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from modelpack.schema.compile import ColumnDecoder, TensorDecoder

# Without it such bodies go the way of all others, which takes them three times as long.
_simdjson: Any = importlib.import_module("simdjson") if importlib.util.find_spec("simdjson") else None

_STRUCTURE = b"[]{},"
_NOT_STRUCTURE = bytes(byte for byte in range(256) if byte not in _STRUCTURE)
_STRUCTURE_TEXT = frozenset(_STRUCTURE.decode())

_LARGE = 1 << 20
"""Bytes. A parser keeps memory for the largest body that it has read: for larger ones it is a new one."""

_DOUBLES = "d"

WORTH_IT = 1024
"""Bytes; smaller bodies are read sooner one number at a time."""

Reader = Callable[[bytes], Any]


def reader(decoder: ColumnDecoder | TensorDecoder | None) -> Reader | None:
    """What reads a body for *decoder* to a Table or array, or None in any doubt; None where nothing can."""
    if _simdjson is None:
        return None
    if isinstance(decoder, ColumnDecoder) and decoder.is_numeric:
        return _Reader(_Split(decoder).read)
    if isinstance(decoder, TensorDecoder) and decoder.rank == 2:
        return _Reader(_Lists(decoder).read)
    return None


class _Reader:
    """Gives each thread a parser, which *read* may use for one body."""

    def __init__(self, read: Callable[[Any, bytes], Any]) -> None:
        self._read = read
        self._local = threading.local()

    def __call__(self, body: bytes) -> Any:
        # A name with an escape in it is not worth a way of its own, and null is nothing that an array holds.
        if b"\\" in body or b"null" in body:
            return None
        try:
            return self._read(self._parser(len(body)).parse(body), body)
        except (ValueError, TypeError, KeyError, RuntimeError):
            # What simdjson raises for what it does not take, or for a value of another type than was asked.
            return None

    def _parser(self, size: int) -> Any:
        if size > _LARGE:
            return _simdjson.Parser()
        try:
            return self._local.parser
        except AttributeError:
            self._local.parser = _simdjson.Parser()
            return self._local.parser


class _Split:
    """``dataframe_split`` with columns and rows, and perhaps an index of numbers."""

    def __init__(self, decoder: ColumnDecoder) -> None:
        self._decoder = decoder

    def read(self, document: Any, body: bytes) -> Any:
        """The Table of *document*, which is *body* parsed."""
        if type(document) is not _simdjson.Object or [*document] != ["dataframe_split"]:
            return None
        split = document["dataframe_split"]
        if type(split) is not _simdjson.Object:
            return None
        keys = [*split]
        if keys != ["columns", "data"] and sorted(keys) not in _KEYS:
            return None
        parts = {key: split[key] for key in keys}
        if any(type(part) is not _simdjson.Array for part in parts.values()):
            return None
        names = parts["columns"].as_list()
        if not names or not _are_names(names):
            return None
        rows, width = len(parts["data"]), len(names)
        index = parts.get("index")
        if index is not None and len(np.frombuffer(index.as_buffer(of_type=_DOUBLES))) != rows:
            return None
        values = np.frombuffer(parts["data"].as_buffer(of_type=_DOUBLES))
        shapes = {"columns": _row(width), "data": _rows(rows, width), "index": _row(rows)}
        shape = b"{{" + b",".join([shapes[key] for key in keys]) + b"}}"
        if len(values) != rows * width or not _are_shaped(body, shape):
            return None
        return self._decoder.from_block(values.reshape(rows, width), names)


_KEYS = (["columns", "data"], ["columns", "data", "index"])


def _are_names(names: list[Any]) -> bool:
    """Whether *names* are texts in which no brackets, braces or commas stand."""
    return set(map(type, names)) == {str} and _STRUCTURE_TEXT.isdisjoint("".join(names))


class _Lists:
    """``inputs`` or ``instances``: rows of one length."""

    def __init__(self, decoder: TensorDecoder) -> None:
        self._decoder = decoder

    def read(self, document: Any, body: bytes) -> Any:
        """The array of *document*, which is *body* parsed."""
        if type(document) is not _simdjson.Object or [*document] not in (["inputs"], ["instances"]):
            return None
        (value,) = (document[key] for key in document)
        if type(value) is not _simdjson.Array:
            return None
        values, rows = np.frombuffer(value.as_buffer(of_type=_DOUBLES)), len(value)
        width = len(values) // rows if rows else 0
        if (
            width == 0
            or len(values) != rows * width
            or not _are_shaped(body, b"{" + _rows(rows, width) + b"}")
        ):
            return None
        return self._decoder.from_block(values.reshape(rows, width))


def _are_shaped(body: bytes, shape: bytes) -> bool:
    """Whether *body*, which is JSON, has brackets, braces and commas as *shape* has them.

    Where no name holds such characters, these alone tell the lengths of all lists: each list has one comma
    less than it has parts; whether a list without any has a part, the number of all values tells.
    """
    return body.translate(None, _NOT_STRUCTURE) == shape


def _row(width: int) -> bytes:
    return b"[" + b"," * (width - 1) + b"]"


def _rows(rows: int, width: int) -> bytes:
    return b"[" + b",".join([_row(width)] * rows) + b"]"
