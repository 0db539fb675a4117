"""Waiting for others, and not for long."""

import threading
from collections.abc import Callable
from typing import TypeVar

from modelpack.errors import StoreUnavailable

T = TypeVar("T")


def within(seconds: float, act: Callable[[], T], what: str) -> T:
    """What *act* answers or raises; StoreUnavailable when *what* has not answered after *seconds*.

    In a thread of its own, which is left behind: looking up a name cannot be called off.
    """
    answers: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(act())
        except BaseException as error:  # noqa: BLE001 - carried to who waits
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise StoreUnavailable(f"{what} does not answer within {seconds:g} s")
    return answers[0]
