"""Many runs of one server at one work, as one line: medians of the runs that count."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.runs import Run
from tests.benchmarks.servers import Server
from tests.benchmarks.works import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Medians: requests a second, seconds (*p50*, *p99*, *start*, *processor* a request), bytes (*memory*).

    *lowest* and *highest* are of the rates. All are NaN when no run counts; *faults* are those of the others.
    """

    work: Work
    server: Server
    runs: int
    rate: float
    lowest: float
    highest: float
    p50: float
    p99: float
    start: float
    memory: float
    processor: float
    faults: tuple[str, ...]


def summarize(runs: Iterable[Run]) -> list[Summary]:
    """One summary for each pair of work and server, in the order in which works, then servers, came first."""
    grouped: dict[Work, dict[Server, list[Run]]] = {}
    for run in runs:
        grouped.setdefault(run.step.work, {}).setdefault(run.step.server, []).append(run)
    return [
        _summary(work, server, made) for work, servers in grouped.items() for server, made in servers.items()
    ]


def _summary(work: Work, server: Server, made: list[Run]) -> Summary:
    valid = [run for run in made if not run.fault]

    def middle(figure: Callable[[Run], float]) -> float:
        return median(map(figure, valid)) if valid else math.nan

    rates = [run.load.rate for run in valid]
    return Summary(
        work=work,
        server=server,
        runs=len(valid),
        rate=middle(lambda run: run.load.rate),
        lowest=min(rates, default=math.nan),
        highest=max(rates, default=math.nan),
        p50=middle(lambda run: run.load.p50),
        p99=middle(lambda run: run.load.p99),
        start=middle(lambda run: run.start),
        memory=middle(lambda run: float(run.memory)),
        processor=middle(lambda run: run.processor),
        faults=tuple(run.fault for run in made if run.fault),
    )
