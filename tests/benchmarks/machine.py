"""Where and with what a measurement was made."""

import functools
import os
import platform
import re
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from serving.codecs import by_media_type
from tests.benchmarks.protocols import PROTOCOLS
from tests.benchmarks.servers import Server

_ASK = """
import sys
from importlib.metadata import PackageNotFoundError, version
for name in sys.argv[1:]:
    try:
        print(name, version(name))
    except PackageNotFoundError:
        pass
"""


def now() -> str:
    """The day and minute, in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def machine() -> str:
    """Processors, memory, system, Python."""
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    total = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    cores = f"{os.cpu_count()} cores" + (f" ({model[1]})" if model else "")
    memory = f"{int(total[1]) / (1 << 20):.0f} GiB" if total else "memory unknown"
    return f"{cores}, {memory}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


@functools.cache
def versions(server: Server) -> str:
    """The packages of *server* with their versions, such as ``mlflow 3.17.2, scikit-learn 1.9.1``."""
    done = subprocess.run(
        [server.programs / "python", "-c", _ASK, *server.packages],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ", ".join(done.stdout.splitlines())


def what_hinders(server: Server) -> str:
    """Why *server* cannot run here, and what to do; nothing when it can."""
    if not (server.programs / "python").exists():
        return f"{server.environment} is not set up: make bench"
    if server.needs and server.needs not in _help_of(server):
        return f"this serve does not know {server.needs}"
    kind = PROTOCOLS[server.protocol].media_type
    if server.kind == "ours" and kind not in by_media_type(coerce="lossless", depth_limit=64):
        return f"this serve does not read {kind}"
    return ""


@functools.cache
def _help_of(server: Server) -> str:
    done = subprocess.run(
        [server.programs / "serve", "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def busy() -> str:
    """How many programs wanted a processor lately."""
    return ", ".join(f"{load:.1f}" for load in os.getloadavg())


def all_versions(servers: Iterable[Server]) -> dict[str, str]:
    """Of each of *servers*, by name."""
    return {server.name: versions(server) for server in servers}
