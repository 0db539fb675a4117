"""How long others are waited for: tries, pauses between them, and an end."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from modelpack.errors import LONGEST_MESSAGE, InvalidUri, StoreUnavailable, shorten

T = TypeVar("T")

PATIENCE: Final = "MODELPACK_PATIENCE"
"""Seconds that one question to another machine may take, with all its tries."""


class Passing(StoreUnavailable):
    """A failure that may be over in a moment.

    *after* is how many seconds the other side asked us to stay away, *said* what it told; *undone* says that
    it did nothing yet.
    """

    def __init__(
        self, message: str, *, after: float | None = None, said: str = "", undone: bool = False
    ) -> None:
        self.after, self.said, self.undone = after, said, undone
        super().__init__(message)


Again = Callable[[Passing], bool]
"""Whether what failed so may be tried again."""


def if_undone(failure: Passing) -> bool:
    """For what must not be done twice."""
    return failure.undone


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """*total* seconds for one task; pauses that double from *first* up to *longest*, each drawn by chance.

    Time is monotonic: a clock that is set does not end a wait.
    """

    total: float = 30.0
    first: float = 0.2
    longest: float = 10.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    @classmethod
    def read(cls, environ: Mapping[str, str], variable: str, total: float) -> "Patience":
        """As many seconds as *variable* says, or *total*; raises InvalidUri for what is no number."""
        text = environ.get(variable, "")
        try:
            seconds = float(text) if text else total
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds < 1e9:
            raise InvalidUri(f"{variable} is {shorten(repr(text), 40)}, and no number of seconds")
        return cls(total=seconds)

    def start(self) -> "Attempts":
        """Begin one task."""
        return Attempts(self, self.clock() + self.total)

    def insist(self, act: Callable[[], T], again: Again | None = None) -> T:
        """What *act* answers, tried again as long as it raises Passing, and *again* agrees."""
        attempts = self.start()
        while True:
            try:
                return act()
            except Passing as failure:
                if again is not None and not again(failure):
                    raise
                attempts.pause(failure)


@dataclass(slots=True)
class Attempts:
    """The tries of one task, until *end*."""

    patience: Patience
    end: float
    failures: int = field(default=0, init=False)

    def pause(self, failure: Passing) -> None:
        """Wait before the next try; when that would be after the end, raise StoreUnavailable."""
        patience = self.patience
        # Half of it by chance: many who failed at one instant do not come back at one instant.
        drawn = 0.5 + patience.chance() / 2
        wait = min(patience.first * 2**self.failures, patience.longest) * drawn
        if failure.after is not None:
            wait = max(wait, failure.after)
        self.failures = min(self.failures + 1, 30)
        if patience.clock() + wait >= self.end:
            tail = f"; given up after {patience.total:.0f} s"
            raise StoreUnavailable(shorten(str(failure), LONGEST_MESSAGE - len(tail)) + tail) from failure
        patience.sleep(wait)

    def moved(self) -> None:
        """Something arrived: the next pause is a short one again."""
        self.failures = 0
