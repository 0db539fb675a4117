"""What an artifact root can do for a server: files streamed in and out, models kept for good."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modelpack.artifacts.store import Entry
from modelpack.directory import ModelDirectory


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file: *size* in bytes, *modified* in seconds since 1970, *tag* for what is in it."""

    size: int
    modified: float
    tag: str


class Opened(Protocol):
    """A file that is being read; closed by who opened it."""

    @property
    def facts(self) -> Facts: ...

    def chunks(self, start: int, length: int) -> Iterator[bytes]:
        """*length* bytes from *start* on, in pieces. Raises StoreUnavailable where they end early."""

    def close(self) -> None:
        """Let go of it."""


class Arrival(Protocol):
    """A file on its way in, seen by nobody: finish() puts it in its place whole, discard() leaves nothing."""

    def write(self, chunk: bytes) -> None:
        """Add to it. Raises StoreFull where there is no room."""

    def finish(self) -> None:
        """Put it in its place, durable, instead of what was there."""

    def discard(self) -> None:
        """Forget it; after finish() this does nothing."""


class Root(Protocol):
    """Files by their path below the root, which the caller has looked at (paths.py); links lead nowhere.

    Raises NotFound, InvalidName for a path that another file or folder stands in the way of, StoreFull and
    StoreUnavailable. No message tells where the root is.
    """

    def open(self, path: str) -> Opened:
        """The file *path*. Raises IsFolder for a folder."""

    def list(self, path: str) -> list[Entry]:
        """What lies directly in the folder *path*, sorted; nothing where there is none."""

    def receive(self, path: str) -> Arrival:
        """A file that is to be *path*."""

    def delete(self, path: str) -> None:
        """Remove the file or folder *path*; that there is none is no error."""

    def folder(self, path: str) -> AbstractContextManager[Path]:
        """The folder *path* on this disk, to be read only, while the block lasts."""

    def keep(self, directory: ModelDirectory) -> str:
        """Keep the files of a verified model under their digest, for good; answers the digest."""

    def close(self) -> None:
        """Let go of connections."""
