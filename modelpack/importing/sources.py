"""What can be imported from: an MLflow server, its database file, or a folder of MLflow's files."""

import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from modelpack.errors import InvalidUri, NotFound, shorten
from modelpack.importing.database import DatabaseSource
from modelpack.importing.folder import FolderSource
from modelpack.importing.local import LocalPlaces
from modelpack.registry.records import ModelVersion, RegisteredModel
from modelpack.remote.address import ServerAddress, is_server
from modelpack.uris import ModelRef


class Source(Protocol):
    """A registry of MLflow's, read and never changed. *name* is what it is called, without any secret."""

    @property
    def name(self) -> str: ...

    def models(self) -> Iterator[RegisteredModel]:
        """All of them, by name."""

    def versions(self, name: str) -> list[ModelVersion]:
        """The versions of *name*, by number; *source* is a reference to the files."""

    def path(self, version: ModelVersion) -> Path:
        """A folder of this disk with the files of *version*; raises what references raise."""

    def close(self) -> None:
        """Let go of connections."""


def open_source(
    text: str, *, environ: Mapping[str, str] = os.environ, folders: Sequence[Path] = ()
) -> Source:
    """What *text* means: ``http://…``, ``sqlite:///FILE``, its path, or that of a folder ``mlruns``.

    Versions may lie in that folder, or the file's, or in *folders*; references elsewhere on this disk are
    refused. Raises InvalidUri and NotFound.
    """
    if is_server(text):
        # By name: an HTTP library is for those who have a server.
        server: Any = importlib.import_module("modelpack.importing.server")
        source: Source = server.ServerSource(ServerAddress.parse(text, "the source"), environ)
        return source
    if text.lower().startswith("sqlite:///"):
        path = Path(text[len("sqlite:///") :])
    else:
        ref = ModelRef.parse(text)
        if ref.scheme != "file":
            raise InvalidUri(
                f"{shorten(text.partition(':')[0], 40)!r} is nothing to import from; give http://HOST:PORT "
                "of the MLflow server, sqlite:///FILE, or the folder mlruns"
            )
        path = ref.path.expanduser()
    path = path.absolute()
    if path.is_dir():
        return FolderSource(path, LocalPlaces([path, *folders], environ))
    if path.is_file():
        return DatabaseSource(path, LocalPlaces([path.parent, *folders], environ))
    raise NotFound("registry of MLflow", str(path), hint="give its server's address, its file, or its folder")
