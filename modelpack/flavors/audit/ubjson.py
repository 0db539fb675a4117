"""UBJSON (draft 12), the binary JSON of XGBoost's files, as plain values and arrays.

Bounded by the bytes there are: no count makes this allocate more than the file holds, and nothing nests
deeper than ``DEEPEST``.
"""

import struct
from typing import Any

import numpy as np

from modelpack.errors import InvalidModel

DEEPEST = 64
"""Levels; XGBoost needs eleven."""

_NUMBERS: dict[str, np.dtype[Any]] = {
    "i": np.dtype(">i1"),
    "U": np.dtype(">u1"),
    "I": np.dtype(">i2"),
    "l": np.dtype(">i4"),
    "L": np.dtype(">i8"),
    "d": np.dtype(">f4"),
    "D": np.dtype(">f8"),
}
_CONSTANTS = {"Z": None, "T": True, "F": False}


def loads(content: bytes) -> Any:
    """The value that *content* is. Raises InvalidModel for bytes that are no UBJSON, and for a key twice."""
    reader = _Reader(content)
    try:
        value = reader.value(reader.marker(), 0)
    except (IndexError, ValueError, struct.error) as error:
        if isinstance(error, InvalidModel):
            raise
        raise InvalidModel(f"the UBJSON file is cut or damaged at byte {reader.place}") from error
    if content[reader.place :].strip(b"N\x00"):
        raise InvalidModel(f"the UBJSON file goes on after its end, at byte {reader.place}")
    return value


class _Reader:
    """Reads on from *place*."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.place = 0

    def marker(self) -> str:
        """The next byte but for those that mean nothing, as a letter."""
        while True:
            letter = chr(self._content[self.place])
            self.place += 1
            if letter != "N":
                return letter

    def value(self, marker: str, depth: int) -> Any:
        """The value of the kind *marker*, which has been read."""
        if depth > DEEPEST:
            raise InvalidModel(f"the UBJSON file nests deeper than {DEEPEST} levels")
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker in _NUMBERS:
            return self._array(marker, 1)[0].item()
        if marker == "C":
            return self._bytes(1).decode("ascii")
        if marker in "SH":
            return self._text()
        if marker == "[":
            return self._list(depth)
        if marker == "{":
            return self._object(depth)
        raise InvalidModel(f"the UBJSON file has a value of the kind {marker!r}")

    def _bytes(self, count: int) -> bytes:
        if count < 0 or count > len(self._content) - self.place:
            raise InvalidModel(f"the UBJSON file is cut at byte {self.place}")
        self.place += count
        return self._content[self.place - count : self.place]

    def _array(self, marker: str, count: int) -> np.ndarray:
        dtype = _NUMBERS[marker]
        return np.frombuffer(self._bytes(count * dtype.itemsize), dtype=dtype)

    def _count(self) -> int:
        marker = self.marker()
        if marker not in "iUIlL":
            raise InvalidModel(f"the UBJSON file has a length of the kind {marker!r}")
        count = int(self._array(marker, 1)[0])
        if not 0 <= count <= len(self._content):
            raise InvalidModel(f"the UBJSON file has a length of {count}")
        return count

    def _text(self) -> str:
        return self._bytes(self._count()).decode()

    def _head(self) -> tuple[str, int | None]:
        """The kind of all values, if it is said, and how many there are, if that is."""
        kind, count = "", None
        if self._content[self.place] == ord("$"):
            kind = chr(self._content[self.place + 1])
            self.place += 2
        if self._content[self.place] == ord("#"):
            self.place += 1
            count = self._count()
        elif kind:
            raise InvalidModel("the UBJSON file has values of one kind and does not say how many")
        return kind, count

    def _list(self, depth: int) -> Any:
        kind, count = self._head()
        if kind in _NUMBERS and count is not None:
            return self._array(kind, count)
        if kind in _CONSTANTS:
            raise InvalidModel("the UBJSON file has a list without content")
        if count is not None:
            return [self.value(kind or self.marker(), depth + 1) for _ in range(count)]
        values = []
        while (marker := self.marker()) != "]":
            values.append(self.value(marker, depth + 1))
        return values

    def _object(self, depth: int) -> dict[str, Any]:
        kind, count = self._head()
        found: dict[str, Any] = {}
        read = 0
        while read != count:
            if count is None and self._content[self.place] == ord("}"):
                self.place += 1
                break
            key = self._text()
            if key in found:
                raise InvalidModel("the UBJSON file has a key twice")
            found[key] = self.value(kind or self.marker(), depth + 1)
            read += 1
        return found
