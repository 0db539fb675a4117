"""What a server counts: a place in shared memory for each worker, and the sum for whoever asks one."""

import mmap
from bisect import bisect_left
from dataclasses import dataclass

from serving import contract

_MODEL = f"{contract.V2}/models/{{model}}"
_VERSION = f"{_MODEL}/versions/{{version}}"

UNKNOWN, UNREAD = "unknown", "unread"
"""Instead of a route: a path that nothing answers to, and a request that was refused unread."""

ROUTES = (
    UNKNOWN,
    UNREAD,
    contract.INVOCATIONS,
    contract.PING,
    contract.HEALTH,
    contract.READY,
    contract.VERSION,
    contract.OPENAPI,
    contract.DOCS,
    contract.METRICS,
    contract.PAGE,
    contract.ASSETS,
    contract.V2,
    f"{contract.V2}/health/live",
    f"{contract.V2}/health/ready",
    *(f"{place}{path}" for place in (_MODEL, _VERSION) for path in ("", "/ready", "/infer")),
    *(f"/{contract.GRPC_SERVICE}/{method}" for method in contract.GRPC_METHODS),
)
"""Everything that is told apart. A path that a caller makes up is none of these, and costs no memory."""

OTHER = "other"
STATUSES = (
    OTHER,
    *("200", "400", "403", "404", "405", "408", "413", "414", "415", "431", "499", "500", "503", "504"),
    *("OK", "CANCELLED", "INVALID_ARGUMENT", "NOT_FOUND", "UNAVAILABLE", "DEADLINE_EXCEEDED"),
    *("RESOURCE_EXHAUSTED", "INTERNAL", "UNKNOWN"),
)
_GOOD = frozenset({200, "OK"})

