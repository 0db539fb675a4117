"""Which workers serve, in memory that a master and its workers share."""

import mmap
import os

SLOTS = 4096
TRIES = 3
"""Workers that may end one after another before any of them was ready."""

_NEVER, _SERVING, _LEFT = 0, 1, 2
_SERVING_BYTE = bytes([_SERVING])


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


class Roster:
    """A place for each worker, by its number, and a word of the master to all. Make it before any fork."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, SLOTS + 1)
        self._connections = memoryview(mmap.mmap(-1, 4 * SLOTS)).cast("I")
        self._failures = 0

    def enter(self, number: int) -> None:
        """Said by a worker: it serves."""
        self._memory[number % SLOTS] = _SERVING

    def leave(self, number: int) -> bool:
        """Said by a worker: it takes no more callers. Answers whether nobody else does.

        Of several that leave at one time at least one is told so: each strikes itself off before it looks.
        """
        self._memory[number % SLOTS] = _LEFT
        return self.deserted

    def count(self, number: int, connections: int) -> None:
        """Said by a worker: it has so many open."""
        self._connections[number % SLOTS] = connections

    def is_ahead(self, number: int) -> bool:
        """Whether a worker that serves has fewer connections than worker *number*."""
        own = self._connections[number % SLOTS]
        if own == 0:
            return False
        slot = self._memory.find(_SERVING_BYTE, 0, SLOTS)
        while slot >= 0:
            if self._connections[slot] < own:
                return True
            slot = self._memory.find(_SERVING_BYTE, slot + 1, SLOTS)
        return False

    def ended(self, number: int) -> None:
        """Said by the master: that worker is no more."""
        was_ready = self._memory[number % SLOTS] != _NEVER
        self._memory[number % SLOTS] = _NEVER
        self._connections[number % SLOTS] = 0
        self._failures = 0 if was_ready else self._failures + 1

    @property
    def deserted(self) -> bool:
        """Whether no worker serves."""
        return _SERVING not in self._memory[:SLOTS]

    @property
    def hopeless(self) -> bool:
        """Whether another worker would only end like those before it."""
        return self._failures >= TRIES and self.deserted

    def dismiss(self) -> None:
        """Said by the master: all are to leave, and nobody will come after them."""
        self._memory[SLOTS] = 1

    @property
    def all_leave(self) -> bool:
        """Whether the master has said so."""
        return self._memory[SLOTS] == 1


class Door:
    """What one server knows of the others that listen on the same socket."""

    def __init__(self, roster: Roster | None = None, number: int = 0) -> None:
        self._roster = roster
        self._number = number

    @property
    def all_leave(self) -> bool:
        """Whether nobody stays behind to take new callers; so it is where there is but one server."""
        return self._roster is None or self._roster.all_leave

    @property
    def is_ahead(self) -> bool:
        """Whether another server on this socket has fewer connections."""
        return self._roster is not None and self._roster.is_ahead(self._number)

    def count(self, connections: int) -> None:
        """Tell the others how many connections are open here."""
        if self._roster is not None:
            self._roster.count(self._number, connections)

    @property
    def is_missed(self) -> bool:
        """Whether, after it has closed, nobody else takes callers yet."""
        return self._roster is None or self._roster.deserted

    def open(self) -> None:
        """Take callers."""
        if self._roster is not None:
            self._roster.enter(self._number)

    def close(self) -> bool:
        """Take no more; answers whether nobody else does."""
        return self._roster is None or self._roster.leave(self._number)
