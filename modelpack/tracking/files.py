"""The files of runs: put beside each other, listed, fetched, wherever their run says that they are."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from modelpack.artifacts import LocalArtifacts
from modelpack.artifacts.cache import Cache
from modelpack.artifacts.download import download, patience, tree
from modelpack.artifacts.places import Place, Places
from modelpack.artifacts.root import ArtifactRoot
from modelpack.artifacts.store import RemoteStore
from modelpack.errors import InvalidName, NotFound, shorten
from modelpack.files import make_folder, walk
from modelpack.tracking.records import FileInfo
from modelpack.uris import ModelRef

if TYPE_CHECKING:
    from modelpack.remote.server import MlflowServer


class RunFiles:
    """Files below the ``artifact_uri`` of a run: in a folder, in a bucket, or behind *server*.

    With a *server*, a folder of this machine is used only if its operator shares it, as for references.
    """

    def __init__(self, environ: Mapping[str, str], server: "MlflowServer | None") -> None:
        self._environ, self._server = environ, server
        self._places = Places(environ, server, Cache.open(environ))

    def log(self, root: str, source: Path, folder: str = "") -> None:
        """Put the file *source*, or the files of the folder *source*, into *folder* below *root*.

        Raises NotFound where there is no *source*.
        """
        if not source.exists():
            raise NotFound("file", str(source))
        store, path = self._place(root)
        named = [(source, source.name)] if source.is_file() else _below(source)
        for file, name in named:
            store.send(file, _joined(path, folder, name))

    def list(self, root: str, folder: str = "") -> list[FileInfo]:
        """What lies directly in *folder* below *root*, sorted; nothing where it does not exist."""
        store, path = self._place(root)
        below = _joined(path, folder)
        try:
            entries = list(store.list(below))
        except NotFound:
            return []
        prefix = f"{path}/" if path else ""
        return [FileInfo(one.path.removeprefix(prefix), one.size is None, one.size) for one in entries]

    def fetch(self, root: str, path: str, into: Path) -> Path:
        """Copy the file or folder *path* below *root* into the folder *into*; where it is then.

        Raises NotFound, and StoreUnavailable where it does not arrive.
        """
        store, base = self._place(root)
        wanted = _joined(base, path)
        target = into / PurePosixPath(path).name
        if isinstance(store, LocalArtifacts):
            return _copied(store.path(wanted) if wanted else store.root, target)
        folder = wanted.rpartition("/")[0]
        file = next((one for one in store.list(folder) if one.path == wanted and one.size is not None), None)
        make_folder(into if file else target)
        files = tree(store, wanted) if file is None else [file]
        download(
            store,
            folder if file else wanted,
            files,
            into if file else target,
            patience=patience(self._environ),
        )
        return target

    def close(self) -> None:
        """Let go of connections."""
        self._places.close()

    def _place(self, root: str) -> tuple[LocalArtifacts | RemoteStore, str]:
        ref = ModelRef.parse(root)
        if self._server is None:
            ref = ArtifactRoot.read(self._environ).follow(ref)
        if ref.scheme == "file" and self._server is None:
            # Our own database says so, not somebody's server.
            return LocalArtifacts(ref.path), ""
        place = self._places.follow(ref)
        return (place.store, place.path) if isinstance(place, Place) else (LocalArtifacts(place), "")


def _copied(source: Path, target: Path) -> Path:
    if source.is_file():
        make_folder(target.parent)
        shutil.copyfile(source, target)
        return target
    for file in walk(source):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy, follow_symlinks=False)
    return target


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    return ((file, file.relative_to(folder).as_posix()) for file in walk(folder))


def _joined(*parts: str) -> str:
    """A path of the *parts* that are not empty. Raises InvalidName for one that leads outside."""
    path = "/".join(part.strip("/") for part in parts if part.strip("/"))
    if not path:
        return ""
    if any(part in ("", ".", "..") for part in path.split("/")) or "\\" in path or not path.isprintable():
        raise InvalidName(f"the artifact path {shorten(repr(path), 120)} leads out of its run, or nowhere")
    return path
