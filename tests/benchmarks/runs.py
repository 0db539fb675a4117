"""One measurement, and the order of many: only one server is alive at any time."""

import math
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks import processes
from tests.benchmarks.client import Failure, Question, Target
from tests.benchmarks.load import Driver, Load
from tests.benchmarks.preparing import Prepared
from tests.benchmarks.protocols import PROTOCOLS
from tests.benchmarks.servers import SERVICES, WORKERS, Server
from tests.benchmarks.works import Work

_PORTS = ("port", "other_port", "third_port")


@dataclass(frozen=True, slots=True)
class Step:
    """One run that is to be made."""

    round: int
    work: Work
    server: Server


@dataclass(frozen=True, slots=True)
class Visit:
    """One start of *server*, and the *works* that are asked of it before it is stopped."""

    round: int
    server: Server
    works: tuple[Work, ...]

    @property
    def steps(self) -> list[Step]:
        """Its runs, in order."""
        return [Step(self.round, work, self.server) for work in self.works]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run found; a *fault* says why it does not count, and then no other figure means anything.

    *start*: seconds from the program's start to its first right answer. *memory*: bytes (PSS) of all its
    processes right after the load. *processor*: seconds of processor time for one request. *others*: share
    of the machine's processors that other programs used meanwhile, from 0 to 1.
    """

    step: Step
    start: float = math.nan
    load: Load = field(default_factory=lambda: Load(requests=0, seconds=0.0, p50=math.nan, p99=math.nan))
    memory: int = 0
    processor: float = math.nan
    others: float = math.nan
    processes: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How each run is made: *warm* seconds of load go before; *patience* (s) is for the first answer."""

    driver: Driver
    seconds: float
    warm: float
    patience: float = 120.0


def order(
    servers: Sequence[Server],
    works: Sequence[Work],
    *,
    rounds: int,
    seed: int,
    asked: Callable[[Server, Work], bool] = lambda server, work: True,
) -> list[Visit]:
    """Round by round, model by model, each time once to the servers, shuffled by *seed*.

    So a noisy minute of the machine meets all servers alike, and no server always follows the same one.
    *asked* says which works a server is asked among those whose model it can serve.
    """
    shuffler = random.Random(seed)
    visits = []
    for number in range(1, rounds + 1):
        for model in dict.fromkeys(work.model for work in works):
            for server in shuffler.sample(servers, len(servers)):
                taken = tuple(work for work in works if work.model == model and asked(server, work))
                if taken and model in server.models:
                    visits.append(Visit(number, server, taken))
    return visits


def run(step: Step, prepared: Prepared, plan: Plan, folder: Path) -> Run:
    """A visit for one work."""
    (made,) = visit(Visit(step.round, step.server, (step.work,)), prepared, plan, folder)
    return made


def visit(
    one: Visit,
    prepared: Prepared,
    plan: Plan,
    folder: Path,
    *,
    tell: Callable[[Run], None] = lambda run: None,
) -> list[Run]:
    """Start the server and wait for its first answer; for each work check, warm, load, weigh, check; stop.

    A server that fails at a work is started anew for the next one; one that does not start is not tried
    again. Each run goes to *tell* when it is made. *folder*, which must not exist, becomes the server's
    working and home folder, and keeps what it printed.
    """
    runs: list[Run] = []

    def made(run: Run) -> None:
        runs.append(run)
        tell(run)

    while left := one.steps[len(runs) :]:
        _since_start(left, prepared, plan, folder.with_name(f"{folder.name}-{len(runs)}"), made)
    return runs


def _since_start(
    steps: Sequence[Step], prepared: Prepared, plan: Plan, folder: Path, made: Callable[[Run], None]
) -> None:
    """Make the runs of *steps* up to the first that does not count; all of them when there is no start."""
    server = steps[0].server
    try:
        program, target = started(server, prepared.folder, folder)
    except OSError as error:
        return _give_up(steps, f"it cannot be started: {error}", made)
    try:
        try:
            start = _wait(program, target, prepared.questions(steps[0].work, server)[0], plan)
        except Failure as error:
            return _give_up(steps, f"{error}\n{program.said()}".strip(), made)
        for step in steps:
            try:
                made(_measure(step, program, target, start, prepared, plan))
            except Failure as error:
                return _give_up([step], f"{error}\n{program.said()}".strip(), made)
    finally:
        processes.stop(program)


def _give_up(steps: Sequence[Step], fault: str, made: Callable[[Run], None]) -> None:
    for step in steps:
        made(Run(step=step, fault=fault))


def _wait(program: processes.Program, target: Target, questions: Sequence[Question], plan: Plan) -> float:
    """Seconds from the program's start to its first right answer."""
    target.wait_for_first_answer(
        questions[0], seconds=plan.patience, died=lambda: program.child.poll() is not None
    )
    return time.monotonic() - program.begun


def _measure(
    step: Step,
    program: processes.Program,
    target: Target,
    start: float,
    prepared: Prepared,
    plan: Plan,
) -> Run:
    questions, bodies = prepared.questions(step.work, step.server)
    concurrency = step.work.concurrency
    target.check(questions, concurrency=1)
    plan.driver(target, questions, bodies, concurrency=concurrency, seconds=plan.warm)
    processes.settle(program)
    before, machine = processes.family(program), processes.machine_seconds()
    mine, clock = _own_seconds(), time.monotonic()
    load = plan.driver(target, questions, bodies, concurrency=concurrency, seconds=plan.seconds)
    after = processes.family(program)
    took = time.monotonic() - clock
    used = processes.processor_seconds(after) - processes.processor_seconds(before)
    elsewhere = processes.machine_seconds() - machine - used - (_own_seconds() - mine)
    memory = processes.memory(after)
    if load.errors or not load.requests:
        kinds = ", ".join(f"{number} {kind}" for kind, number in load.errors.items())
        raise Failure(f"errors under load: {kinds or 'no answer at all'}")
    processes.settle(program)
    target.check(questions, concurrency=concurrency)
    return Run(
        step=step,
        start=start,
        load=load,
        memory=memory,
        processor=used / load.requests,
        others=max(0.0, elsewhere / (took * (os.cpu_count() or 1))),
        processes=len(after),
    )


def _own_seconds() -> float:
    """Processor time of the harness and of the drivers that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def started(server: Server, model: Path, folder: Path) -> tuple[processes.Program, Target]:
    """*server*, just started with the model in *model*; whoever asks for it stops it."""
    folder.mkdir()
    ports = processes.free_ports(len(_PORTS))
    values = {
        "bin": str(server.programs),
        "model": str(model),
        "folder": str(folder),
        "workers": str(WORKERS),
        "services": str(SERVICES),
        **dict(zip(_PORTS, map(str, ports), strict=True)),
    }
    program = processes.start(
        [word.format_map(values) for word in server.command],
        folder=folder,
        variables=_variables(server, values),
        log=folder.with_suffix(".log"),
    )
    return program, Target(ports[0], server.path, PROTOCOLS[server.protocol])


def _variables(server: Server, values: Mapping[str, str]) -> dict[str, str]:
    """All that a server knows of its surroundings: nothing of ours may change what one measures."""
    return {
        "PATH": f"{values['bin']}:/usr/local/bin:/usr/bin:/bin",
        "HOME": values["folder"],
        "LANG": "C.UTF-8",
        "DO_NOT_TRACK": "1",
        **{name: value.format_map(values) for name, value in server.variables.items()},
    }
