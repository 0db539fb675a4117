"""The command: ``python -m tests.benchmarks``."""

import argparse
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.benchmarks import machine
from tests.benchmarks.goals import judge
from tests.benchmarks.load import DRIVERS, WRK_IS_ABSENT, has_wrk
from tests.benchmarks.preparing import Prepared, prepare
from tests.benchmarks.report import Setting, as_json, goals_markdown, markdown
from tests.benchmarks.runs import Plan, Run, Step, order, run
from tests.benchmarks.servers import SERVERS, Server
from tests.benchmarks.subjects import SUBJECTS, Absent
from tests.benchmarks.summary import summarize
from tests.benchmarks.works import WORKS, Work


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables; answers 0 when every run counts, 1 when one does not, 2 without wrk."""
    given = _parser().parse_args(arguments)
    if given.driver == "wrk" and not has_wrk():
        print(WRK_IS_ABSENT, file=sys.stderr)
        return 2
    servers, absent = _able(given.servers)
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        prepared = _prepared(given.works, servers, Path(scratch), absent)
        works = [work for work in given.works if work.model in prepared]
        steps = order(servers, works, rounds=given.rounds, seed=given.seed)
        plan = Plan(driver=DRIVERS[given.driver], seconds=given.seconds, warm=given.warm)
        runs = _run_all(steps, prepared, plan, Path(scratch))
    setting = Setting(
        date=machine.now(),
        machine=machine.machine(),
        command=shlex.join(
            ["python", "-m", "tests.benchmarks", *(sys.argv[1:] if arguments is None else arguments)]
        ),
        driver=given.driver,
        rounds=given.rounds,
        seconds=given.seconds,
        seed=given.seed,
        versions=machine.all_versions(servers),
        absent=absent,
    )
    summaries = summarize(runs)
    verdicts = judge(summaries)
    text = f"{markdown(setting, runs, summaries)}\n{goals_markdown(verdicts)}"
    print(text, end="")
    if given.markdown:
        given.markdown.write_text(text)
    if given.json:
        given.json.write_text(as_json(setting, runs, verdicts))
    return 1 if any(one.fault for one in runs) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    usual = [server for server in SERVERS.values() if server.usual]
    parser.add_argument("--rounds", type=_positive, default=3, help="runs of each server at each work (3)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of load in one run (5)")
    parser.add_argument("--warm", type=float, default=1.0, help="seconds of load before that (1)")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the runs (1)")
    parser.add_argument("--driver", choices=list(DRIVERS), default="wrk", help="what makes the load (wrk)")
    parser.add_argument(
        "--servers", type=_servers, default=usual, metavar="NAMES", help=f"of {', '.join(SERVERS)}"
    )
    parser.add_argument(
        "--works", type=_works, default=list(WORKS.values()), metavar="NAMES", help=f"of {', '.join(WORKS)}"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("give a whole number from 1 up")
    return int(text)


def _servers(text: str) -> list[Server]:
    return [SERVERS[name] for name in _names(text, SERVERS)]


def _works(text: str) -> list[Work]:
    return [WORKS[name] for name in _names(text, WORKS)]


def _names(text: str, known: Mapping[str, object]) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(known)}")
    return names


def _able(wanted: Sequence[Server]) -> tuple[list[Server], dict[str, str]]:
    """The servers that can run here, and why others cannot."""
    hindrances = {server.name: machine.what_hinders(server) for server in wanted}
    absent = {name: why for name, why in hindrances.items() if why}
    for name, why in absent.items():
        _say(f"{name} is left out: {why}")
    return [server for server in wanted if server.name not in absent], absent


def _prepared(
    works: Sequence[Work], servers: Sequence[Server], scratch: Path, absent: dict[str, str]
) -> dict[str, Prepared]:
    """By name, the models that *works* ask for; one whose data is not here is entered into *absent*."""
    prepared = {}
    for name in dict.fromkeys(work.model for work in works):
        try:
            subject = SUBJECTS[name]()
        except Absent as error:
            absent[name] = str(error)
            _say(f"{name} is left out: {error}")
            continue
        prepared[name] = prepare(subject, scratch / name, servers)
        _say(f"{name} is trained and saved for everyone")
    return prepared


def _run_all(steps: Sequence[Step], prepared: Mapping[str, Prepared], plan: Plan, scratch: Path) -> list[Run]:
    runs = []
    begun = time.monotonic()
    for number, step in enumerate(steps, 1):
        made = run(step, prepared[step.work.model], plan, scratch / f"run{number}")
        runs.append(made)
        left = (time.monotonic() - begun) / number * (len(steps) - number)
        _say(f"[{number}/{len(steps)}, {left / 60:.0f} min left] {_told(made)}")
    return runs


def _told(made: Run) -> str:
    step = made.step
    name = f"round {step.round}  {step.work.name:<13} {step.server.name:<17}"
    if made.fault:
        return f"{name} DOES NOT COUNT: {made.fault}"
    load = made.load
    return (
        f"{name} {load.rate:9,.1f}/s  p50 {load.p50 * 1e3:8.2f} ms  p99 {load.p99 * 1e3:8.2f} ms  "
        f"start {made.start:5.2f} s  {made.memory / (1 << 20):6.0f} MiB in {made.processes}  "
        f"others {made.others:4.0%}"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _end(signal_number: int, frame: FrameType | None) -> NoReturn:
    """Leave as after an error: the server that runs is stopped on the way out."""
    del frame
    sys.exit(128 + signal_number)


if __name__ == "__main__":
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(one, _end)
    sys.exit(main())
