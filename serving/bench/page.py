"""A measurement as a page: curves, the figures behind them, and where they were made."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from modelpack.addresses import without_password
from modelpack.examining import Facts
from modelpack.report.certified import methods
from modelpack.report.numbers import number
from modelpack.report.page import Section, chip, code, facts, note, page, table, text
from modelpack.report.plots import Curve, curves
from serving.bench.measure import Result, Subject
from serving.bench.plan import Plan
from serving.bench.report import HEADINGS, cells, errors, fault, is_limited, milliseconds
from serving.bench.surroundings import machine, versions

_AT_P99: Final = HEADINGS.index("p99 ms")
_DASHES: Final = {"p50": 0, "p95": 1, "p99": 2}


def render(plan: Plan, subject: Subject, results: Sequence[Result], known: Facts, *, made: datetime) -> str:
    """The page as HTML. *known* are the facts of the model that was measured, *made* is when it was done."""
    name, version = subject.source.name, subject.source.version
    titled = f"{name}{f' version {version}' if version else ''}"
    chips = [chip(f"version {version}")] if version else []
    wrong = fault(results)
    chips.append(chip("every answer was right", "good") if not wrong else chip("not to be trusted", "bad"))
    problem = f'<p class="wrong"><strong>Problem:</strong> {text(wrong)}</p>' if wrong else ""
    lead = f"<h1><bdi>{text(name, 120)}</bdi> {' '.join(chips)}</h1>\n{problem}"
    sections = [
        Section("curves", "Curves", "".join(_charts(results))),
        Section("figures", "Figures", _figures(subject, results)),
        Section("engines", "Engines", _engines(plan, subject, known)),
        Section("machine", "Machine and versions", _surroundings(known)),
    ]
    lead += facts(_facts(plan, subject, results, made))
    return page(f"{titled} under load", kind="Report of a measurement", lead=lead, sections=sections)


def _facts(
    plan: Plan, subject: Subject, results: Sequence[Result], made: datetime
) -> Iterator[tuple[str, str]]:
    yield "Command", code(plan.command, 1_000)
    yield "Digest", code(subject.source.digest)
    yield "Reference", code(without_password(plan.reference))
    yield "Measured", f"{made:%Y-%m-%d %H:%M:%S} UTC"
    yield "Processes", str(plan.workers)
    yield "Load", f"{plan.seconds:g} s for each pair, after {plan.warm:g} s that do not count"
    yield "Right answers", f"{sum(one.tally.right for one in results):,}"
    met = sum(one.tally.wrong + one.tally.broken + one.tally.refused for one in results)
    met += sum(number for one in results for number in one.tally.statuses.values())
    yield "Errors", f"{met:,}" if met else "none"


def _charts(results: Sequence[Result]) -> Iterator[str]:
    """For each number of rows, how much is answered and how long it takes, by how much is asked at a time."""
    for rows in dict.fromkeys(one.rows for one in results):
        found = [one for one in results if one.rows == rows]
        engines = list(dict.fromkeys(one.engine for one in found))
        many = f"{rows:,} row{'' if rows == 1 else 's'} in a request"
        rates = [
            Curve(engine, tuple((one.concurrency, one.tally.rate) for one in _of(engine, found)), color)
            for color, engine in enumerate(engines)
        ]
        times = [
            Curve(f"{engine} {name}", tuple(_times(_of(engine, found), name)), color, dash)
            for color, engine in enumerate(engines)
            for name, dash in _DASHES.items()
        ]
        yield f'<h3>{many}</h3><div class="charts">'
        across = "requests at a time"
        told = f"Requests a second by requests at a time, {many}: {_told(rates, 'a second')}"
        yield curves("Requests a second", rates, across=across, up="requests a second", told=told)
        told = f"Milliseconds for an answer by requests at a time, {many}: {_told(times, 'ms')}"
        yield curves("Milliseconds for an answer", times, across=across, up="ms", told=told)
        yield "</div>"


def _of(engine: str, results: Sequence[Result]) -> list[Result]:
    return [one for one in results if one.engine == engine]


def _times(results: Sequence[Result], percentile: str) -> Iterator[tuple[float, float]]:
    for one in results:
        seconds: float | None = getattr(one.tally, percentile)
        if seconds is not None:
            yield one.concurrency, seconds * 1e3


def _told(found: Sequence[Curve], unit: str) -> str:
    """From where to where each curve goes, for who does not see it; the table has the rest."""
    ends = (
        f"{one.name} from {_round(one.points[0][1])} at {one.points[0][0]:g} "
        f"to {_round(one.points[-1][1])} {unit} at {one.points[-1][0]:g}"
        for one in found
        if one.points
    )
    return "; ".join(ends) or "nothing was answered in time"


def _round(value: float) -> str:
    return number(float(f"{value:.3g}"))


def _figures(subject: Subject, results: Sequence[Result]) -> str:
    headings = (*HEADINGS[:_AT_P99], "p95 ms", *HEADINGS[_AT_P99:])
    rows = (
        (*line[:_AT_P99], milliseconds(one.tally.p95), *line[_AT_P99:])
        for one, line in ((one, cells(one)) for one in results)
    )
    told = table("Figures", headings, rows, numeric=set(range(1, len(headings) - 1)), look="cells")
    if any(map(is_limited, results)):
        told += note("* Whoever asked had no time left: the server may be faster than that.")
    if not any(list(errors(one)) for one in results):
        told += note("Every answer was compared with the model's own, and was the same.")
    if subject.why_not:
        told += note(f"The ONNX form was not measured: {subject.why_not}")
    told += note("Who asked was one process on the same machine, which takes its share of the processors.")
    return told


def _engines(plan: Plan, subject: Subject, known: Facts) -> str:
    method = plan.method or "the one that the document names"
    told = note(f"Measured: {', '.join(subject.engines)}. Method: {method}. Each had a server of its own.")
    certificate = known.certificate
    if certificate is None:
        return told + note("The model has no ONNX form with a parity report; its own library answers.")
    return told + methods(certificate)


def _surroundings(known: Facts) -> str:
    listed = list(versions(known.requirements))[:60]
    return facts(machine()) + "<h3>Versions</h3>" + table("Versions", ("What", "Version"), listed)
