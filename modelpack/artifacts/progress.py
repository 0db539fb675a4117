"""How far a download is, told on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click


class Progress(Protocol):
    """Is told of bytes as they arrive."""

    def update(self, n_steps: int) -> None:
        """*n_steps* more bytes are here; fewer than none when some of them have to come again."""


class Silence:
    """Tells nobody."""

    def update(self, n_steps: int) -> None:
        """See Progress."""


@contextmanager
def shown(total: int, name: str) -> Iterator[Progress]:
    """A bar of *total* bytes on the error stream, if a person looks at it; logs and pipes get nothing."""
    if not sys.stderr.isatty():
        yield Silence()
        return
    label = f"fetching {name}"
    with click.progressbar(length=total, label=label, file=sys.stderr, show_pos=True) as bar:
        yield bar
