"""The machine: its processors and memory as this process may use them, and programs that verbs call."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from modelpack.cli.doctor.finding import Finding, Patient
from modelpack.processors import processors
from modelpack.report.numbers import size

_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_ENGINE: Final = "unix:///var/run/docker.sock"


def look(patient: Patient) -> Iterator[Finding]:
    """Processors and threads, memory, and the programs uv, docker, podman and kubectl."""
    yield _processors(patient)
    yield _memory(patient)
    yield from _programs(patient)


def _processors(patient: Patient) -> Finding:
    share, there = processors(patient.root), os.cpu_count() or 1
    given = {name: patient.environ[name] for name in _THREADS if patient.environ.get(name)}
    told = f"{share:g} of {there} for this process"
    told += f"; {', '.join(f'{name}={value[:20]}' for name, value in given.items())}" if given else ""
    too_many = [name for name, value in given.items() if value.isdigit() and int(value) > max(1, share)]
    if too_many:
        do = f"set {too_many[0]}={max(1, int(share))}, or unset it: serve then sets it by itself"
        return Finding("processors", "warning", f"{told}: more threads than processors", do)
    return Finding("processors", "ok", told)


def _memory(patient: Patient) -> Finding:
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            limit = int((patient.root / "sys/fs/cgroup" / name).read_text())
        except (OSError, ValueError):
            continue
        if limit < there:
            return Finding(
                "memory", "ok", f"{size(limit)}, the limit of the control group; {size(there)} in all"
            )
    return Finding("memory", "ok", size(there))


def _programs(patient: Patient) -> Iterator[Finding]:
    path = patient.environ.get("PATH")
    uv = shutil.which("uv", path=path)
    yield Finding("uv", "ok", uv or "not on PATH; modelpack env --create then takes pip")
    for name in ("podman", "kubectl"):
        if found := shutil.which(name, path=path):
            yield Finding(name, "ok", found)
    yield _engine(patient, shutil.which("docker", path=path))


def _engine(patient: Patient, program: str | None) -> Finding:
    given = patient.environ.get("DOCKER_HOST", "")
    scheme, _, place = (given or _ENGINE).partition("://")
    called = f"docker at {program}; " if program else "no program docker; "
    if not scheme.endswith("unix"):
        return Finding("docker", "ok", f"{called}the engine is elsewhere, by {scheme}")
    with socket.socket(socket.AF_UNIX) as knocker:
        knocker.settimeout(1)
        try:
            knocker.connect(place)
        except OSError as error:
            told = f"{called}no engine at {Path(place)}: {error.strerror or error}"
            do = "modelpack build-docker needs one; modelpack generate-dockerfile does not"
            return Finding("docker", "warning" if given else "ok", told, do)
    return Finding("docker", "ok", f"{called}an engine listens at {place}")
