"""Lines that nobody waits for."""

import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelpack.logs import Events, Lines, as_line


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    out, into = os.pipe()
    yield out, into
    for descriptor in (out, into):
        try:
            os.close(descriptor)
        except OSError:
            continue


def read_for(out: int, seconds: float = 2.0) -> str:
    os.set_blocking(out, False)
    text, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            piece = os.read(out, 1 << 20)
        except BlockingIOError:
            time.sleep(0.01)
            continue
        if not piece:
            break
        text += piece
    return text.decode()


def test_lines_come_out_whole_and_in_order(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        lines = Lines(file.fileno())
        for number in range(5000):
            lines.put(f"line {number}")
        lines.close(10)
    assert (tmp_path / "log").read_text().splitlines() == [f"line {number}" for number in range(5000)]


def test_a_pipe_that_nobody_empties_delays_nobody_and_the_loss_is_counted(pipe: tuple[int, int]) -> None:
    out, into = pipe
    lines = Lines(into, limit=100)
    started = time.perf_counter()
    for _ in range(5000):
        lines.put("x" * 100)
    assert time.perf_counter() - started < 1.0
    assert lines.dropped > 1000
    text = read_for(out)
    told = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert sum(one["count"] for one in told) == lines.dropped
    assert text.count("x" * 100 + "\n") + lines.dropped == 5000
    lines.close()


def test_a_closed_pipe_is_survived_and_the_loss_is_counted(pipe: tuple[int, int]) -> None:
    out, into = pipe
    os.close(out)
    lines = Lines(into)
    for _ in range(10):
        lines.put("x")
    lines.close(5)
    assert lines.dropped >= 10


def test_closing_does_not_wait_for_a_full_pipe(pipe: tuple[int, int]) -> None:
    lines = Lines(pipe[1], limit=10)
    for _ in range(100_000):
        lines.put("x" * 100)
    started = time.perf_counter()
    lines.close(0.2)
    assert time.perf_counter() - started < 1.0


def test_a_pipe_that_does_not_block_is_waited_for_by_the_thread_alone(pipe: tuple[int, int]) -> None:
    out, into = pipe
    os.set_blocking(into, False)
    lines = Lines(into)
    for number in range(3000):
        lines.put(f"{number} " + "x" * 100)
    text = read_for(out)
    assert [int(line.split()[0]) for line in text.splitlines()] == list(range(3000))
    lines.close()


@pytest.mark.parametrize(
    "text",
    ["\x1b]0;x\x07", "a\r\nb", "\x00", "\x7f", "\u2028", "\x9b31m", "é", "\u202eabc", "%1b[31m", "\ud800"],
)
def test_a_line_is_one_line_of_printable_ascii(text: str) -> None:
    line = as_line({"path": text, "nested": {text: [text]}})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["path"] == text


def test_an_event_is_one_line_with_its_facts_and_traceback(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        lines = Lines(file.fileno())
        logger = logging.getLogger("tests.events")
        logger.addHandler(handler := Events(lines))
        try:
            float("bad\r\nInjected: line\x1b[31m")
        except ValueError:
            logger.exception("it failed: %s", "\x1b]0;x", extra={"request_id": "r1"})
        logger.removeHandler(handler)
        lines.close()
    (line,) = (tmp_path / "log").read_text().splitlines()
    event = json.loads(line)
    assert (event["level"], event["event"], event["request_id"]) == ("error", "it failed: \x1b]0;x", "r1")
    assert "ValueError" in event["traceback"]
    assert line.isprintable()
