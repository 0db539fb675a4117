"""Models that were fetched, each once, under its digest: verified whenever one is asked for, and bounded."""

import hashlib
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from modelpack import settings
from modelpack.artifacts.download import download, patience, tree, within
from modelpack.artifacts.leases import Leases, alone
from modelpack.artifacts.private import make_private, write_private
from modelpack.artifacts.progress import shown
from modelpack.artifacts.refusals import refusals
from modelpack.artifacts.store import Entry, RemoteStore
from modelpack.directory import layout
from modelpack.directory.manifest import LARGEST, Manifest
from modelpack.errors import DamagedModel, InvalidModel, InvalidUri, NotFound, StoreUnavailable, shorten
from modelpack.files import STAGING, close_permissions, sync, sync_tree
from modelpack.remote.patience import Passing, Patience

VARIABLE: Final = "MODELPACK_CACHE_BYTES"
"""How many bytes the cache may hold; the models that were used longest ago leave it first."""
MOST_BYTES: Final = 20 << 30

_LARGEST_DOCUMENT: Final = 16 << 20
_PARTIAL_LIFETIME: Final = 7 * 24 * 3600.0
_HEX = re.compile(r"[0-9a-f]{64}")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """A model in the cache: its *digest*, its place, its *size* in bytes, and where it was fetched from.

    *used* is when it was last asked for, in seconds since 1970; *in_use* says that a process has it now.
    """

    digest: str
    path: Path
    size: int
    used: float
    sources: tuple[str, ...]
    in_use: bool


class _Source(msgspec.Struct):
    """What a source was when it was fetched last."""

    source: str
    fingerprint: str
    digest: str


