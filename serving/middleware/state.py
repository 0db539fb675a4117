"""What is known about one request while it is worked on."""

import time
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.types import Scope

from serving.passage import Passage
from serving.tracing import Subject, Trace

_KEY = "serving.exchange"


@dataclass(slots=True)
class Exchange:
    """One request and its answer. *status* 499 stands for a caller that hung up before there was one."""

    request_id: str
    status: int = 499
    rows: int | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    started: float = field(default_factory=time.perf_counter)
    route: int = 0
    """Its place among serving.metrics.ROUTES."""
    batch: int | None = None
    """Requests in the call of the model that answered it, which its *engine* computed."""
    engine: str | None = None
    codec: Any = None
    """What read the body, if that depends on nothing but the request's head."""
    trace: Trace | None = None
    """What follows it, if it is followed."""
    subject: Subject | None = None

    @property
    def passage(self) -> Passage | None:
        """What is to be filled in on its way, if anything is."""
        return None if self.trace is None else self.trace.passage


def begin(scope: Scope, request_id: str) -> Exchange:
    """Start keeping the facts of the request *scope*."""
    scope[_KEY] = Exchange(request_id)
    return exchange_of(scope)


def exchange_of(scope: Scope) -> Exchange:
    """The facts of the request *scope* so far."""
    return cast("Exchange", scope[_KEY])


def find_exchange(scope: Scope) -> Exchange | None:
    """The facts of the request *scope*, if it has come as far as having any."""
    return cast("Exchange | None", scope.get(_KEY))


def header(scope: Scope, name: bytes) -> list[bytes]:
    """Every value of the header *name*, which is given in lower case."""
    return [value for key, value in scope["headers"] if key == name]
