"""Runs each estimator in a process of its own, two at once, and no longer than it may take."""

import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess

from tests.conversions.subjects import Subject
from tests.conversions.trial import NO_FORM, WRONG, Finding, Result, attempt

AT_ONCE = 2


def each(chosen: Sequence[Subject], *, seconds: float) -> Iterator[Result]:
    """What became of *chosen*, in the order in which they end; two run at once, each in its own process."""
    context = get_context("forkserver")
    # Loaded once. The runtime of ONNX is not among these libraries: it does not survive a fork.
    context.set_forkserver_preload(["tests.conversions.preload"])
    waiting = list(chosen)[::-1]
    running: dict[Connection, tuple[Subject, ForkServerProcess, float]] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            subject = waiting.pop()
            mine, theirs = context.Pipe(duplex=False)
            process = context.Process(target=_child, args=(subject, theirs))
            process.start()
            theirs.close()
            running[mine] = subject, process, time.monotonic() + seconds
        ready = set(wait(list(running), timeout=0.5))
        for end in list(running):
            subject, process, deadline = running[end]
            if end not in ready and time.monotonic() < deadline:
                continue
            yield _received(end, subject, seconds) if end in ready else _late(subject, seconds)
            process.kill()
            process.join()
            end.close()
            del running[end]


def _child(subject: Subject, end: Connection) -> None:
    try:
        result = attempt(subject)
    except AssertionError as error:
        result = Result(subject.name, subject.kinds, reason=f"{WRONG}: {str(error)[:200]}")
    end.send(result)


def _received(end: Connection, subject: Subject, seconds: float) -> Result:
    try:
        received: Result = end.recv()
    except EOFError:
        return Result(subject.name, subject.kinds, {"": Finding(NO_FORM, "the process ended without a word")})
    return received


def _late(subject: Subject, seconds: float) -> Result:
    return Result(subject.name, subject.kinds, {"": Finding(NO_FORM, f"takes more than {seconds:g} seconds")})