class Cache:
    """The cache in the folder *root*, of at most *most* bytes as far as no process uses more.

    Any number of processes may use it at once: of those that want one model, one fetches it, and the others
    wait for that.
    """

    def __init__(self, root: Path, *, most: int = MOST_BYTES, patience: Patience | None = None) -> None:
        self.root, self.most = root, most
        self._patience = patience or Patience(total=3600.0)
        self._leases = Leases(root / "leases")

    @classmethod
    def open(cls, environ: Mapping[str, str]) -> "Cache":
        """The cache below ``$MODELPACK_HOME``, of ``MODELPACK_CACHE_BYTES``."""
        text = environ.get(VARIABLE, "")
        if text and not (text.isascii() and text.isdigit()):
            raise InvalidUri(f"{VARIABLE} is {shorten(repr(text), 40)}, and no number of bytes")
        most = int(text) if text else MOST_BYTES
        return cls(settings.home(environ) / "cache", most=most, patience=patience(environ))

    def fetch(self, store: RemoteStore, path: str, source: str) -> Path:
        """Where the model at *path* in *store* lies on this disk, every byte of it verified now.

        *source* is what the place is called, without any secret. What is here already is not fetched again:
        the store is asked for its list of files and its document, and only when those differ for the rest.
        Raises NotFound, StoreUnavailable, and DamagedModel for files that are not what their manifest says.
        """
        key = hashlib.sha256(source.encode()).hexdigest()
        with refusals(self.root), self._locked(key):
            files = tree(store, path)
            manifest = _manifest(store, path, files)
            fingerprint = _fingerprint(store, path, files)
            known = self._read(key)
            digest = manifest.digest if manifest else ""
            if not digest and known is not None and known.fingerprint == fingerprint:
                digest = known.digest
            found = self._intact(digest) if digest else None
            if found is None:
                digest = self._bring(store, path, files, f"{key[:32]}-{fingerprint[:32]}")
                found = self._intact(digest)
                if found is None:
                    raise StoreUnavailable(
                        f"the cache at {shorten(str(self.root), 160)} does not keep what it is given"
                    )
            self._write(key, _Source(source, fingerprint, digest))
        self._make_room(digest)
        return found

    def entries(self) -> list[Kept]:
        """All models in the cache, the one that was used last first."""
        sources = self._sources()
        kept = []
        for path in sorted((self.root / "models" / "sha256").glob("??/*")):
            if not _HEX.fullmatch(path.name):
                continue
            digest = f"sha256:{path.name}"
            kept.append(
                Kept(
                    digest=digest,
                    path=path,
                    size=_size(path),
                    used=self._leases.touched(digest) or path.stat().st_mtime,
                    sources=tuple(sorted(sources.get(digest, ()))),
                    in_use=self._leases.is_held(digest),
                )
            )
        return sorted(kept, key=lambda one: -one.used)

    def prune(self, wanted: Callable[[Kept], bool]) -> list[Kept]:
        """Remove the models that are *wanted* away and that no process uses; answers those that left.

        What fetches left behind, that nobody went on with for a week, goes too.
        """
        gone = [one for one in self.entries() if wanted(one) and self._remove(one)]
        self._sweep()
        return gone

    def _make_room(self, but: str) -> None:
        held, excess = 0, []
        for one in self.entries():
            held += one.size
            if held > self.most and one.digest != but:
                excess.append(one.digest)
        if excess:
            self.prune(lambda one: one.digest in excess)

    def _bring(self, store: RemoteStore, path: str, files: list[Entry], name: str) -> str:
        """Fetch, verify and keep; answers the digest. A file that arrived damaged is fetched once more."""
        partial = self.root / "partial" / name
        make_private(partial)
        os.utime(partial)
        for is_last in (False, True):
            total = sum(entry.size or 0 for entry in files)
            with shown(total, path.rpartition("/")[2]) as progress:
                download(store, path, files, partial, patience=self._patience, progress=progress)
            try:
                manifest = Manifest.read(partial)
            except InvalidModel:
                findings = [("changed", layout.MANIFEST)]
            else:
                findings = manifest.compare(partial) if manifest else []
            if not findings:
                break
            if is_last:
                shutil.rmtree(partial, ignore_errors=True)
                raise DamagedModel(shorten(path, 120), findings)
            for _, name in findings:
                (partial / name).unlink(missing_ok=True)
        if manifest is None:
            manifest = Manifest.of(partial)
            manifest.write(partial)
        self._place(partial, manifest.digest)
        return manifest.digest

    def _place(self, partial: Path, digest: str) -> None:
        """Let the model in *partial* be the one with *digest*, in one step, and durably."""
        place = self._path(digest)
        make_private(place.parent)
        close_permissions(partial)
        sync_tree(partial)
        try:
            partial.rename(place)
        except OSError:
            # Someone else brought the same files from another source.
            if not place.is_dir():
                raise
            shutil.rmtree(partial, ignore_errors=True)
        sync(place.parent)

    def _intact(self, digest: str) -> Path | None:
        """The place of *digest*, held for this process, if every byte is right; else it leaves the cache."""
        place = self._path(digest)
        self._leases.hold(digest)
        if not place.is_dir():
            return None
        try:
            manifest = Manifest.read(place)
            if manifest is not None and manifest.digest == digest and not manifest.compare(place):
                self._leases.touch(digest)
                return place
        except InvalidModel:
            pass
        logger.warning("a cached model was damaged, and is fetched again", extra={"digest": digest})
        _discard(place)
        return None

    def _remove(self, one: Kept) -> bool:
        with self._leases.last(one.digest) as is_ours:
            if is_ours:
                _discard(one.path)
        return is_ours

    def _sweep(self) -> None:
        digests = {one.digest for one in self.entries()}
        for file in (self.root / "sources").glob("*.json"):
            known = self._read(file.stem)
            if known is None or known.digest not in digests:
                file.unlink(missing_ok=True)
        for partial in (self.root / "partial").glob("*"):
            if time.time() - partial.stat().st_mtime > _PARTIAL_LIFETIME:
                shutil.rmtree(partial, ignore_errors=True)

    def _locked(self, key: str) -> AbstractContextManager[None]:
        """Only one process at a time is at the source with *key*."""
        return alone(self.root / "locks" / key, self._patience)

    def _path(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return self.root / "models" / "sha256" / name[:2] / name

    def _sources(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for file in (self.root / "sources").glob("*.json"):
            if known := self._read(file.stem):
                found.setdefault(known.digest, set()).add(known.source)
        return found

    def _read(self, key: str) -> _Source | None:
        try:
            return msgspec.json.decode((self.root / "sources" / f"{key}.json").read_bytes(), type=_Source)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def _write(self, key: str, source: _Source) -> None:
        write_private(self.root / "sources" / f"{key}.json", msgspec.json.encode(source))


def _discard(place: Path) -> None:
    """Take *place* away in one step, so that nobody meets a half of it."""
    away = place.with_name(f"{STAGING}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        place.rename(away)
    except FileNotFoundError:
        return
    shutil.rmtree(away, ignore_errors=True)


def _size(path: Path) -> int:
    try:
        manifest = Manifest.read(path)
    except InvalidModel:
        manifest = None
    return sum(one.size for one in manifest.files.values()) if manifest else 0


def _manifest(store: RemoteStore, path: str, files: list[Entry]) -> Manifest | None:
    """The manifest at *path*, if there is one: it tells the digest before anything else is fetched."""
    for entry in files:
        if within(path, entry) == layout.MANIFEST:
            try:
                return Manifest.parse(_small(store, entry, LARGEST))
            except InvalidModel:
                return None
    return None


def _fingerprint(store: RemoteStore, path: str, files: list[Entry]) -> str:
    """What changes when the model does: names, sizes, tags, and the document with its time and id."""
    documents = [entry for entry in files if within(path, entry) == layout.DOCUMENT]
    if not documents:
        raise NotFound("model", path, hint=f"there is no file {layout.DOCUMENT}")
    facts = [(within(path, entry), entry.size, entry.tag) for entry in files]
    digest = hashlib.sha256(msgspec.json.encode(facts))
    digest.update(_small(store, documents[0], _LARGEST_DOCUMENT))
    return digest.hexdigest()


def _small(store: RemoteStore, entry: Entry, most: int) -> bytes:
    if (entry.size or 0) > most:
        raise InvalidModel(f"{shorten(repr(entry.path), 120)} has more than {most >> 20} MiB")

    def act() -> bytes:
        content = b""
        with store.read(entry) as piece:
            for chunk in piece.chunks:
                content += chunk
                if len(content) > most:
                    raise InvalidModel(f"{shorten(repr(entry.path), 120)} has more than {most >> 20} MiB")
        if len(content) != entry.size:
            raise Passing(f"{shorten(repr(entry.path), 120)} is not as long as it was listed")
        return content

    return Patience().insist(act)
