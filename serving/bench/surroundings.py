"""Where a measurement was made: the machine, and the versions of what took part."""

import os
import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from modelpack._version import __version__
from modelpack.processors import processors
from modelpack.report.numbers import number, size

_ALWAYS = ("numpy", "onnxruntime", "uvicorn", "uvloop", "httptools", "gunicorn", "orjson", "pysimdjson")
"""Distributions that answer requests, whatever the model is."""


def machine(root: Path = Path("/")) -> Iterator[tuple[str, str]]:
    """What the machine is, as this process may use it; not what it is called."""
    share, there = processors(root), os.cpu_count() or 1
    kind = _kind(root)
    yield "Processors", f"{number(share)} of {there} for this process{f', {kind}' if kind else ''}"
    yield "Memory", size(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    yield "System", f"{platform.system()} {platform.release()}, {platform.machine()}"


def _kind(root: Path) -> str:
    """What the first processor calls itself; nothing where nobody says."""
    try:
        lines = (root / "proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "")


def versions(requirements: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Python, ourselves, what answers requests, and what is installed of *requirements*."""
    yield "Python", f"{platform.python_implementation()} {platform.python_version()}"
    yield "modelpack", __version__
    for name in dict.fromkeys((*_ALWAYS, *_names(requirements))):
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _names(requirements: Iterable[str]) -> Iterator[str]:
    for line in requirements:
        try:
            yield Requirement(line).name
        except InvalidRequirement:
            continue