SECONDS = (
    *(0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25),
    *(0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
SIZES = (*(1, 2, 4, 8, 16, 32, 64, 128, 256, 512), *(1024, 4096, 16384, 65536))
"""Upper ends of the histograms' buckets, inclusive; one more bucket takes the rest."""

_WORD = 8
_TIMES, _COUNTS = len(SECONDS) + 1, len(SIZES) + 1

# What stands where among the words of one worker.
_REQUESTS = 0
_LATENCY = _REQUESTS + len(ROUTES) * len(STATUSES)
_WAITS = _LATENCY + len(ROUTES) * _TIMES
_CALLERS = _WAITS + _TIMES
_CALL_ROWS = _CALLERS + _COUNTS
_ROWS = _CALL_ROWS + _COUNTS
_CALLERS_SUM = _ROWS + 1
_CALL_ROWS_SUM = _CALLERS_SUM + 1
_INSIDE = _CALL_ROWS_SUM + 1
_ALIVE = _INSIDE + 1
_LATENCY_SUM = _ALIVE + 1
"""From here on the words are numbers with a point."""
_WAITS_SUM = _LATENCY_SUM + len(ROUTES)
WORDS = _WAITS_SUM + 1

_ROUTE_PLACES = {route: place for place, route in enumerate(ROUTES)}
_STATUS_PLACES: dict[int | str, int] = {
    int(status) if status.isdigit() else status: place for place, status in enumerate(STATUSES)
}


def place_of(route: str) -> int:
    """The number of *route* among ROUTES; that of UNKNOWN when it is none of them."""
    return _ROUTE_PLACES.get(route, 0)


class Metrics:
    """What one process counts. *family* is the memory that it shares, and *region* its place in that.

    All methods belong to the thread of the event loop. Each writes single words of eight bytes, which no
    reader in another process meets half written.
    """

    def __init__(self, family: "Family | None" = None, region: int = 0) -> None:
        self.family = family or Family(regions=1)
        memory = self.family.region(region)
        self._words, self._sums = memory.cast("q"), memory.cast("d")
        # Whoever had this place before has died; what it counted goes on.
        self._words[_INSIDE], self._words[_ALIVE] = 0, 1

    def answered(self, route: int, status: int | str, seconds: float, rows: int | None) -> None:
        """A request at the ROUTES' number *route* is over, after *seconds*; it asked for so many *rows*."""
        words = self._words
        words[route * len(STATUSES) + _STATUS_PLACES.get(status, 0)] += 1
        words[_LATENCY + route * _TIMES + bisect_left(SECONDS, seconds)] += 1
        self._sums[_LATENCY_SUM + route] += seconds
        if rows and status in _GOOD:
            words[_ROWS] += rows

    def entered(self, requests: int = 1) -> None:
        """So many requests are being worked on from now on."""
        self._words[_INSIDE] += requests

    def left(self, requests: int = 1) -> None:
        """So many are not any more."""
        self._words[_INSIDE] -= requests

    def waited(self, seconds: float) -> None:
        """A prediction has waited so long for a thread, which has it now."""
        self._words[_WAITS + bisect_left(SECONDS, seconds)] += 1
        self._sums[_WAITS_SUM] += seconds

    def called(self, requests: int, rows: int) -> None:
        """The model was called once, for so many *requests* with so many *rows* together."""
        words = self._words
        words[_CALLERS + bisect_left(SIZES, requests)] += 1
        words[_CALL_ROWS + bisect_left(SIZES, rows)] += 1
        words[_CALLERS_SUM] += requests
        words[_CALL_ROWS_SUM] += rows


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many fell into each bucket, the last of which has no upper end, and the sum of what fell there."""

    buckets: tuple[int, ...]
    sum: float

    @property
    def count(self) -> int:
        return sum(self.buckets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What all processes of a server have counted. *requests* by route and status, *latency* by route.

    *waits* are seconds in the line before the threads; *callers* requests in one call of the model, and
    *call_rows* rows in one; *rows* those that were answered; *inside* requests that are worked on now.
    """

    requests: dict[tuple[str, str], int]
    latency: dict[str, Histogram]
    waits: Histogram
    callers: Histogram
    call_rows: Histogram
    rows: int
    inside: int
    workers: int


class Family:
    """Memory for all processes of a server, those that will replace others too. Make it before any fork.

    A process that takes the place of a dead one goes on counting where that stopped. So sums never go back.
    """

    def __init__(self, regions: int = 1024) -> None:
        self._limit = regions
        # Nothing but what is written to takes memory. The first word says how many places were ever taken.
        self._memory = memoryview(mmap.mmap(-1, _WORD * (1 + regions * WORDS)))
        self._header = self._memory[:_WORD].cast("q")
        self._header[0] = 1
        self._taken: dict[int, int] = {}

    def region(self, number: int) -> memoryview:
        """The memory of the place *number*."""
        start = _WORD * (1 + number * WORDS)
        return self._memory[start : start + _WORD * WORDS]

    def take(self, worker: int) -> int:
        """Said by the master before it forks *worker*: a place that no living process has."""
        taken = set(self._taken.values())
        number = next((place for place in range(self._limit) if place not in taken), self._limit - 1)
        self._taken[worker] = number
        self._header[0] = max(self._header[0], number + 1)
        return number

    def release(self, worker: int) -> None:
        """Said by the master: *worker* is no more, and nothing is being worked on there."""
        number = self._taken.pop(worker, None)
        if number is not None:
            words = self.region(number).cast("q")
            words[_INSIDE] = words[_ALIVE] = 0

    def totals(self) -> Totals:
        """What all of them have counted by now."""
        places = [self.region(number) for number in range(self._header[0])]
        words = [place[: _WORD * _LATENCY_SUM].cast("q").tolist() for place in places]
        sums = [place[_WORD * _LATENCY_SUM :].cast("d").tolist() for place in places]
        return _totals([*map(sum, zip(*words, strict=True))], [*map(sum, zip(*sums, strict=True))])


def _totals(words: list[int], sums: list[float]) -> Totals:
    def histogram(start: int, buckets: int, sum_: float) -> Histogram:
        return Histogram(tuple(words[start : start + buckets]), sum_)

    latency = {
        route: histogram(_LATENCY + place * _TIMES, _TIMES, sums[place]) for place, route in enumerate(ROUTES)
    }
    return Totals(
        requests={
            (route, status): words[number * len(STATUSES) + place]
            for number, route in enumerate(ROUTES)
            for place, status in enumerate(STATUSES)
            if words[number * len(STATUSES) + place]
        },
        latency={route: one for route, one in latency.items() if one.count},
        waits=histogram(_WAITS, _TIMES, sums[_WAITS_SUM - _LATENCY_SUM]),
        callers=histogram(_CALLERS, _COUNTS, words[_CALLERS_SUM]),
        call_rows=histogram(_CALL_ROWS, _COUNTS, words[_CALL_ROWS_SUM]),
        rows=words[_ROWS],
        inside=words[_INSIDE],
        workers=words[_ALIVE],
    )
