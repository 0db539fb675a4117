"""The command: ``python -m tests.benchmarks``."""

import argparse
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.benchmarks import machine
from tests.benchmarks.extent import FULL, QUICK
from tests.benchmarks.goals import judge
from tests.benchmarks.load import DRIVERS, WRK_IS_ABSENT, has_wrk
from tests.benchmarks.preparing import Prepared, prepare
from tests.benchmarks.report import Setting, as_json, goals_markdown, markdown
from tests.benchmarks.runs import Plan, Run, Visit, order, visit
from tests.benchmarks.servers import SERVERS, Server
from tests.benchmarks.subjects import SUBJECTS, Absent
from tests.benchmarks.summary import summarize
from tests.benchmarks.works import WORKS, Work


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the tables; answers 0 when every run counts, 1 when one does not, 2 without wrk."""
    begun = time.monotonic()
    given = _parser().parse_args(arguments)
    if given.driver == "wrk" and not has_wrk():
        print(WRK_IS_ABSENT, file=sys.stderr)
        return 2
    extent = QUICK if given.quick else FULL
    rounds, seconds = given.rounds or extent.rounds, given.seconds or extent.seconds
    end = begun + 60 * (given.minutes or extent.minutes)
    servers, absent = _able(given.servers or [SERVERS[name] for name in extent.servers])
    works = given.works or [work for work in WORKS.values() if work.usual]
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        prepared = _prepared(works, servers, Path(scratch), absent)
        works = [work for work in works if work.model in prepared]
        asked = _asked(prepared, named=bool(given.works), absent=absent)
        visits = order(servers, works, rounds=rounds, seed=given.seed, asked=asked)
        plan = Plan(driver=DRIVERS[given.driver], seconds=seconds, warm=given.warm)
        runs = _run_all(visits, prepared, plan, Path(scratch), end)
    setting = Setting(
        date=machine.now(),
        machine=machine.machine(),
        command=shlex.join(
            ["python", "-m", "tests.benchmarks", *(sys.argv[1:] if arguments is None else arguments)]
        ),
        driver=given.driver,
        rounds=rounds,
        seconds=seconds,
        seed=given.seed,
        versions=machine.all_versions(servers),
        absent=absent,
        planned=sum(len(one.works) for one in visits),
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
    parser.add_argument(
        "--quick", action="store_true", help=f"one round without most peers: {', '.join(QUICK.servers)}"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        help="nothing is begun that would not end by then, as far as one can tell "
        f"({FULL.minutes:g}; {QUICK.minutes:g} when quick)",
    )
    parser.add_argument(
        "--rounds",
        type=positive,
        help=f"runs of each server at each work ({FULL.rounds}; {QUICK.rounds} when quick)",
    )
    parser.add_argument(
        "--seconds", type=float, help=f"of load in one run ({FULL.seconds:g}; {QUICK.seconds:g} when quick)"
    )
    parser.add_argument("--warm", type=float, default=1.0, help="seconds of load before that (1)")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the runs (1)")
    parser.add_argument("--driver", choices=list(DRIVERS), default="wrk", help="what makes the load (wrk)")
    parser.add_argument("--servers", type=_servers, metavar="NAMES", help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--works", type=_works, metavar="NAMES", help=f"of {', '.join(WORKS)}")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    return parser


def positive(text: str) -> int:
    """A whole number from 1 up, for argparse."""
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
        say(f"{name} IS LEFT OUT: {why}")
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
            say(f"{name} IS LEFT OUT: {error}")
            continue
        prepared[name] = prepare(subject, scratch / name, servers)
        say(f"{name} is trained and saved for everyone")
    return prepared


def _asked(
    prepared: Mapping[str, Prepared], *, named: bool, absent: dict[str, str]
) -> Callable[[Server, Work], bool]:
    """Which works a server is asked; those that it cannot do for want of a certificate go into *absent*."""

    def asked(server: Server, work: Work) -> bool:
        why = prepared[work.model].uncertified
        if server.certified_only and why:
            if absent.setdefault(f"{server.name} with {work.model}", why) is why:
                say(f"{server.name} IS LEFT OUT with {work.model}: {why}")
            return False
        return named or not server.at or work.name in server.at

    return asked


def _run_all(
    visits: Sequence[Visit], prepared: Mapping[str, Prepared], plan: Plan, scratch: Path, end: float
) -> list[Run]:
    """Make *visits*, one after the other, until all are made or one more would not be over at *end*."""
    runs: list[Run] = []
    begun = time.monotonic()
    longest = 0.0
    for number, one in enumerate(visits, 1):
        arrived = time.monotonic()
        if arrived + longest > end:
            say(f"THE TIME IS OVER: {len(visits) - number + 1} of {len(visits)} starts are left out")
            break
        left = (arrived - begun) / max(1, number - 1) * (len(visits) - number + 1)
        where = f"[{number}/{len(visits)}, {min(left, end - arrived) / 60:.0f} min left]"
        model = prepared[one.works[0].model]
        tell = partial(_tell, where)
        runs += visit(one, model, plan, scratch / f"run{number}", tell=tell)
        longest = max(longest, time.monotonic() - arrived)
    return runs


def _tell(where: str, made: Run) -> None:
    say(f"{where} {_told(made)}")


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


def say(text: str) -> None:
    """To standard error, at once."""
    print(text, file=sys.stderr, flush=True)


def _end(signal_number: int, frame: FrameType | None) -> NoReturn:
    """Leave as after an error: the server that runs is stopped on the way out."""
    del frame
    sys.exit(128 + signal_number)


def end_in_order() -> None:
    """Have signals to end leave as errors do."""
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(one, _end)


if __name__ == "__main__":
    end_in_order()
    sys.exit(main())
