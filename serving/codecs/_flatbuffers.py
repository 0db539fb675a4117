"""As much of FlatBuffers as it takes to look into a message before anybody acts on it."""

import struct
from collections.abc import Iterator

from serving.errors import InvalidRequest

_INT16 = struct.Struct("<h")
_UINT16 = struct.Struct("<H")
_INT32 = struct.Struct("<i")
_UINT32 = struct.Struct("<I")
INT64 = struct.Struct("<q")


class Table:
    """A table inside *content*, at the byte *place*.

    Every place is checked: reading outside of *content* raises InvalidRequest.
    """

    def __init__(self, content: memoryview, place: int) -> None:
        self.content = content
        self.place = place

    @classmethod
    def root(cls, content: memoryview) -> "Table":
        """The table that a whole buffer holds."""
        return cls(content, read(_UINT32, content, 0))

    def field(self, number: int) -> int | None:
        """The place of the field *number*, None where it is absent."""
        described = self.place - read(_INT32, self.content, self.place)
        entry = 4 + 2 * number
        if described < 0 or entry >= read(_UINT16, self.content, described):
            return None
        offset = read(_UINT16, self.content, described + entry)
        return self.place + offset if offset else None

    def byte(self, number: int) -> int:
        """The byte in the field *number*; 0 where it is absent."""
        place = self.field(number)
        return 0 if place is None else self.content[place] if place < len(self.content) else _outside()

    def long(self, number: int) -> int:
        """The 64-bit integer in the field *number*; 0 where it is absent."""
        place = self.field(number)
        return 0 if place is None else read(INT64, self.content, place)

    def table(self, number: int) -> "Table | None":
        """The table that the field *number* points to."""
        place = self.field(number)
        return None if place is None else Table(self.content, place + read(_UINT32, self.content, place))

    def pairs(self, number: int) -> Iterator[tuple[int, int]]:
        """The structs of two 64-bit integers in the list that the field *number* points to."""
        place = self.field(number)
        if place is None:
            return
        start = place + read(_UINT32, self.content, place)
        count = read(_UINT32, self.content, start)
        for each in range(start + 4, start + 4 + 16 * count, 16):
            yield read(INT64, self.content, each), read(INT64, self.content, each + 8)


def read(form: struct.Struct, content: memoryview, place: int) -> int:
    """The number of *form* at *place*; raises InvalidRequest outside of *content*."""
    if place < 0 or place + form.size > len(content):
        _outside()
    return int(form.unpack_from(content, place)[0])


def _outside() -> int:
    raise InvalidRequest("the body is not Arrow: a message points outside of itself")
