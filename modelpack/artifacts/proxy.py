"""Files behind an MLflow server, which reads and writes its own store for us."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from modelpack.artifacts import carrier
from modelpack.artifacts.store import Entry
from modelpack.errors import InvalidModel, NotFound, StoreUnavailable, shorten
from modelpack.files import relative
from modelpack.remote.answers import Piece, Refused

if TYPE_CHECKING:
    from modelpack.remote.http import Http

PROXY: Final = "/api/2.0/mlflow-artifacts/artifacts"


class _File(msgspec.Struct):
    path: str
    is_dir: bool = False
    file_size: int | None = None


class _Listing(msgspec.Struct):
    files: list[_File] = []


class ProxiedArtifacts:
    """An ArtifactStore behind the server of *http*: what its references ``mlflow-artifacts:/…`` mean."""

    def __init__(self, http: "Http", environ: Mapping[str, str]) -> None:
        self._http, self._environ = http, environ

    def list(self, path: str = "") -> Iterator[Entry]:
        """See ArtifactStore. A folder that does not exist is an empty one, as the server has it."""
        asked = relative(path).as_posix() if path else ""
        with _seam(path):
            body = self._http.ask("GET", PROXY, params={"path": asked} if asked else None)
        try:
            files = msgspec.json.decode(body, type=_Listing).files
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise StoreUnavailable(f"{self._http.address} lists files in a way of its own") from error
        for one in sorted(files, key=lambda file: file.path):
            yield _entry(asked, one)

    def fetch(self, path: str, into: Path) -> Path:
        """See ArtifactStore."""
        return carrier.fetch(self, path, into, self._environ)

    @contextmanager
    def read(self, file: Entry, *, start: int = 0, tag: str = "") -> Iterator[Piece]:
        """See RemoteStore."""
        with _seam(file.path), self._http.read(_place(file.path), start=start, tag=tag) as piece:
            yield piece

    def put(self, source: Path, path: str, *, prepare: Callable[[Path], None] | None = None) -> None:
        """See ArtifactStore; carrier.put() says what *whole* means here."""
        carrier.put(self, source, relative(path).as_posix(), self.send, prepare)

    def delete(self, path: str) -> None:
        """See ArtifactStore. What does not exist is deleted already, as the server has it."""
        with _seam(path):
            self._http.ask("DELETE", _place(path))

    def send(self, file: Path, path: str) -> None:
        """See ArtifactStore."""
        with _seam(path):
            self._http.send(_place(path), file)


def _entry(folder: str, one: _File) -> Entry:
    # The server tells names, not paths: one with a slash would lead elsewhere.
    if "/" in one.path or relative(one.path).as_posix() != one.path:
        raise InvalidModel(f"the server lists {shorten(repr(one.path), 120)}, which is no name of a file")
    size = None if one.is_dir else one.file_size or 0
    return Entry(f"{folder}/{one.path}" if folder else one.path, size)


def _place(path: str) -> str:
    return f"{PROXY}/{quote(relative(path).as_posix())}"


@contextmanager
def _seam(path: str) -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        if refused.status == 404:
            raise NotFound("artifact", path, hint=shorten(refused.said, 120)) from refused
        raise StoreUnavailable(str(refused)) from refused
