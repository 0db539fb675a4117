"""An artifact root that is a bucket, or a folder in one; reached with the operator's own credentials."""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from modelpack.artifacts.buckets import PACKAGES, BucketArtifacts, BucketPath
from modelpack.artifacts.download import download, patience, tree
from modelpack.artifacts.store import Entry
from modelpack.directory import ModelDirectory
from modelpack.errors import InvalidName, InvalidUri, NotFound, StoreUnavailable, shorten
from modelpack.registry.blobs import keep_in_bucket
from modelpack.tracking.server.errors import IsFolder
from modelpack.tracking.server.folder_root import refusals
from modelpack.tracking.server.paths import is_reserved
from modelpack.tracking.server.roots import Facts
from modelpack.uris import ModelRef

_WHOLE: Final = re.compile(rf"({'|'.join(PACKAGES)})://[^/?#\\]+/*")
_PREFIX: Final = "modelpack-server-"
SIGNED_VARIABLE: Final = "MODELPACK_SIGNED_ADDRESSES"
"""Set to ``no`` where clients do not reach the bucket by the server's address of it."""


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """The bucket *root*, and the *prefix* in it below which the files lie; empty for all of it."""

    root: str
    prefix: str

    @classmethod
    def parse(cls, uri: str) -> "BucketPlace":
        """Read ``s3://BUCKET`` or ``s3://BUCKET/FOLDER``; raises InvalidUri."""
        if _WHOLE.fullmatch(uri):
            return cls(uri.rstrip("/"), "")
        ref = ModelRef.parse(uri)
        if ref.scheme not in PACKAGES:
            raise InvalidUri(f"{shorten(uri, 120)} is no bucket; write s3://BUCKET/FOLDER")
        found = BucketPath.parse(ref)
        return cls(found.root, found.path)


class BucketRoot:
    """A Root in a bucket. What arrives waits on this disk (``TMPDIR``) until it is whole."""

    def __init__(self, place: BucketPlace, environ: Mapping[str, str]) -> None:
        self.place, self._environ = place, environ
        self.store = BucketArtifacts(place.root, environ)

    @property
    def can_sign(self) -> bool:
        """Whether clients can be given addresses in it: ``MODELPACK_SIGNED_ADDRESSES=no`` says otherwise."""
        is_out_of_reach = self._environ.get(SIGNED_VARIABLE, "").strip().lower() in (
            "0",
            "no",
            "off",
            "false",
        )
        return self.place.root.startswith("s3://") and not is_out_of_reach

    def open(self, path: str) -> "OpenedObject":
        """See Root."""
        try:
            entry, changed = self.store.look(self.full(path))
        except NotFound:
            raise NotFound("artifact", path) from None
        if entry.size is None:
            raise IsFolder(f"{shorten(repr(path), 120)} is a folder; ask for its list, or for a file in it")
        return OpenedObject(Facts(entry.size, changed, f"{entry.tag}-{entry.size:x}"), entry, self.store)

    def list(self, path: str) -> list[Entry]:
        """See Root. A file is no folder, though some buckets list it as one that holds itself."""
        place, below = self.full(path), len(self.full("")) + 1 if self.place.prefix else 0
        try:
            entries = [one for one in self.store.list(place) if one.path != place]
        except NotFound:
            return []
        return [
            Entry(one.path[below:], one.size)
            for one in entries
            if not is_reserved(one.path.rpartition("/")[2]) and one.path.isprintable()
        ]

    def receive(self, path: str) -> "ArrivingObject":
        """See Root."""
        with refusals(path):
            file = tempfile.NamedTemporaryFile(prefix=_PREFIX)  # noqa: SIM115 - finish() or discard() closes it
        return ArrivingObject(file, Path(file.name), self.full(path), self.store)

    def delete(self, path: str) -> None:
        """See Root."""
        with suppress(NotFound):
            self.store.delete(self.full(path))

    @contextmanager
    def folder(self, path: str) -> Iterator[Path]:
        """See Root."""
        place = self.full(path)
        with tempfile.TemporaryDirectory(prefix=_PREFIX) as copy:
            into = Path(copy)
            files = tree(self.store, place)
            if [one.path for one in files] == [place]:
                raise NotFound("artifact", path, hint="it is a file, and no folder")
            download(self.store, place, files, into, patience=patience(self._environ))
            yield into

    def keep(self, directory: ModelDirectory) -> str:
        """See Root."""
        return keep_in_bucket(directory, self.store, self.place.prefix)

    def full(self, path: str) -> str:
        """Where *path* lies in the bucket."""
        if any(mark in path for mark in "?#%*[]"):
            raise InvalidName(
                f"{shorten(repr(path), 120)} holds one of ? # % * [ ], which buckets do not take"
            )
        return "/".join(part for part in (self.place.prefix, path) if part)

    def close(self) -> None:
        """See Root."""


@dataclass(frozen=True, slots=True)
class OpenedObject:
    """An Opened file of a bucket."""

    facts: Facts
    entry: Entry
    store: BucketArtifacts

    def chunks(self, start: int, length: int) -> Iterator[bytes]:
        """See Opened."""
        with self.store.read(Entry(self.entry.path, start + length), start=start) as piece:
            for chunk in piece.chunks:
                length -= len(chunk)
                yield chunk
        if length:
            raise StoreUnavailable("the file was cut short while it was read; ask again")

    def close(self) -> None:
        """See Opened."""


class ArrivingObject:
    """An Arrival at *place*, kept in the temporary *file* until it is whole."""

    def __init__(self, file: IO[bytes], name: Path, place: str, store: BucketArtifacts) -> None:
        self._file, self._name, self._place, self._store = file, name, place, store

    def write(self, chunk: bytes) -> None:
        """See Arrival."""
        with refusals(self._place):
            self._file.write(chunk)

    def finish(self) -> None:
        """See Arrival."""
        with refusals(self._place):
            self._file.flush()
        self._store.send(self._name, self._place)
        self.discard()

    def discard(self) -> None:
        """See Arrival."""
        self._file.close()
