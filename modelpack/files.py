"""Directories written whole or not at all, digests, and containment."""

import ctypes
import errno
import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from modelpack.errors import AlreadyExists, InvalidModel, StoreUnavailable, shorten

STAGING = ".modelpack-staging-"
"""Prefix of a folder that is being written; what a crash leaves behind bears it, and nothing reads it."""

STAGING_LIFETIME = 24 * 3600.0
"""Seconds after which a staging folder's writer is taken for dead, whoever it was."""

_CHUNK = 1 << 20


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """A new folder beside *target*, which becomes *target* at the end of the block, or vanishes.

    The files, the folder and its parent are synced before and after the rename, so that a *target* that is
    seen is complete even after a loss of power. Raises AlreadyExists when *target* exists, at the start or at
    the end; an empty folder counts as free, as for MLflow.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100 - resolve() would follow a link at the end
    _require_free(target)
    make_folder(target.parent)
    sweep(target.parent)
    staging = target.parent / f"{STAGING}{os.getpid()}-{secrets.token_hex(4)}"
    staging.mkdir(mode=0o750)
    try:
        yield staging
        close_permissions(staging)
        sync_tree(staging)
        _move_into_place(staging, target)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    sync(target.parent)


@contextmanager
def exchanged(target: Path) -> Iterator[Path]:
    """A copy of the folder *target* beside it, which takes its place at the end of the block, in one step.

    Whoever opens *target* sees the old files or the new ones, also after a crash or a loss of power. When the
    block raises, *target* is as it was. Raises StoreUnavailable where the file system cannot do so.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100 - resolve() would follow a link at the end
    sweep(target.parent)
    staging = target.parent / f"{STAGING}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        shutil.copytree(target, staging, symlinks=True)
        # The time of the copy is that of its making: by it a later writer tells whether this one has died.
        os.utime(staging)
        yield staging
        close_permissions(staging)
        sync_tree(staging)
        _exchange(staging, target)
        sync(target.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def _exchange(one: Path, other: Path) -> None:
    """Let two folders change places in one step: rename(2) refuses a folder that is not empty."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    names = os.fsencode(one), os.fsencode(other)
    if rename is None or rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) != 0:
        reason = "there is no renameat2" if rename is None else os.strerror(ctypes.get_errno())
        raise StoreUnavailable(
            f"the folder {other} cannot be exchanged ({reason}); copy it to a local disk, and try there"
        )


def sweep(folder: Path) -> None:
    """Remove from *folder* what dead writers left in staging. What a live process writes is not touched."""
    for left in folder.glob(f"{STAGING}*"):
        if _is_abandoned(left):
            shutil.rmtree(left, ignore_errors=True)


def _is_abandoned(staging: Path) -> bool:
    try:
        age = time.time() - staging.lstat().st_mtime
        pid = int(staging.name.removeprefix(STAGING).partition("-")[0])
        os.kill(pid, 0)
    except (ValueError, ProcessLookupError):
        return True
    except (FileNotFoundError, PermissionError):
        return False
    # The number may have been given to another process since.
    return age > STAGING_LIFETIME


def _require_free(target: Path) -> None:
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise AlreadyExists(f"{target} exists already; choose another place, or remove it first")


def _move_into_place(staging: Path, target: Path) -> None:
    try:
        # rename(2) replaces an empty folder and refuses a full one: the check and the act are one step.
        staging.rename(target)
    except OSError:
        _require_free(target)
        raise


def close_permissions(folder: Path) -> None:
    """Take from everyone but the owner the right to write, and from others all rights, whatever the umask."""
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        closed = mode & (0o750 if path.is_dir() else 0o640)
        if closed != mode:
            path.chmod(closed)


def make_folder(folder: Path) -> None:
    """Make *folder* and those above it that are missing, so that a loss of power does not take them back."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing):
        sync(made.parent)


def sync_tree(folder: Path) -> None:
    """Force every file and folder below *folder*, and itself, to the disk."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_symlink():
            continue
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """Force one file or folder to the disk; raises OSError when the disk says it could not."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(target: Path, content: bytes) -> None:
    """Write *content* to *target*: whatever was there is replaced in one step, or stays."""
    make_folder(target.absolute().parent)
    staging = target.with_name(f"{STAGING}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        staging.write_bytes(content)
        sync(staging)
        staging.replace(target)
    except BaseException:
        staging.unlink(missing_ok=True)
        raise
    sync(target.absolute().parent)


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """A new file beside *target*, which takes its place at the end of the block, or vanishes.

    What was there stays until then; its rights are kept, and a link to it is followed. A device or a pipe is
    written to as it is. Raises OSError, at the start where the folder is missing or may not be written.
    """
    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            yield file
        return
    target = target.resolve()
    staging = target.with_name(f"{STAGING}{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with staging.open("xb") as file:
            if target.exists():
                staging.chmod(stat.S_IMODE(target.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        staging.replace(target)
    except BaseException:
        staging.unlink(missing_ok=True)
        raise
    sync(target.parent)


def sha256(path: Path) -> str:
    """The digest of the bytes of *path*: 64 lower-case hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def walk(folder: Path) -> Iterator[Path]:
    """Every file below *folder*, sorted by its relative, slash-separated name.

    Raises InvalidModel at a link, a device, a pipe or a socket: only plain files and folders are data.
    """
    for path in sorted(folder.rglob("*"), key=lambda one: one.relative_to(folder).as_posix()):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            name = path.relative_to(folder).as_posix()
            raise InvalidModel(
                f"{shorten(repr(name), 120)} in {folder} is a link or special file; use plain files"
            )
        yield path


def inside(folder: Path, name: str) -> Path:
    """The path of *name* inside *folder*, never outside: anyone may have written the document it comes from.

    Refuses what ``relative`` refuses, links on the way, and what is too long for this disk, by InvalidModel.
    The file need not exist.
    """
    path = folder
    for part in relative(name).parts:
        path = path / part
        if _is_link(path):
            raise InvalidModel(
                f"{shorten(repr(name), 120)} leads through a link; a model directory holds plain files"
            )
    return path


def _is_link(path: Path) -> bool:
    try:
        return path.is_symlink()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise InvalidModel(
            f"{shorten(repr(path.name), 120)} is too long for the name of a file on this disk"
        ) from None


def relative(name: str) -> PurePosixPath:
    """*name* as a path below some folder; raises InvalidModel.

    Refuses absolute and climbing names, backslashes, drive letters, control characters, and text that no
    UTF-8 file system can hold.
    """
    pure = PurePosixPath(name)
    bad = not pure.parts or pure.is_absolute() or ".." in pure.parts or "\\" in name or name[1:2] == ":"
    # isprintable() is False for control characters and for lone surrogates.
    if bad or not name.isprintable():
        raise InvalidModel(f"{shorten(repr(name), 120)} is not the name of a file inside a model directory")
    return pure
