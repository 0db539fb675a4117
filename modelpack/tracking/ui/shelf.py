"""Files of runs and of versions, as pages show them: what lies where, and the beginning of one."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.paths import require_folder, require_path

PEEK: Final = 64 << 10
"""Bytes of a file that are looked at for a page."""
MOST: Final = 1_000
"""Names in one listing."""

_IMAGES: Final = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
)


@dataclass(frozen=True, slots=True)
class File:
    """A file, or a folder: *path* from the root of its run, *size* in bytes, None for a folder."""

    path: str
    size: int | None

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Peek:
    """The beginning of a file of *size* bytes."""

    start: bytes
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether this is all of it."""
        return len(self.start) == self.size

    @property
    def image(self) -> str | None:
        """The type of the picture that it is, told by its first bytes and by nothing else."""
        found = (kind for sign, at, kind in _IMAGES if self.start[at : at + len(sign)] == sign)
        return next(found, None)

    @property
    def text(self) -> str | None:
        """Its beginning as text; None for what is none."""
        if b"\0" in self.start:
            return None
        try:
            return self.start.decode("utf-8")
        except UnicodeDecodeError as error:
            # A character may have been cut in two at the end of what was read.
            is_cut = not self.is_whole and error.start >= len(self.start) - 3
            return self.start[: error.start].decode("utf-8") if is_cut else None


def place_of(parts: Parts, location: str, path: str = "") -> str:
    """Where *path* below *location* is, below the artifact root. Raises InvalidName and InvalidUri."""
    # A registered version's location is a path below the root already.
    base = require_path(location) if location.startswith("models/") else parts.files.place(location)
    below = require_folder(path)
    return "/".join(part for part in (base, below) if part)


def files_in(parts: Parts, location: str, folder: str) -> list[File]:
    """What lies directly in *folder* below *location*: folders first, then files, by name."""
    place = place_of(parts, location, folder)
    listed = parts.files.root.list(place)[:MOST]
    prefix = place_of(parts, location)
    found = [File(one.path.removeprefix(f"{prefix}/" if prefix else ""), one.size) for one in listed]
    return sorted(found, key=lambda one: (one.size is not None, one.path))


def peek(parts: Parts, location: str, path: str) -> Peek:
    """The beginning of the file *path* below *location*. Raises NotFound, and IsFolder for a folder."""
    with closing(parts.files.root.open(place_of(parts, location, path))) as opened:
        size = opened.facts.size
        return Peek(b"".join(opened.chunks(0, min(size, PEEK))), size)


def stream(parts: Parts, location: str, path: str) -> tuple[int, Iterator[bytes]]:
    """The size of a file, and its bytes, a little at a time; it is closed at their end."""
    opened = parts.files.root.open(place_of(parts, location, path))

    def chunks() -> Iterator[bytes]:
        with closing(opened):
            yield from opened.chunks(0, opened.facts.size)

    return opened.facts.size, chunks()
