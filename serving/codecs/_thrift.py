"""As much of Thrift's compact protocol as it takes to read the head of a Parquet page."""

from typing import Any, TypeAlias

from serving.errors import InvalidRequest

Struct: TypeAlias = dict[int, Any]
"""Whole numbers, booleans and structs by the number of their field; of all else nothing is kept."""

_TRUE, _FALSE, _BYTE, _INT16, _INT32, _INT64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_DEEPEST = 8
_MOST_FIELDS = 1000


def read_struct(content: bytes, place: int) -> tuple[Struct, int]:
    """The struct that begins at *place*, and how many bytes it takes; raises InvalidRequest."""
    reader = _Reader(content, place)
    return reader.struct(_DEEPEST), reader.place - place


class _Reader:
    """Reads *content* from *place* on."""

    def __init__(self, content: bytes, place: int) -> None:
        self._content = content
        self._fields = 0
        self.place = place

    def struct(self, depth: int) -> Struct:
        if depth == 0:
            raise _broken()
        fields: Struct = {}
        number = 0
        while (head := self._byte()) != 0:
            self._fields += 1
            if self._fields > _MOST_FIELDS:
                raise _broken()
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            fields[number] = self._value(head & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind in (_INT16, _INT32, _INT64):
            return self._zigzag()
        if kind == _STRUCT:
            return self.struct(depth - 1)
        # Of the rest only texts stand in a page's head, in its statistics.
        self._skip({_BYTE: 1, _DOUBLE: 8}.get(kind) or self._length(kind))
        return None

    def _length(self, kind: int) -> int:
        if kind != _BINARY:
            raise _broken()
        return self._varint()

    def _skip(self, count: int) -> None:
        self.place += count
        if self.place > len(self._content):
            raise _broken()

    def _byte(self) -> int:
        if not 0 <= self.place < len(self._content):
            raise _broken()
        self.place += 1
        return self._content[self.place - 1]

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise _broken()

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)


def _broken() -> InvalidRequest:
    return InvalidRequest("the body is not Parquet: the head of a page cannot be read")
