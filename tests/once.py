"""What takes long to make, made once for all processes of a run."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder *name* of this run, filled by *make* in whichever process asks first; the others wait.

    Tests only look at it: it is everybody's.
    """
    base = factory.getbasetemp()
    # xdist gives each of its processes a folder of its own in the run's.
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = root / name
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = root / f"{name}.making"
            making.mkdir()
            make(making)
            making.rename(folder)
    return folder
