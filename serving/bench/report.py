"""What people and programs read of a measurement."""

from collections.abc import Iterable, Sequence
from typing import Any

from modelpack.errors import shorten
from serving.bench.measure import Result

HEADINGS = (
    "engine",
    "rows",
    "at a time",
    "requests/s",
    "rows/s",
    "p50 ms",
    "p99 ms",
    "start s",
    "memory MiB",
    "errors",
)

_FULL = 0.9
"""Of a processor: a driver as busy as that may be what limits the figure."""


def cells(result: Result) -> Sequence[str]:
    """One line of the table under HEADINGS; a star stands where the driver itself was the limit."""
    tally = result.tally
    star = "*" if is_limited(result) else ""
    return (
        result.engine,
        str(result.rows),
        str(result.concurrency),
        f"{tally.rate:,.0f}{star}" if tally.rate >= 100 else f"{tally.rate:.3g}{star}",
        f"{tally.rate * result.rows:,.0f}",
        milliseconds(tally.p50),
        milliseconds(tally.p99),
        f"{result.start:.2f}",
        "-" if result.memory is None else f"{result.memory / (1 << 20):.0f}",
        ", ".join(errors(result)) or "none",
    )


def milliseconds(seconds: float | None) -> str:
    """*seconds* for a cell; a dash where there are none."""
    return "-" if seconds is None else f"{seconds * 1e3:.2f}"


def is_limited(result: Result) -> bool:
    """Whether the server might have answered more, had it been asked faster."""
    return result.tally.busy >= _FULL


def errors(result: Result) -> Iterable[str]:
    """What was met but right answers, by kind."""
    tally = result.tally
    if tally.wrong:
        yield f"{tally.wrong} wrong"
    yield from (f"{number} x {status}" for status, number in sorted(tally.statuses.items()))
    if tally.broken:
        yield f"{tally.broken} broken off"
    if tally.refused:
        yield f"{tally.refused} not connected"


def fault(results: Iterable[Result]) -> str:
    """The first reason not to trust this server; nothing when every answer was right.

    Being turned away (503) is no fault: who asks more than a server takes is told so.
    """
    for result in results:
        tally = result.tally
        where = f"{result.engine} engine, {result.rows} rows, {result.concurrency} at a time"
        if tally.wrong:
            what = f"{tally.wrong} of {tally.wrong + tally.right} answers differ from the model's own"
            return shorten(f"{where}: {what}, such as {tally.wrong_answer}")
        others = [name for name in tally.statuses if name != "503"]
        if others or tally.broken or tally.refused:
            return f"{where}: {', '.join(errors(result))}"
        if not tally.timed:
            return f"{where}: no answer came in time"
    return ""


def plain(result: Result) -> dict[str, Any]:
    """One result for programs: seconds and bytes."""
    tally = result.tally
    return {
        "engine": result.engine,
        "rows": result.rows,
        "concurrency": result.concurrency,
        "requests_per_second": tally.rate,
        "p50": tally.p50,
        "p95": tally.p95,
        "p99": tally.p99,
        "start": result.start,
        "memory": result.memory,
        "right": tally.right,
        "wrong": tally.wrong,
        "statuses": tally.statuses,
        "broken": tally.broken,
        "refused": tally.refused,
        "driver_busy": tally.busy,
    }
