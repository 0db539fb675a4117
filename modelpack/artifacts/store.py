"""What a place that keeps files can do."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a store: *path* from its root; *size* in bytes, None for a folder.

    *tag* changes when the file does; it is empty in stores that do not tell.
    """

    path: str
    size: int | None
    tag: str = ""


class ArtifactStore(Protocol):
    """Files under relative, slash-separated paths; it knows no names of models.

    A path that leads outside, or through a link, raises InvalidModel, one that names nothing NotFound, and a
    place that refuses (full, read-only, unreachable) StoreUnavailable.
    """

    def list(self, path: str = "") -> Iterator[Entry]:
        """What lies directly in the folder *path*, sorted."""

    def fetch(self, path: str, into: Path) -> Path:
        """Copy the folder *path* to *into*, whole or not at all; AlreadyExists when there is something."""

    def put(self, source: Path, path: str, *, prepare: Callable[[Path], None] | None = None) -> None:
        """Keep a copy of the folder *source* as *path*: durable on return, and whole or not at all.

        *prepare* is handed the copy before anyone else can see it; what it raises leaves nothing behind.
        Raises AlreadyExists when *path* is taken.
        """

    def send(self, file: Path, path: str) -> None:
        """Keep a copy of the one *file* as *path*, in place of what was there: whole or not at all."""

    def delete(self, path: str) -> None:
        """Remove the folder or file *path*."""


class Chunks(Protocol):
    """Bytes of a file from *start* on, as they arrive; *tag* changes when the file does, or is empty."""

    @property
    def start(self) -> int: ...
    @property
    def tag(self) -> str: ...
    @property
    def chunks(self) -> Iterator[bytes]: ...


class RemoteStore(ArtifactStore, Protocol):
    """An ArtifactStore whose files arrive over a network, from any byte on."""

    def read(self, file: Entry, *, start: int = 0, tag: str = "") -> AbstractContextManager[Chunks]:
        """One try to read *file* from *start* on, if it still bears *tag*; else from 0 on.

        Raises Passing, also in the middle, for what another try may cure.
        """
