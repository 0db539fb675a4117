"""One application under four runners: ``python -m tests.benchmarks.runners``."""

import argparse
import json
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from serving.bench.driver import Load, Tally, driving, result_of
from tests.benchmarks import machine, processes
from tests.benchmarks.__main__ import end_in_order, positive, say
from tests.benchmarks.client import Failure, Question, Target
from tests.benchmarks.load import DRIVERS, WRK_IS_ABSENT, has_wrk
from tests.benchmarks.malformed import CASES, DEADLINE, Case, Met, ask_all
from tests.benchmarks.preparing import Prepared, prepare
from tests.benchmarks.report import shown
from tests.benchmarks.runs import Plan, order, started, visit
from tests.benchmarks.servers import Server
from tests.benchmarks.subjects import churn
from tests.benchmarks.summary import Summary, summarize
from tests.benchmarks.works import WORKS, Work

ENVIRONMENT = ".venv-bench/runners"
"""Where they all run, with one version of everything."""

SPEED = (WORKS["churn-1x16"], WORKS["churn-1x64"])
LOSSES = WORKS["churn-1x16"]


def _runner(name: str, *command: str, packages: tuple[str, ...]) -> Server:
    return Server(
        name=name,
        kind="ours",
        environment=ENVIRONMENT,
        command=command,
        path="/invocations",
        packages=packages,
        variables={
            "BENCHMARK_OURS": "{model}/ours",
            "BENCHMARK_WORKERS": "{workers}",
        },
    )


_GUNICORN = (
    *("{bin}/gunicorn", "asgi_ours:app", "--pythonpath", "{services}", "--bind", "127.0.0.1:{port}"),
    *("--workers", "{workers}", "--no-control-socket", "--log-level", "warning", "--worker-class"),
)

