"""An artifact root that is a folder of this machine, or of a network mount."""

import errno
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from modelpack.artifacts import LocalArtifacts
from modelpack.artifacts.store import Entry
from modelpack.directory import ModelDirectory
from modelpack.directory.manifest import Manifest
from modelpack.errors import InvalidModel, InvalidName, ModelpackError, NotFound, StoreUnavailable, shorten
from modelpack.files import STAGING_LIFETIME, inside, sync, walk
from modelpack.registry.blobs import keep, location_of
from modelpack.tracking.server.errors import IsFolder, StoreFull
from modelpack.tracking.server.paths import RESERVED, is_reserved
from modelpack.tracking.server.roots import Facts

STAGING: Final = f"{RESERVED}uploads"
"""The folder in the root that holds what is arriving: on the same disk, so that one step puts it in place."""
CHUNK: Final = 1 << 20

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_IN_THE_WAY: Final = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ENAMETOOLONG)

# What copy_file_range(2) says where a file system does not know it.
_NOT_SO: Final = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF)
_AT_ONCE: Final = 1 << 30
_ATTEMPTS: Final = 10


class FolderRoot:
    """A Root in the folder *root*, which is made for its owner alone, as all that is put into it."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        with refusals(""):
            make_private(self.root)
        sweep(self.root / STAGING)

    def open(self, path: str) -> "OpenedFile":
        """See Root. A file that has a second name somewhere is none of ours, and is refused."""
        place = self.place(path)
        with refusals(path):
            try:
                # Without waiting: a pipe would hold us until somebody writes to it.
                descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError):
                raise NotFound("artifact", path) from None
        try:
            facts = _facts(os.fstat(descriptor), path)
            return OpenedFile(facts, os.fdopen(descriptor, "rb", buffering=0))
        except BaseException:
            os.close(descriptor)
            raise

    def list(self, path: str) -> list[Entry]:
        """See Root. What is being written and what is no plain file or folder is left out."""
        place = self.place(path) if path else self.root
        found = []
        with refusals(path), suppress(FileNotFoundError, NotADirectoryError), os.scandir(place) as entries:
            for one in entries:
                is_folder, is_file = one.is_dir(follow_symlinks=False), one.is_file(follow_symlinks=False)
                if (is_folder or is_file) and not is_reserved(one.name) and one.name.isprintable():
                    name = f"{path}/{one.name}" if path else one.name
                    found.append(Entry(name, None if is_folder else one.stat(follow_symlinks=False).st_size))
        return sorted(found, key=lambda entry: entry.path)

    def receive(self, path: str) -> "ArrivingFile":
        """See Root."""
        target = self.place(path)
        with refusals(path):
            if target.is_dir():
                raise InvalidName(f"{shorten(repr(path), 120)} is a folder; name a file")
            return ArrivingFile(self.stage(), target, path)

    def delete(self, path: str) -> None:
        """See Root. It vanishes in one step, and is taken apart where nobody looks."""
        place = self.place(path)
        gone = self.stage()
        with refusals(path):
            try:
                place.rename(gone)
            except (FileNotFoundError, NotADirectoryError):
                return
            with suppress(FileNotFoundError):
                sync(place.parent)
            for _ in range(_ATTEMPTS):
                # Who was about to put a file into it may just have done so.
                if _remove(gone):
                    break

    @contextmanager
    def folder(self, path: str) -> Iterator[Path]:
        """See Root. Raises InvalidName where a link, or a file with a second name, lies in it."""
        place = self.place(path)
        if not place.is_dir():
            raise NotFound("artifact", path)
        try:
            for file in walk(place):
                require_single(file.lstat(), path)
        except InvalidModel as error:
            raise InvalidName(f"{shorten(repr(path), 120)} holds a link or a special file") from error
        yield place

    def keep(self, directory: ModelDirectory) -> str:
        """See Root. Copies, not links: what the caller logged may still be written to by its own tools."""
        manifest = Manifest.read(directory.path) or Manifest.of(directory.path)
        location = self.root / location_of(manifest.digest)
        with refusals(location.name):
            make_private(location.parent)
            try:
                return keep(directory, LocalArtifacts(self.root))
            except StoreUnavailable as error:
                if isinstance(error.__cause__, OSError):
                    raise error.__cause__ from None
                raise

    def close(self) -> None:
        """See Root."""

    def place(self, path: str) -> Path:
        """Where *path* lies; raises InvalidName where a link is on the way."""
        with refusals(path):
            try:
                return inside(self.root, path)
            except InvalidModel as error:
                raise InvalidName(f"{shorten(repr(path), 120)} leads through a link, or outside") from error

    def stage(self) -> Path:
        """A name for something on its way in, or out."""
        with refusals(STAGING):
            make_private(self.root / STAGING)
        return self.root / STAGING / secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """An Opened file of this disk."""

    facts: Facts
    file: IO[bytes]

    def chunks(self, start: int, length: int) -> Iterator[bytes]:
        """See Opened."""
        self.file.seek(start)
        while length > 0:
            with refusals(""):
                chunk = self.file.read(min(CHUNK, length))
            if not chunk:
                raise StoreUnavailable("the file was cut short while it was read; ask again")
            yield chunk
            length -= len(chunk)

    def close(self) -> None:
        """See Opened."""
        self.file.close()


def _facts(known: os.stat_result, path: str) -> Facts:
    if stat.S_ISDIR(known.st_mode):
        raise IsFolder(f"{shorten(repr(path), 120)} is a folder; ask for its list, or for a file in it")
    if not stat.S_ISREG(known.st_mode):
        raise InvalidName(f"{shorten(repr(path), 120)} is no plain file")
    require_single(known, path)
    return Facts(known.st_size, known.st_mtime, f"{known.st_ino:x}-{known.st_mtime_ns:x}-{known.st_size:x}")


class ArrivingFile:
    """An Arrival at *target*, kept in *staging* until it is whole."""

    def __init__(self, staging: Path, target: Path, path: str) -> None:
        self._staging, self._target, self._path = staging, target, path
        descriptor = os.open(staging, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        self._file = os.fdopen(descriptor, "wb", buffering=0)

    def write(self, chunk: bytes) -> None:
        """See Arrival."""
        view = memoryview(chunk)
        with refusals(self._path):
            while view:
                view = view[self._file.write(view) or 0 :]

    def append(self, part: Path) -> None:
        """Add the bytes of the file *part*, by the kernel alone where it can."""
        with refusals(self._path), part.open("rb", buffering=0) as source:
            left = os.fstat(source.fileno()).st_size
            while left > 0:
                left -= _copied(source, self._file, left)

    def finish(self) -> None:
        """See Arrival."""
        with refusals(self._path):
            os.fsync(self._file.fileno())
            self._file.close()
            for left in reversed(range(_ATTEMPTS)):
                try:
                    make_private(self._target.parent)
                    self._staging.rename(self._target)
                    break
                except (FileNotFoundError, FileExistsError, NotADirectoryError):
                    # Somebody deletes the folder at this instant: it is made again.
                    if not left:
                        raise
            with suppress(FileNotFoundError):
                sync(self._target.parent)

    def discard(self) -> None:
        """See Arrival."""
        self._file.close()
        self._staging.unlink(missing_ok=True)


def _copied(source: IO[bytes], target: IO[bytes], most: int) -> int:
    """How many bytes of at most *most* went from where *source* stands to where *target* does."""
    try:
        done = os.copy_file_range(source.fileno(), target.fileno(), min(most, _AT_ONCE))
    except OSError as error:
        if error.errno not in _NOT_SO:
            raise
        chunk = source.read(min(most, CHUNK))
        done = len(chunk)
        while chunk:
            chunk = chunk[target.write(chunk) or 0 :]
    if not done:
        raise StoreUnavailable("a part was cut short while it was read; begin the upload again")
    return done


def make_private(folder: Path) -> None:
    """Make *folder* and those above it that are missing, for their owner alone, and durable."""
    for one in reversed([folder, *folder.parents]):
        if not one.exists():
            one.mkdir(mode=0o750, exist_ok=True)
            sync(one.parent)
    if not folder.is_dir():
        # Or somebody has deleted it since.
        number = errno.ENOTDIR if folder.exists() else errno.ENOENT
        raise OSError(number, os.strerror(number))


def sweep(staging: Path) -> None:
    """Remove from *staging* what nobody can be at any more."""
    with suppress(OSError):
        for left in staging.iterdir():
            if time.time() - left.lstat().st_mtime > STAGING_LIFETIME:
                _remove(left)


def _remove(place: Path) -> bool:
    """Remove a file, or a folder with all in it, as far as that can be; whether nothing is left."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)
    return not os.path.lexists(place)


def require_single(known: os.stat_result, path: str) -> None:
    """Raise InvalidName for a file with a second name: who gave it that may not have been let at it."""
    if known.st_nlink > 1 and stat.S_ISREG(known.st_mode):
        raise InvalidName(f"{shorten(repr(path), 120)} has a second name elsewhere, and is not handed out")


@contextmanager
def refusals(path: str) -> Iterator[None]:
    """What the file system refuses, in our words, which do not tell where the root is."""
    named = shorten(repr(path), 120)
    try:
        yield
    except ModelpackError:
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFull("the artifact root has no room left; nothing was kept") from error
        if error.errno in _IN_THE_WAY:
            raise InvalidName(
                f"{named} cannot be a file there: another one or a folder is in its way"
            ) from error
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise StoreUnavailable(f"the artifact root refuses {named}: {reason}") from error
