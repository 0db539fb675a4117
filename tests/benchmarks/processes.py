"""Programs under measurement: started, weighed and stopped with all that they start. Linux only."""

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

_MARK = "MODELPACK_BENCHMARK_RUN"
_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
_LOOKS = 5
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Process:
    """One process; *born*, in ticks since the machine's start, tells it from a later one with its pid."""

    pid: int
    parent: int
    session: int
    born: int
    ticks: int


@dataclass(frozen=True, slots=True)
class Program:
    """A started program: the *child*, what it prints (*log*), and the *mark* that its processes bear.

    *begun* is when it was started, by the monotonic clock.
    """

    child: "subprocess.Popen[bytes]"
    log: Path
    mark: bytes
    begun: float

    def said(self, characters: int = 2_000) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-characters:].strip()


def start(command: Sequence[str], *, folder: Path, variables: Mapping[str, str], log: Path) -> Program:
    """Start *command* in *folder*, in a process group of its own, knowing no variables but *variables*."""
    mark = f"{_MARK}={secrets.token_hex(8)}"
    name, _, value = mark.partition("=")
    begun = time.monotonic()
    with log.open("wb") as out:
        child = subprocess.Popen(
            list(command),
            cwd=folder,
            env={**variables, name: value},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Program(child, log, mark.encode(), begun)


def family(program: Program) -> list[Process]:
    """All living processes of *program*: its descendants, its session, and whoever bears its mark."""
    living = {process.pid: process for process in _everyone()}
    root = program.child.pid
    ours = {
        pid
        for pid, process in living.items()
        if pid == root or process.session == root or _bears(pid, program.mark)
    }
    while True:
        more = {pid for pid, process in living.items() if process.parent in ours} - ours
        if not more:
            return [living[pid] for pid in sorted(ours)]
        ours |= more


def _everyone() -> Iterable[Process]:
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            process = _look(int(entry.name))
            if process is not None:
                yield process


def _look(pid: int) -> Process | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name, in parentheses, may hold anything; the state is the first field behind it.
    fields = text.rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        return None
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[19]), int(fields[11]) + int(fields[12]))


def _bears(pid: int, mark: bytes) -> bool:
    try:
        return mark in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def memory(processes: Iterable[Process]) -> int:
    """Bytes that *processes* hold: the sum of their proportional set sizes; shared pages count once."""
    return sum(_proportional(process.pid) for process in processes)


def _proportional(pid: int) -> int:
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:"))


def processor_seconds(processes: Iterable[Process]) -> float:
    """Seconds of processor time that *processes* have used since they began."""
    return sum(process.ticks for process in processes) / _TICKS


def settle(program: Program, *, patience: float = 30.0) -> None:
    """Wait until no thread of *program* wants a processor, some looks on end, or for *patience* seconds.

    A driver that ends leaves requests behind, and a server may still work on them for nobody.
    """
    deadline = time.monotonic() + patience
    quiet = 0
    while quiet < _LOOKS and time.monotonic() < deadline:
        quiet = 0 if any(map(_is_runnable, family(program))) else quiet + 1
        time.sleep(_PAUSE)


def _is_runnable(process: Process) -> bool:
    return any(_state(file) == "R" for file in (_PROC / str(process.pid) / "task").glob("*/stat"))


def _state(file: Path) -> str:
    try:
        return file.read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def machine_seconds() -> float:
    """Seconds of processor time that the whole machine has used since it began."""
    fields = [int(word) for word in (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:]]
    idle, waiting = fields[3], fields[4]
    guests = sum(fields[8:10])  # they are counted among the others already
    return (sum(fields) - idle - waiting - guests) / _TICKS


def stop(program: Program, *, patience: float = 20.0) -> None:
    """Ask *program* to end, and kill by pid what is left of it after *patience* seconds."""
    known = family(program)
    if program.child.poll() is None:
        program.child.terminate()
    _wait(program, known, patience)
    known += [process for process in family(program) if process not in known]
    for process in known:
        if is_alive(process):
            os.kill(process.pid, signal.SIGKILL)
    program.child.wait(timeout=patience)


def _wait(program: Program, known: Sequence[Process], patience: float) -> None:
    """Until the program has gone; orphans get a second more."""
    deadline = time.monotonic() + patience
    while program.child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    deadline = time.monotonic() + 1.0
    while any(map(is_alive, known)) and time.monotonic() < deadline:
        time.sleep(0.02)


def is_alive(process: Process) -> bool:
    """Whether it is still there, and no other has got its pid."""
    now = _look(process.pid)
    return now is not None and now.born == process.born


def free_ports(number: int) -> list[int]:
    """Ports of the loopback address on which nothing listens at this moment, all different."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(number)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
