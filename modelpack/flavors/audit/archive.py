"""A skops file as a zip archive of bounded size: members, their JSON, the headers of their arrays."""

import hashlib
import io
import json
import math
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from modelpack.errors import InvalidModel, shorten

MOST_MEMBERS = 200_000
LARGEST_DIRECTORY = 32 << 20
"""Bytes of the list of members, which a reader holds in memory."""

LARGEST_SCHEMA = 256 << 20
MOST_VALUES = 10_000_000
"""Values in ``schema.json``; a boosted model of 10,000 trees has five million."""

GREATEST_RATIO = 50
"""Inflated bytes for each byte of the file; small files may have more."""

SMALL = 64 << 20

_ZIP = b"PK\x03\x04"
_END = b"PK\x05\x06"
_END64 = b"PK\x06\x07"


class Archive:
    """The members of an open, bounded archive. Raises InvalidModel for what is missing or malformed."""

    def __init__(self, zip_file: zipfile.ZipFile) -> None:
        self._zip = zip_file
        self._infos = {info.filename: info for info in zip_file.infolist()}
        self._checked: set[str] = set()

    def names(self) -> list[str]:
        """All members."""
        return list(self._infos)

    def size(self, name: str) -> int:
        """Bytes of the member *name*, inflated."""
        if name not in self._infos:
            raise InvalidModel(f"the skops file has no member {shorten(repr(name), 80)}")
        return self._infos[name].file_size

    def read(self, name: str) -> bytes:
        """The bytes of the member *name*."""
        self.size(name)
        try:
            return self._zip.read(name)
        except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, ValueError) as error:
            raise InvalidModel(shorten(f"the skops file is damaged at {name!r}: {error}")) from None

    def digest(self, name: str) -> bytes:
        """The sha256 of the member *name*."""
        return hashlib.sha256(self.read(name)).digest()

    def schema(self) -> dict[str, Any]:
        """``schema.json``, parsed."""
        if self.size("schema.json") > LARGEST_SCHEMA:
            raise InvalidModel(f"schema.json of the skops file has more than {LARGEST_SCHEMA >> 20} MiB")
        text = self.read("schema.json")
        if sum(text.count(mark) for mark in (b",", b"[", b"{")) > MOST_VALUES:
            raise InvalidModel(f"schema.json of the skops file has more than {MOST_VALUES} values")
        try:
            schema = json.loads(text)
        except (ValueError, RecursionError):
            raise InvalidModel("schema.json of the skops file is no JSON") from None
        if not isinstance(schema, dict):
            raise InvalidModel("schema.json of the skops file is no object")
        return schema

    def array(self, name: str) -> np.ndarray:
        """The array in the member *name*, never one of objects."""
        self.check_array(name)
        array: np.ndarray = np.load(io.BytesIO(self.read(name)), allow_pickle=False)
        return array

    def check_array(self, name: str) -> None:
        """Raise InvalidModel unless the member *name* is an array of numpy's as large as its header says.

        Arrays of Python objects are refused: they hold pickles. Reads the header alone.
        """
        if name in self._checked:
            return
        size = self.size(name)
        try:
            with self._zip.open(name) as file:
                version = np.lib.format.read_magic(file)
                shape, _, dtype = _READERS[version](file)
                size -= file.tell()
        except (zipfile.BadZipFile, *_BROKEN_HEADER) as error:
            raise InvalidModel(shorten(f"{name!r} in the skops file is no array: {error}")) from None
        if dtype.hasobject:
            raise InvalidModel(
                f"{shorten(repr(name), 80)} in the skops file holds Python objects, that is a pickle"
            )
        if any(side < 0 for side in shape) or math.prod(shape) * dtype.itemsize != size:
            raise InvalidModel(f"{shorten(repr(name), 80)} in the skops file is not as large as it says")
        self._checked.add(name)

    def check_arrays(self, name: str) -> None:
        """Look at the header of each array in the archive *name* (``.npz``) inside this one."""
        content = self.read(name)
        with open_archive(io.BytesIO(content), name, len(content)) as inner:
            for member in inner.names():
                inner.check_array(member)


_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_BROKEN_HEADER = (
    ValueError,
    KeyError,
    SyntaxError,
    TypeError,
    EOFError,
    OSError,
    RecursionError,
    MemoryError,
    RuntimeError,
)


@contextmanager
def open_archive(file: BinaryIO, name: str, size: int) -> Iterator[Archive]:
    """The archive in *file*, of *size* bytes; *name* is for messages. Raises InvalidModel.

    Refused: what does not begin as a zip, too many members, members of one name, encrypted or overlapping
    ones, methods other than stored and deflated, and more inflated bytes than an honest model has.
    """
    head = file.read(4)
    if head != _ZIP:
        what = "a pickle" if head[:1] == b"\x80" else "something else"
        raise InvalidModel(f"{shorten(repr(name), 80)} is said to be a skops file, but is {what}")
    if _directory_size(file, size) > LARGEST_DIRECTORY:
        raise InvalidModel(f"{shorten(repr(name), 80)} has too many members")
    file.seek(0)
    try:
        zip_file = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError, struct.error) as error:
        raise InvalidModel(shorten(f"{name!r} is a damaged skops file: {error}")) from None
    with zip_file:
        _check(zip_file.infolist(), name, size)
        yield Archive(zip_file)


def _check(infos: list[zipfile.ZipInfo], name: str, size: int) -> None:
    place = shorten(repr(name), 80)
    if len(infos) > MOST_MEMBERS or len({info.filename for info in infos}) != len(infos):
        raise InvalidModel(f"{place} has too many members, or two of one name")
    for info in infos:
        if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InvalidModel(
                f"{shorten(repr(info.filename), 80)} in {place} is neither stored nor deflated"
            )
    # Members that share bytes add up to more than the file.
    if sum(info.compress_size for info in infos) > size:
        raise InvalidModel(f"members of {place} overlap")
    if sum(info.file_size for info in infos) > max(SMALL, GREATEST_RATIO * size):
        raise InvalidModel(f"{place} would inflate to more than {GREATEST_RATIO} times its size")


def _directory_size(file: BinaryIO, size: int) -> int:
    """Bytes of the central directory, as the end of the file tells; zipfile itself would read first."""
    start = max(0, size - 22 - 0xFFFF)
    file.seek(start)
    tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + 22:
        raise InvalidModel("the skops file has no end: it is cut off, or no zip archive")
    directory = int(struct.unpack_from("<L", tail, end + 12)[0])
    if end >= 20 and tail[end - 20 : end - 16] == _END64:
        offset = struct.unpack_from("<Q", tail, end - 20 + 8)[0]
        if offset + 56 > size:
            raise InvalidModel("the skops file has no end: it is cut off, or no zip archive")
        file.seek(offset + 40)
        directory = max(
            int(struct.unpack("<Q", file.read(8))[0]), 0 if directory == 0xFFFFFFFF else directory
        )
    return directory
