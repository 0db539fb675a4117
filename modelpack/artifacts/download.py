"""Files over a network into a folder: resumed, tried again, and never taken for whole before they are."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from modelpack.artifacts.progress import Progress, Silence
from modelpack.artifacts.refusals import refusals
from modelpack.artifacts.store import Entry, RemoteStore
from modelpack.errors import InvalidModel, NotFound, StoreUnavailable, shorten
from modelpack.files import inside, relative
from modelpack.remote.patience import Attempts, Passing, Patience

VARIABLE: Final = "MODELPACK_DOWNLOAD_SECONDS"
"""Seconds that the files of one model may take to arrive, with all tries."""
MOST_FILES: Final = 100_000
DEEPEST: Final = 32
PART: Final = ".modelpack-part"
"""Ends the name of a file that is arriving; no file of a model may end so."""

_MOVED: Final = 8 << 20
"""Bytes that must have arrived before a failure counts as the first one again."""


def patience(environ: Mapping[str, str]) -> Patience:
    """How long downloads may take: ``MODELPACK_DOWNLOAD_SECONDS``, or an hour."""
    return Patience.read(environ, VARIABLE, 3600.0)


def tree(store: RemoteStore, path: str) -> list[Entry]:
    """Every file below the folder *path*, by name; *path* itself for a file.

    Raises NotFound where there is nothing, InvalidModel for names that no folder of ours can hold: whoever
    wrote them may want to write elsewhere.
    """
    files = sorted(_walk(store, path, 0), key=lambda entry: entry.path)
    if not files:
        raise NotFound("artifact", path)
    names = [within(path, entry) for entry in files]
    folders = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    if len(set(names)) < len(names) or folders & set(names):
        raise InvalidModel(
            f"{shorten(repr(path), 120)} holds a name twice, as two files or a file and a folder"
        )
    return files


def within(path: str, entry: Entry) -> str:
    """The name of *entry* inside the folder *path*; raises InvalidModel for one that leads outside."""
    name = entry.path.removeprefix(f"{path}/") if path else entry.path
    if relative(name).as_posix() != name or name.endswith(PART):
        raise InvalidModel(f"{shorten(repr(name), 120)} is not the plain name of a file; it is not fetched")
    return name


def _walk(store: RemoteStore, path: str, depth: int) -> Iterator[Entry]:
    if depth > DEEPEST:
        raise InvalidModel(f"{shorten(repr(path), 120)} lies more than {DEEPEST} folders deep")
    count = 0
    for entry in store.list(path):
        for found in [entry] if entry.size is not None else _walk(store, entry.path, depth + 1):
            count += 1
            if count > MOST_FILES:
                raise InvalidModel(f"{shorten(repr(path), 120)} holds more than {MOST_FILES} files")
            yield found


def download(
    store: RemoteStore,
    path: str,
    files: Sequence[Entry],
    into: Path,
    *,
    patience: Patience,
    progress: Progress | None = None,
) -> None:
    """Bring *files* of the folder *path* into the folder *into*.

    Files that are there already, in their size, are not fetched again, and one that was begun is gone on
    with: the caller sees to it that *into* was filled from the same files. Raises StoreUnavailable when
    *patience* is over, or the disk is full; what has arrived stays for the next call.
    """
    told = progress or Silence()
    attempts = patience.start()
    for entry in files:
        target = inside(into, within(path, entry))
        with refusals(into):
            target.parent.mkdir(parents=True, exist_ok=True)
            _fetch(store, entry, target, attempts, told)


def _fetch(store: RemoteStore, entry: Entry, target: Path, attempts: Attempts, progress: Progress) -> None:
    if target.is_file() and target.stat().st_size == entry.size:
        progress.update(entry.size)
        return
    part = target.with_name(target.name + PART)
    arrival = _Arrival(entry, part, entry.tag, attempts, progress)
    progress.update(arrival.begun)
    part.touch()
    while arrival.begun != entry.size:
        try:
            arrival.receive(store)
        except Passing as failure:
            attempts.pause(failure)
    part.rename(target)


@dataclass(slots=True)
class _Arrival:
    """A file that is arriving in *part*."""

    entry: Entry
    part: Path
    tag: str
    attempts: Attempts
    progress: Progress

    @property
    def begun(self) -> int:
        """How many bytes are here."""
        return self.part.stat().st_size if self.part.is_file() else 0

    def receive(self, store: RemoteStore) -> None:
        """One try: what arrives goes behind what is here. Raises Passing when not all of it came."""
        begun, size = self.begun, self.entry.size or 0
        start = begun if begun < size else 0
        with store.read(self.entry, start=start, tag=self.tag) as piece, self.part.open("r+b") as file:
            if piece.start and self.tag and piece.tag and piece.tag != self.tag:
                self._restart(file, begun, 0)
                self.tag = piece.tag
                raise Passing(f"{self._name} was changed while it was fetched")
            self.tag = piece.tag or self.tag
            self._restart(file, begun, piece.start)
            have = self._append(file, piece.start, size, piece.chunks)
            os.fsync(file.fileno())
        if have < size:
            raise Passing(f"{self._name} ended after {have} of {size} bytes")

    def _restart(self, file: BinaryIO, begun: int, start: int) -> None:
        if start != begun:
            self.progress.update(start - begun)
        file.truncate(start)
        file.seek(start)

    def _append(self, file: BinaryIO, have: int, size: int, chunks: Iterator[bytes]) -> int:
        patience, moved = self.attempts.patience, have
        for chunk in chunks:
            if have + len(chunk) > size:
                file.truncate(0)
                raise StoreUnavailable(f"{self._name} has more bytes than the {size} it was listed with")
            file.write(chunk)
            have += len(chunk)
            self.progress.update(len(chunk))
            if have - moved >= _MOVED:
                self.attempts.moved()
                moved = have
            if patience.clock() >= self.attempts.end:
                raise StoreUnavailable(
                    f"{self._name} has not arrived after {patience.total:.0f} s ({VARIABLE}): {have} of "
                    f"{size} bytes are here, and kept for the next try"
                )
        file.flush()
        return have

    @property
    def _name(self) -> str:
        return shorten(repr(self.entry.path), 120)
