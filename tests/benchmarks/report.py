"""The tables that people read, and the figures behind them as JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tests.benchmarks.goals import TIMES, Verdict
from tests.benchmarks.runs import Run
from tests.benchmarks.servers import WORKERS
from tests.benchmarks.summary import Summary
from tests.benchmarks.works import WORKS, Work

REFERENCE = "mlflow"
LIMIT = "empty"
NONE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What stands above the table: when, where, by what command, with which versions.

    *planned* is how many runs were to be made.
    """

    date: str
    machine: str
    command: str
    driver: str
    rounds: int
    seconds: float
    seed: int
    versions: Mapping[str, str]
    absent: Mapping[str, str]
    planned: int


_HEAD = (
    f"| work | server | requests/s | lowest to highest | {TIMES} MLflow | {TIMES} empty | p50 ms | p99 ms "
    "| processor ms a request | start s | memory MiB | runs |"
)
_RULE = "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"


def markdown(setting: Setting, runs: Sequence[Run], summaries: Sequence[Summary]) -> str:
    """The setting and the one table."""
    lines = [*_above(setting, runs), "", _HEAD, _RULE]
    rates = {(one.work, one.server.name): one.rate for one in summaries}
    for one in sorted(summaries, key=lambda one: (_place(one.work), -_number(one.rate))):
        base, limit = (rates.get((one.work, name), math.nan) for name in (REFERENCE, LIMIT))
        lines.append(_line(one, base, limit))
    faults = [
        f"- {one.work.name}, {one.server.name}: {_first_line(one.faults[0])}"
        for one in summaries
        if one.faults
    ]
    if faults:
        lines += ["", "Runs that do not count:", "", *faults]
    return "\n".join(lines) + "\n"


def _above(setting: Setting, runs: Sequence[Run]) -> list[str]:
    how = (
        f"{_rounds(setting.rounds)} of {setting.seconds:g} s, {setting.driver} as the driver, "
        f"{WORKERS} workers each, one server alive at a time, order by seed {setting.seed}. "
        "A work is named for its model, the rows in a request and the requests at one time."
    )
    if len(runs) < setting.planned:
        how += f" The time was over after {len(runs)} of {setting.planned} runs."
    others = [run.others for run in runs if not run.fault]
    if others:
        how += (
            f" Other programs used {median(others):.0%} of the machine's processors meanwhile "
            f"(median; {max(others):.0%} at most)."
        )
    lines = [f"Measured {setting.date} on {setting.machine}.", "", f"    {setting.command}", "", how]
    lines += ["", *(f"- {name}: {what}" for name, what in setting.versions.items())]
    lines += [f"- {name}: not measured, {why}" for name, why in setting.absent.items()]
    return lines


def _rounds(number: int) -> str:
    return "One round" if number == 1 else f"Medians of {number} rounds"


def _line(one: Summary, base: float, limit: float) -> str:
    cells = [
        one.work.name,
        one.server.name,
        shown(one.rate),
        f"{shown(one.lowest)} to {shown(one.highest)}" if one.runs else NONE,
        shown(one.rate / base),
        shown(one.rate / limit),
        shown(one.p50 * 1e3),
        shown(one.p99 * 1e3),
        shown(one.processor * 1e3),
        shown(one.start),
        shown(one.memory / (1 << 20)),
        f"{one.runs} of {one.runs + len(one.faults)}" if one.faults else str(one.runs),
    ]
    return f"| {' | '.join(cells)} |"


def goals_markdown(verdicts: Sequence[Verdict]) -> str:
    """One line a goal: wanted, measured, met or missed."""
    lines = ["| goal | wanted | measured | |", "|---|---|--:|---|"]
    for one in verdicts:
        measured = NONE if math.isnan(one.measured) else f"{shown(one.measured)} {TIMES} {one.against}"
        lines.append(f"| {one.goal.what} ({one.goal.server}) | {one.goal.wanted} | {measured} | {one.word} |")
    return "\n".join(lines) + "\n"


def as_json(setting: Setting, runs: Sequence[Run], verdicts: Sequence[Verdict]) -> str:
    """Every run, for those who reckon themselves; NaN is null."""
    told = {
        "setting": asdict(setting),
        "runs": [_run(run) for run in runs],
        "goals": [
            {"what": one.goal.what, "wanted": one.goal.wanted, "measured": one.measured, "verdict": one.word}
            for one in verdicts
        ],
    }
    return json.dumps(_plain(told), indent=1, allow_nan=False) + "\n"


def _run(run: Run) -> dict[str, Any]:
    return {
        "round": run.step.round,
        "work": run.step.work.name,
        "server": run.step.server.name,
        "fault": run.fault,
        "rate": run.load.rate,
        **asdict(run.load),
        "start": run.start,
        "memory": run.memory,
        "processor": run.processor,
        "others": run.others,
        "processes": run.processes,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def shown(value: float) -> str:
    """Three figures, or all that stand before the point."""
    if not math.isfinite(value):
        return NONE
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.2g}"


def _place(work: Work) -> int:
    """Where *work* stands in the list of all; others come last."""
    known = list(WORKS.values())
    return known.index(work) if work in known else len(known)


def _number(value: float) -> float:
    return -1.0 if math.isnan(value) else value


def _first_line(text: str) -> str:
    return text.partition("\n")[0][:200]
