"""What a place that keeps files can do."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a store: *path* from its root; *size* in bytes, None for a folder."""

    path: str
    size: int | None


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

    def delete(self, path: str) -> None:
        """Remove the folder or file *path*."""
