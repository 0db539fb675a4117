"""A server under measurement: a child process, started, weighed and stopped with all that it starts."""

import contextlib
import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelpack.errors import shorten
from serving.errors import BenchmarkFailed

_PROC = Path("/proc")
_PAUSE = 0.01
_PATIENCE = 15.0
"""Seconds for a server to leave by itself, in which requests that run may end."""

_KEEP_SHORT = ("--linger", "0", "--drain", "5")


@dataclass(frozen=True, slots=True)
class Child:
    """A server that answers on *port*; *start* is the seconds from its start to its first right answer."""

    process: "subprocess.Popen[bytes]"
    port: int
    start: float

    @property
    def memory(self) -> int | None:
        """Bytes (PSS) of it and its descendants now: pages that they share count once. None off Linux."""
        sizes = [_proportional(pid) for pid in family(self.process.pid)]
        return sum(sizes) or None


def serve_command(*arguments: str) -> list[str]:
    """``serve`` with *arguments*, on a free port of the loopback address, ending with this process."""
    here = (sys.executable, "-P", "-m", "serving.bench.launch", str(os.getpid()))
    return [*here, "--host", "127.0.0.1", "--port", "0", *_KEEP_SHORT, *arguments]


@contextlib.contextmanager
def running(command: Sequence[str], *, first: bytes, patience: float = 300.0) -> Iterator[Child]:
    """Start *command*, and wait until it has said where it serves and answered the body *first*.

    It is stopped by its pid at the end of the block, and killed with its descendants when it will not go.
    Raises BenchmarkFailed with what it said, when it ends or after *patience* seconds.
    """
    begun = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, our own module
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            # A person's Ctrl-C reaches this process alone, which then stops the server in order.
            start_new_session=True,
        )
        try:
            port = _until_it_answers(process, said.fileno(), first, begun + patience)
            yield Child(process, port, time.monotonic() - begun)
        finally:
            _stop(process)


def _until_it_answers(process: "subprocess.Popen[bytes]", said: int, first: bytes, deadline: float) -> int:
    while time.monotonic() < deadline:
        told = os.pread(said, 1 << 20, 0).decode(errors="replace")
        if process.poll() is not None:
            last = told.strip().rpartition("\n")[2].removeprefix("Error: ")
            met = last or f"code {process.returncode}"
            raise BenchmarkFailed(shorten(f"the server ended before it answered: {met}"))
        if found := re.search(r" at http://127\.0\.0\.1:(\d+) ", told):
            return _ask_once(int(found[1]), first)
        time.sleep(_PAUSE)
    raise BenchmarkFailed("the server did not say in time that it serves")


def _ask_once(port: int, body: bytes) -> int:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        try:
            connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            heard = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise BenchmarkFailed(shorten(f"the server did not answer: {error!r}")) from error
    if answer.status != 200:
        met = heard[:200].decode(errors="replace")
        raise BenchmarkFailed(shorten(f"the server answered its first request with {answer.status}: {met}"))
    return port


def _stop(process: "subprocess.Popen[bytes]") -> None:
    members = family(process.pid)
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
    members |= family(process.pid)
    process.kill()
    process.wait()
    deadline = time.monotonic() + _PATIENCE
    while (left := _living(members)) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE)


def _living(members: dict[int, int]) -> list[int]:
    """Those of *members* that still run, and whose pid no other process has got."""
    return [pid for pid, (_, born) in _everyone() if members.get(pid) == born]


def family(root: int) -> dict[int, int]:
    """The pids of *root* and its living descendants, each with the moment of its birth; empty off Linux."""
    living = dict(_everyone())
    found = {pid: born for pid, (_, born) in living.items() if pid == root}
    while True:
        more = {pid: born for pid, (parent, born) in living.items() if parent in found and pid not in found}
        if not more:
            return found
        found |= more


def _everyone() -> Iterator[tuple[int, tuple[int, int]]]:
    """Each living process with its parent and the moment of its birth, which tells it from a later one."""
    for entry in _PROC.glob("[0-9]*"):
        try:
            text = (entry / "stat").read_text()
        except OSError:
            continue
        # The name, in parentheses, may hold anything; the state is the first field behind it.
        fields = text.rpartition(")")[2].split()
        if fields[0] not in {"Z", "X"}:
            yield int(entry.name), (int(fields[1]), int(fields[19]))


def _proportional(pid: int) -> int:
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:"))
