"""A measurement, shown while it is made, and printed."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from modelpack.cli.output import print_json, print_table
from modelpack.examining import examine
from modelpack.loading import open_model
from modelpack.report.numbers import size
from modelpack.report.page import require_free, write
from serving.bench import report
from serving.bench.measure import Result, Subject, measure, prepare
from serving.bench.page import render
from serving.bench.plan import Plan
from serving.errors import BenchmarkFailed


def show(plan: Plan, *, as_json: bool, target: Path | None = None) -> None:
    """Carry *plan* out, with a bar on standard error, and print a table or JSON; write a page to *target*.

    Raises BenchmarkFailed, once all is printed, for a server that did not answer as the model does, and
    AlreadyExists, before anything is measured, for a *target* that is something else than such a page.
    """
    if target is not None:
        require_free(target)
    with _ended_in_order():
        subject = prepare(plan)
        results = _measured(plan, subject)
    if as_json:
        print_json([report.plain(result) for result in results])
    else:
        _print(plan, subject, results)
    if target is not None:
        _write(plan, subject, results, target)
    if found := report.fault(results):
        raise BenchmarkFailed(found)


def _write(plan: Plan, subject: Subject, results: list[Result], target: Path) -> None:
    known = examine(open_model(subject.source.place))
    made = render(plan, subject, results, known, made=datetime.now(UTC))
    try:
        write(made, target)
    except OSError as error:
        raise BenchmarkFailed(f"{target} cannot be written: {error.strerror or error}") from error
    click.echo(f"Wrote {target} ({size(len(made.encode()))}).", err=True)


def _measured(plan: Plan, subject: Subject) -> list[Result]:
    total = len(subject.engines) * len(plan.loads) * (plan.warm + plan.seconds)
    with click.progressbar(length=round(total * 10), label="measuring", file=sys.stderr) as bar:
        return list(measure(plan, subject, spent=lambda seconds: bar.update(round(seconds * 10))))


def _print(plan: Plan, subject: Subject, results: list[Result]) -> None:
    name = subject.source.name
    version = f" version {subject.source.version}" if subject.source.version else ""
    processes = "1 process" if plan.workers == 1 else f"{plan.workers} processes"
    click.echo(f"{name}{version} ({subject.source.digest}), {processes}, {plan.seconds:g} s a line")
    print_table(report.HEADINGS, map(report.cells, results))
    right = sum(result.tally.right for result in results)
    click.echo(f"{right:,} answers were what the model itself says.")
    if subject.why_not:
        click.echo(f"The ONNX form was not measured: {subject.why_not}")
    if any(map(report.is_limited, results)):
        click.echo("* Whoever asked had no time left: the server may be faster than that.")


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """While this goes on, a signal to end leaves as an error does: what was started is stopped on the way."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        del frame
        sys.exit(128 + number)

    before = {one: signal.signal(one, end) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