RUNNERS = {
    runner.name: runner
    for runner in (
        _runner(
            "ours",
            *("{bin}/serve", "-m", "{model}/ours", "-p", "{port}", "-w", "{workers}"),
            packages=("modelpack", "gunicorn", "uvicorn"),
        ),
        _runner("gunicorn-asgi", *_GUNICORN, "asgi", packages=("gunicorn",)),
        _runner(
            "uvicorn-worker",
            *_GUNICORN,
            "uvicorn_worker.UvicornWorker",
            packages=("gunicorn", "uvicorn-worker", "uvicorn"),
        ),
        _runner(
            "uvicorn",
            *("{bin}/uvicorn", "asgi_ours:app", "--app-dir", "{services}", "--host", "127.0.0.1"),
            *("--port", "{port}", "--workers", "{workers}", "--no-access-log", "--log-level", "warning"),
            packages=("uvicorn",),
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one runner did: of each work its speed, what reloads and stops lost, and what was malformed."""

    runner: Server
    speed: list[Summary]
    reloads: Tally
    stops: list[Tally]
    malformed: list[Met]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much is done: *rounds* of *seconds*; *reloads* and *stops*, *pause* seconds apart."""

    rounds: int = 3
    seconds: float = 4.0
    reloads: int = 5
    stops: int = 3
    pause: float = 4.0
    driver: str = "wrk"
    works: tuple[Work, ...] = SPEED
    cases: tuple[Case, ...] = CASES
    deadline: float = DEADLINE


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table; answers 2 when something is not set up."""
    given = _parser().parse_args(arguments)
    why = next((why for one in RUNNERS.values() if (why := machine.what_hinders(one))), "")
    if why or not has_wrk():
        print(why or WRK_IS_ABSENT, file=sys.stderr)
        return 2
    amount = Amount(
        rounds=given.rounds,
        seconds=given.seconds,
        reloads=given.reloads,
        stops=given.stops,
        pause=given.pause,
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        prepared = prepare(churn(), Path(scratch) / "churn", RUNNERS.values())
        if prepared.uncertified:
            say(f"THE NATIVE ENGINE ANSWERS, for {prepared.uncertified}")
        measured = compare(list(RUNNERS.values()), prepared, Path(scratch), amount)
    words = sys.argv[1:] if arguments is None else arguments
    command = shlex.join(["python", "-m", "tests.benchmarks.runners", *words])
    print(f"Measured {machine.now()} on {machine.machine()}.\n\n    {command}\n")
    for runner in RUNNERS.values():
        print(f"- {runner.name}: {machine.versions(runner)}")
    print(f"\n{table(measured)}", end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    amount = Amount()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.runners", description=__doc__)
    for name, what in (("rounds", "of load"), ("reloads", "under load"), ("stops", "under load")):
        default = getattr(amount, name)
        parser.add_argument(f"--{name}", type=positive, default=default, help=f"{what} ({default})")
    parser.add_argument("--seconds", type=float, default=amount.seconds, help="of load in a round (4)")
    parser.add_argument("--pause", type=float, default=amount.pause, help="seconds between reloads (4)")
    return parser


def compare(runners: Sequence[Server], prepared: Prepared, scratch: Path, amount: Amount) -> list[Measured]:
    """Measure each of *runners*: speed round by round, the rest one after the other."""
    plan = Plan(driver=DRIVERS[amount.driver], seconds=amount.seconds, warm=1.0)
    runs = []
    for number, one in enumerate(order(runners, amount.works, rounds=amount.rounds, seed=1)):
        say(f"round {one.round}: {one.server.name}")
        runs += visit(one, prepared, plan, scratch / f"speed{number}")
    speed = summarize(runs)
    measured = []
    for runner in runners:
        say(f"reloads, stops and malformed requests: {runner.name}")
        measured.append(
            Measured(
                runner=runner,
                speed=[
                    one for work in amount.works for one in speed if (one.work, one.server) == (work, runner)
                ],
                reloads=reloads(runner, prepared, scratch, amount),
                stops=[
                    stop(runner, prepared, scratch / f"{runner.name}-stop{number}", amount)
                    for number in range(amount.stops)
                ],
                malformed=malformed(runner, prepared, scratch, amount),
            )
        )
    return measured


def reloads(runner: Server, prepared: Prepared, scratch: Path, amount: Amount) -> Tally:
    """What callers met while SIGHUP had the workers replaced, some times over."""
    with _running(runner, prepared, scratch / f"{runner.name}-reload") as (program, target, questions):
        seconds = amount.pause * (amount.reloads + 1)
        with driving(_load(target, questions, seconds=seconds)) as driver:
            for _ in range(amount.reloads):
                time.sleep(amount.pause)
                program.child.send_signal(signal.SIGHUP)
            return result_of(driver, seconds=seconds + 120)


def stop(runner: Server, prepared: Prepared, folder: Path, amount: Amount) -> Tally:
    """What callers met when SIGTERM ended the server; that nobody is there in the end is no loss."""
    with _running(runner, prepared, folder) as (program, target, questions):
        seconds = amount.pause + 2.0
        with driving(_load(target, questions, seconds=seconds)) as driver:
            time.sleep(seconds / 2)
            program.child.terminate()
            tally = result_of(driver, seconds=seconds + 120)
    return replace(tally, refused=0)


def malformed(runner: Server, prepared: Prepared, scratch: Path, amount: Amount) -> list[Met]:
    """What became of requests that are no HTTP."""
    with _running(runner, prepared, scratch / f"{runner.name}-malformed") as (_, target, questions):
        met = ask_all(target.port, amount.cases, deadline=amount.deadline)
        target.check(questions, concurrency=4)
    return met


@contextmanager
def _running(
    runner: Server, prepared: Prepared, folder: Path
) -> Iterator[tuple[processes.Program, Target, list[Question]]]:
    """A server that has answered, and had the time to start its other worker."""
    questions, _ = prepared.questions(LOSSES, runner)
    program, target = started(runner, prepared.folder, folder)
    try:
        target.wait_for_first_answer(questions[0], seconds=120, died=lambda: program.child.poll() is not None)
        processes.settle(program)
        yield program, target, questions
    except Failure as error:
        raise Failure(f"{runner.name}: {error}\n{program.said()}") from None
    finally:
        processes.stop(program)


def _load(target: Target, questions: Sequence[Question], *, seconds: float) -> Load:
    return Load(
        port=target.port,
        bodies=[one.body for one in questions],
        answers=[json.dumps({"predictions": one.labels}).encode() for one in questions],
        concurrency=LOSSES.concurrency,
        seconds=seconds,
    )


def table(measured: Sequence[Measured]) -> str:
    """One line a runner, and below it what it did with which malformed request."""
    works = [one.work.name for one in measured[0].speed]
    heads = [head for name in works for head in (f"{name} requests/s", "p99 ms")]
    losses = ["lost by SIGHUP", "lost by SIGTERM", "malformed and not refused"]
    lines = [f"| runner | {' | '.join([*heads, *losses])} |", "|---|" + "--:|" * (len(heads) + len(losses))]
    for one in measured:
        cells = [shown(value) for run in one.speed for value in (run.rate, run.p99 * 1e3)]
        wrong = [met for met in one.malformed if not met.is_right]
        cells += [
            f"{_kinds([one.reloads])} of {_asked(one.reloads):,}",
            f"{_kinds(one.stops)} of {sum(map(_asked, one.stops)):,}",
            f"{len(wrong)} of {len(one.malformed)}",
        ]
        lines.append(f"| {one.runner.name} | {' | '.join(cells)} |")
    lines.append("")
    for one in measured:
        for summary in one.speed:
            lines += [f"- {one.runner.name}, {summary.work.name}: {fault}" for fault in summary.faults]
        amiss = [f"{met.case.name} ({met.outcome})" for met in one.malformed if not met.is_right]
        lines.append(f"- {one.runner.name}, against expectation: {', '.join(amiss) or 'nothing'}")
    return "\n".join(lines) + "\n"


def lost(tally: Tally) -> int:
    """Requests that were not answered rightly: broken off, refused, wrong, or of another status than 200."""
    return tally.broken + tally.refused + tally.wrong + sum(tally.statuses.values())


def _asked(tally: Tally) -> int:
    return tally.right + lost(tally)


def _kinds(tallies: Sequence[Tally]) -> str:
    kinds = {
        "broken off": sum(one.broken for one in tallies),
        "not connected": sum(one.refused for one in tallies),
        "wrong": sum(one.wrong for one in tallies),
    }
    for one in tallies:
        for status, number in one.statuses.items():
            kinds[f"x {status}"] = kinds.get(f"x {status}", 0) + number
    return ", ".join(f"{number} {kind}" for kind, number in kinds.items() if number) or "0"


if __name__ == "__main__":
    end_in_order()
    sys.exit(main())
