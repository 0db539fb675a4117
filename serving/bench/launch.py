"""Runs ``serve`` as a child that ends with its parent, however that ends: ``launch.py PARENT ARGUMENTS``."""

import ctypes
import os
import signal
import sys

from serving.cli import main

_PR_SET_PDEATHSIG = 1


def launch(parent: int, arguments: list[str]) -> None:
    """Serve until told to stop, or until the process *parent* is gone (on Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == parent:
        main(arguments)


if __name__ == "__main__":
    launch(int(sys.argv[1]), sys.argv[2:])
