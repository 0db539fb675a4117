"""A real server, started as people start it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 60.0


@dataclass(frozen=True)
class Running:
    """A server that listens, and what it said when it began."""

    process: subprocess.Popen[bytes]
    said: dict[str, Any]
    log: Path

    @property
    def port(self) -> int:
        """Where it listens."""
        found = urlsplit(self.said["url"]).port
        assert found
        return int(found)

    def workers(self) -> list[int]:
        """The processes that serve: its children that hold its port."""
        told = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(one) for one in told.split() if b"resource_tracker" not in _command(one)]

    def stop(self) -> int:
        """Ask it to leave; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return int(self.process.wait(PATIENCE))


def _command(process: str) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return b"resource_tracker"


@contextmanager
def running(folder: Path, *options: str, **environ: str) -> Iterator[Running]:
    """``modelpack server`` on a free port, over a database and files in *folder*."""
    log = folder / "server.log"
    command = [
        sys.executable,
        "-c",
        "from modelpack.cli import main; main()",
        "server",
        "--port",
        "0",
        *options,
    ]
    known = {**os.environ, "MODELPACK_HOME": str(folder / "home"), **environ}
    with (
        log.open("wb") as lines,
        subprocess.Popen(command, stdout=lines, stderr=subprocess.PIPE, env=known) as process,
    ):
        try:
            assert process.stderr is not None
            first = process.stderr.readline()
            assert first.startswith(b"{"), first + process.stderr.read()
            yield Running(process, json.loads(first), log)
        finally:
            process.kill()


def until(done: Any, *, seconds: float = PATIENCE) -> None:
    """Wait until *done* answers yes."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)
