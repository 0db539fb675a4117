"""The disk may refuse any call: the error is the disk's, nothing is half-visible, a later try succeeds."""

import builtins
import errno
import io
import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

import modelpack
from modelpack.directory.reader import findings

ROWS = np.eye(3)
MODEL = LinearRegression().fit(ROWS, [0.0, 1.0, 2.0])


def save(path: Path) -> None:
    modelpack.save(MODEL, path, requirements=["scikit-learn"], input_example=ROWS)


_MKDIR = os.mkdir


class Disk:
    """Counts the calls that change a folder, and refuses the *n*-th of them."""

    def __init__(self, folder: Path, refuse: int | None, number: int) -> None:
        self.folder, self.refuse, self.number = str(folder), refuse, number
        self.calls = 0

    def call(self) -> None:
        if self.refuse == self.calls:
            self.calls += 1
            raise OSError(self.number, os.strerror(self.number))
        self.calls += 1

    def concerns(self, place: Any) -> bool:
        return isinstance(place, str | os.PathLike) and os.fspath(place).startswith(self.folder)

    def calling(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """*real*, refused when its turn comes and it is about the folder, or a descriptor."""

        def wrapped(place: Any, *arguments: Any, **options: Any) -> Any:
            # To make a folder that is there already is no call that matters.
            is_needless = real is _MKDIR and Path(place).exists()
            if isinstance(place, int) or (self.concerns(place) and not is_needless):
                self.call()
            return real(place, *arguments, **options)

        return wrapped

    def opening(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """``open``: refused itself, or each write of the file that it gives."""

        def wrapped(place: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            file = real(place, mode, *arguments, **options)
            if not self.concerns(place) or not set(mode) & set("wax+"):
                return file
            try:
                self.call()
            except OSError:
                file.close()
                raise
            return Reluctant(file, self)

        return wrapped


class Reluctant:
    """A file whose writes are calls to the disk."""

    def __init__(self, file: Any, disk: Disk) -> None:
        self._file, self._disk = file, disk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, content: Any) -> Any:
        self._disk.call()
        return self._file.write(content)

    def __enter__(self) -> "Reluctant":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


@contextmanager
def reluctant(folder: Path, refuse: int | None, number: int = errno.EIO) -> Iterator[Disk]:
    """The disk below *folder*, refusing the call *refuse* with the error *number*."""
    disk = Disk(folder, refuse, number)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fsync", "rename", "mkdir", "chmod"):
            patch.setattr(os, name, disk.calling(getattr(os, name)))
        patch.setattr(builtins, "open", disk.opening(builtins.open))
        patch.setattr(io, "open", disk.opening(io.open))
        yield disk


def count(tmp_path: Path) -> int:
    with reluctant(tmp_path, None) as disk:
        save(tmp_path / "counted")
    return disk.calls


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_every_call_may_fail_once(number: int, tmp_path: Path) -> None:
    calls = count(tmp_path)
    # Eight files opened, written and synced, the folder, its parent, the rename.
    assert calls > 25
    complete = 0
    for refuse in range(calls):
        folder = tmp_path / f"fault-{refuse}"
        folder.mkdir()
        with reluctant(folder, refuse, number) as disk, pytest.raises(OSError, match=os.strerror(number)):
            save(folder / "model")
        assert disk.calls > refuse
        if (folder / "model").exists():
            # Only the last sync, that of the parent after the rename, may fail with the model in its place.
            assert findings(folder / "model") == []
            complete += 1
        else:
            assert list(folder.iterdir()) == []
            save(folder / "model")
            assert findings(folder / "model") == []
    assert complete <= 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes file systems of so many KiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    mounted: list[Path] = []
    numbers = itertools.count()

    def make(size: int) -> Path:
        place = tmp_path / f"disk-{next(numbers)}"
        place.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", place], capture_output=True, check=False
        )
        if done.returncode != 0:
            pytest.skip("no file system can be mounted here")
        mounted.append(place)
        return place

    yield make
    for place in mounted:
        subprocess.run(["umount", place], check=True)


def test_a_disk_that_is_full_holds_a_whole_model_or_none(small_disk: Callable[[int], Path]) -> None:
    outcomes = set()
    for size in range(4, 65, 4):
        disk = small_disk(size)
        try:
            save(disk / "model")
        except OSError as error:
            outcomes.add(errno.errorcode[error.errno or 0])
            assert list(disk.iterdir()) == []
        else:
            assert findings(disk / "model") == []
            outcomes.add("saved")
    assert outcomes == {"ENOSPC", "saved"}
