"""Our team server as a team runs it: a process of its own, with either database and either artifact root."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_START_LIMIT = 60.0


@dataclass(frozen=True)
class Team:
    """A team server at *url*; *environ* is what a client of it needs, its address among it.

    *log* holds a line for each request, *token* opens the door where there is one.
    """

    url: str
    log: Path
    environ: Mapping[str, str] = field(repr=False)
    token: str = field(default="", repr=False)

    def failures(self) -> list[str]:
        """What the server has answered with 500 and above, or failed at, so far."""
        told = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [str(one) for one in told if one.get("level") == "error" or int(one.get("status", 0)) >= 500]


@contextmanager
def team_server(folder: Path, database: str, root: str, *, token: str = "", **more: str) -> Iterator[Team]:
    """``modelpack server`` over *database* and the artifact root *root*; it asks for a token if there is one.

    *more* are variables of its environment.
    """
    command = [
        str(Path(sys.executable).with_name("modelpack")), "server", "--port", "0", "--workers", "2",
        "--backend-store-uri", database, "--default-artifact-root", root,
    ]  # fmt: skip
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("MLFLOW_", "MODELPACK_", "AWS_"))
    }
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--require-auth"] if token else command,
            cwd=folder,
            env={**kept, "MODELPACK_HOME": str(folder / "home"), **more},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        url = _url(process, log)
        known = {"MLFLOW_TRACKING_TOKEN": token} if token else {}
        yield Team(url, log, {"MLFLOW_TRACKING_URI": url, **known}, token)
        process.send_signal(signal.SIGTERM)
        assert process.wait(_START_LIMIT) == 0, log.read_text()[-3_000:]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


def _url(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + _START_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            if '"event":"serving"' in line.replace(" ", ""):
                return str(json.loads(line)["url"])
        time.sleep(0.05)
    raise RuntimeError(f"modelpack server does not start: {log.read_text()[-3_000:]}")
