"""What workers tell their master about their start, over pipes that all of them share."""

import os
import struct

_PID = struct.Struct("=i")

TRIES = 3
"""Workers that may die one after another before any of them was ready."""


class Once:
    """A right that one process of a family may use, once. Make it before the first fork."""

    def __init__(self) -> None:
        self._out, into = os.pipe()
        os.set_blocking(self._out, False)
        os.write(into, b".")
        os.close(into)

    def claim(self) -> bool:
        """Whether the right is the caller's; it is so for the first one only."""
        try:
            return os.read(self._out, 1) == b"."
        except BlockingIOError:
            return False


class Boots:
    """Which workers became ready, and how many in a row died before that."""

    def __init__(self) -> None:
        self._out, self._into = os.pipe()
        os.set_blocking(self._out, False)
        os.set_blocking(self._into, False)
        self._ready: set[int] = set()
        self._failures = 0

    def is_ready(self, pid: int) -> None:
        """Said by a worker of itself."""
        os.write(self._into, _PID.pack(pid))

    def ended(self, pid: int) -> None:
        """Said by the master of a worker that is no more."""
        self._listen()
        if pid in self._ready:
            self._ready.discard(pid)
            self._failures = 0
        else:
            self._failures += 1

    @property
    def hopeless(self) -> bool:
        """Whether another worker would only die like those before."""
        self._listen()
        return self._failures >= TRIES

    def _listen(self) -> None:
        while True:
            try:
                told = os.read(self._out, _PID.size)
            except BlockingIOError:
                return
            self._ready.add(_PID.unpack(told)[0])
            self._failures = 0
