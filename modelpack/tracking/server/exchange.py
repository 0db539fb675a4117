"""What is known about one request while it is worked on."""

import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from modelpack.tracking.server.call import Caller

_KEY: Final = "modelpack.exchange"

UNROUTED: Final = "(none)"
"""The route of a request that no route has taken."""


@dataclass(slots=True)
class Exchange:
    """One request and its answer. *status* 499 stands for a caller that hung up before there was one."""

    request_id: str
    status: int = 499
    route: str = UNROUTED
    caller: Caller = field(default_factory=lambda: Caller(scopes=frozenset()))
    bytes_in: int = 0
    bytes_out: int = 0
    started: float = field(default_factory=time.perf_counter)

    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.perf_counter() - self.started


def begin(scope: MutableMapping[str, Any], request_id: str) -> Exchange:
    """Start keeping the facts of the request *scope*."""
    scope[_KEY] = exchange = Exchange(request_id)
    return exchange


def exchange_of(scope: MutableMapping[str, Any]) -> Exchange:
    """The facts of the request *scope* so far."""
    return cast("Exchange", scope[_KEY])


def header(scope: MutableMapping[str, Any], name: bytes) -> list[bytes]:
    """Every value of the header *name*, which is given in lower case."""
    return [value for key, value in scope["headers"] if key == name]
