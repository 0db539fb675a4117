"""What the registry says of the served version by now: its stage, its aliases, or nothing at all."""

import logging
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Protocol

import modelpack
from modelpack.errors import NotFound, shorten

logger = logging.getLogger(__name__)

FRESH_SECONDS = 15.0
"""How long an answer is good for."""

PATIENT_SECONDS = 10.0
"""A registry that says nothing for so long is not reachable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a version stood when the registry was asked last. *reachable* says whether it answered then.

    *deleted*: it answered that there is no such version any more.
    """

    stage: str = ""
    aliases: tuple[str, ...] = ()
    reachable: bool = True
    deleted: bool = False


Ask = Callable[[str, int], Standing]


def ask_registry(name: str, version: int) -> Standing:
    """What the registry of this process's environment says; raises whatever keeps it from that."""
    with modelpack.Registry(create=False) as registry:
        try:
            found = registry.get_version(name, version)
        except NotFound:
            return Standing(deleted=True)
    return Standing(stage=found.stage, aliases=found.aliases)


class Watch:
    """The standing of version *version* of the model *name*, beginning with what was known *first*.

    The registry is asked in a thread, when somebody wants to know and what is known is old; who wants to know
    never waits. A server that nobody looks at never asks.
    """

    def __init__(
        self,
        name: str,
        version: int,
        first: Standing,
        *,
        ask: Ask = ask_registry,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._version = name, version
        self._known = first
        self._ask, self._clock = ask, clock
        self._asked: float | None = None
        self._asking: threading.Thread | None = None

    @property
    def now(self) -> Standing:
        """What is known. Call it on one thread only."""
        now = self._clock()
        is_asking = self._asking is not None and self._asking.is_alive()
        if is_asking and self._asked is not None and now > self._asked + PATIENT_SECONDS:
            return replace(self._known, reachable=False)
        if not is_asking and (self._asked is None or now > self._asked + FRESH_SECONDS):
            self._asked = now
            # In the context of whoever wants to know: if that is followed, the question is, too.
            context = copy_context()
            self._asking = threading.Thread(
                target=context.run, args=(self._learn,), name="registry", daemon=True
            )
            self._asking.start()
        return self._known

    def wait(self, seconds: float) -> None:
        """Until the thread that asks, if there is one, has an answer."""
        if self._asking is not None:
            self._asking.join(seconds)

    def _learn(self) -> None:
        try:
            self._known = self._ask(self._name, self._version)
        except Exception as error:  # noqa: BLE001 - a database, a server, a missing package: none must end this
            if self._known.reachable:
                logger.warning("the registry does not answer", extra={"reason": shorten(str(error))})
            self._known = replace(self._known, reachable=False)


class _Source(Protocol):
    """What is served, and where it stood when the server started."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def standing(self) -> Standing | None: ...


class Standings:
    """Of whatever is served; a model that came from no registry has none."""

    def __init__(self, ask: Ask = ask_registry) -> None:
        self._ask = ask
        self._watched: tuple[_Source, Watch] | None = None

    def of(self, source: _Source) -> Standing | None:
        """What is known by now. Call it on one thread only."""
        if source.standing is None:
            return None
        if self._watched is None or self._watched[0] is not source:
            self._watched = source, Watch(source.name, int(source.version), source.standing, ask=self._ask)
        return self._watched[1].now
