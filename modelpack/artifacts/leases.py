"""Who is at what in the cache: locks that go with their process, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelpack.artifacts.private import open_private
from modelpack.errors import StoreUnavailable
from modelpack.remote.patience import Patience

# What this process uses: these locks stay until it ends, and nobody removes the models before.
_held: dict[Path, int] = {}


class Leases:
    """A file in *folder* for each digest, which those who use its model share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hold(self, digest: str) -> None:
        """Use the model with *digest* until this process, and those it forks, have ended."""
        lease = self._lease(digest)
        while lease not in _held:
            descriptor = open_private(lease)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if _is_still(descriptor, lease):
                _held[lease] = descriptor
            else:
                os.close(descriptor)

    def is_held(self, digest: str) -> bool:
        """Whether any process uses it."""
        lease = self._lease(digest)
        if lease in _held:
            return True
        if not lease.exists():
            return False
        descriptor = open_private(lease)
        try:
            return not _lock(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def last(self, digest: str) -> Iterator[bool]:
        """Whether nobody uses it; then nobody begins to until the end of the block, and the lease goes."""
        lease = self._lease(digest)
        if lease in _held:
            yield False
            return
        descriptor = open_private(lease)
        try:
            is_ours = _lock(descriptor)
            yield is_ours
            if is_ours:
                lease.unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def touch(self, digest: str) -> None:
        """Note that it was asked for now."""
        os.utime(self._lease(digest))

    def touched(self, digest: str) -> float | None:
        """When it was asked for last, in seconds since 1970."""
        lease = self._lease(digest)
        return lease.stat().st_mtime if lease.exists() else None

    def _lease(self, digest: str) -> Path:
        return self._folder / digest.removeprefix("sha256:")


@contextmanager
def alone(lock: Path, patience: Patience) -> Iterator[None]:
    """Be the only process in the block; wait for the others, and raise StoreUnavailable after *patience*."""
    descriptor = open_private(lock)
    try:
        end = patience.clock() + patience.total
        while not _lock(descriptor):
            if patience.clock() >= end:
                raise StoreUnavailable(
                    f"another process has fetched this model for {patience.total:.0f} s; try again later"
                )
            patience.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(descriptor: int, lease: Path) -> bool:
    """Whether *lease* is the file that is open: who removed the model has removed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), lease.stat())
    except FileNotFoundError:
        return False
