"""Whoever follows work across machines may watch the requests that leave here, and add headers to them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, Protocol


@dataclass(slots=True)
class Step:
    """One request: *headers* to be sent along, and the *status* that answered it, if there was an answer."""

    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None


class Follower(Protocol):
    """Is told of each request when it begins and, by the end of the block, how it ended."""

    def __call__(self, verb: str, url: str, /) -> AbstractContextManager[Step]: ...


FOLLOWER: Final[ContextVar[Follower | None]] = ContextVar("follower", default=None)
"""Who follows what is done in this context."""


@contextmanager
def following(verb: str, url: str) -> Iterator[Step]:
    """A request of *verb* for *url*, in the eyes of the follower, if there is one."""
    follower = FOLLOWER.get()
    if follower is None:
        yield Step()
        return
    with follower(verb, url) as step:
        yield step
