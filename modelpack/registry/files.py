"""Where the files of versions are kept: what such a place can do, and the folder of ours."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from modelpack.artifacts import LocalArtifacts
from modelpack.directory import ModelDirectory, open_directory
from modelpack.errors import InvalidUri, NotFound, shorten
from modelpack.registry.blobs import keep, kept, location_of
from modelpack.registry.records import ModelVersion
from modelpack.uris import ModelRef, RegistryName


@dataclass(frozen=True, slots=True)
class Brought:
    """Files that a version can be made of: the *source* to record, their *digest*, *location* and run."""

    source: str
    digest: str
    location: str
    run_id: str


Locate = Callable[[RegistryName], ModelVersion]


class VersionFiles(Protocol):
    """Keeps the files of versions. *is_remote* says that it is a server, which keeps them where it likes."""

    is_remote: ClassVar[bool]

    def bring(self, ref: ModelRef, name: str, *, source: str, run_id: str, locate: Locate) -> Brought:
        """Verify the model *ref* and keep its files for a version of *name*; *locate* finds others."""

    def path(self, version: ModelVersion) -> Path:
        """Where the files of *version* lie on this disk."""

    def close(self) -> None:
        """Let go of connections."""


class FolderFiles:
    """VersionFiles in a folder, each set of files once under its digest."""

    is_remote: ClassVar[bool] = False

    def __init__(self, artifacts: LocalArtifacts) -> None:
        self.artifacts = artifacts

    def bring(self, ref: ModelRef, name: str, *, source: str, run_id: str, locate: Locate) -> Brought:
        """See VersionFiles. *ref* is a path or ``models:/…``."""

        def keep_here(directory: ModelDirectory) -> str:
            return keep(directory, self.artifacts)

        return brought(ref, self.path, keep_here, source=source, run_id=run_id, locate=locate)

    def path(self, version: ModelVersion) -> Path:
        """See VersionFiles."""
        require_kept(version)
        return kept(self.artifacts, version.location, version.digest).path

    def close(self) -> None:
        """See VersionFiles."""


def brought(
    ref: ModelRef,
    path: Callable[[ModelVersion], Path],
    keep: Callable[[ModelDirectory], str],
    *,
    source: str,
    run_id: str,
    locate: Locate,
) -> Brought:
    """What a version can be made of, once *keep* has the files of *ref*: a path, or a version's *path*."""
    if ref.scheme == "file":
        place = ref.path.expanduser().resolve()
        known_source, known_run = str(place), ""
    elif ref.scheme == "models":
        version = locate(RegistryName.parse(ref))
        place = path(version)
        known_source, known_run = f"models:/{version.name}/{version.version}", version.run_id
    else:
        raise InvalidUri(f"{shorten(str(ref), 120)} must be fetched to a folder before it can be registered")
    directory = open_directory(place)
    digest = keep(directory)
    run = run_id or known_run or directory.document.run_id or ""
    return Brought(source or known_source, digest, location_of(digest), run)


def require_kept(version: ModelVersion) -> None:
    """Raise NotFound for a *version* of which a server has only written down where its files are."""
    if not version.location:
        raise NotFound(
            "kept files of version",
            f"{version.name} {version.version}",
            hint=f"they were never verified, and are where its source says: {shorten(version.source, 100)}",
        )
