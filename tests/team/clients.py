"""Clients of real MLflow's, each in a Python of its own, and what they saw of a server."""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.compat.real_mlflow import NEWEST, clean_environ, python_of, require_mlflow

SCRIPTS = Path(__file__).parent / "scripts"

Seen = Mapping[str, Any]


def run_client(
    script: Path, *arguments: str, work: Path, environ: Mapping[str, str], version: str = NEWEST
) -> str:
    """What *script* prints, which MLflow's Python runs in the folder *work* with the variables *environ*."""
    require_mlflow(version)
    done = subprocess.run(
        [python_of(version), "-W", "ignore", script, *arguments],
        cwd=work,
        env={**clean_environ(work), "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", **environ},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    return done.stdout


def session(version: str, name: str, work: Path, environ: Mapping[str, str]) -> Seen:
    """What the client of MLflow *version* saw in a session; names of what it made begin with *name*."""
    told = run_client(SCRIPTS / "session.py", str(work), name, work=work, environ=environ, version=version)
    seen: Seen = json.loads(told.strip().splitlines()[-1])
    return seen


@dataclass(frozen=True)
class Difference:
    """What may differ: at *places*, a pattern, and why."""

    places: str
    why: str


def differences(expected: Seen, met: Seen, allowed: Iterable[Difference]) -> dict[str, tuple[Any, Any]]:
    """Where *met* is not as *expected*, but for what is *allowed*."""
    one, other = dict(_flat(expected)), dict(_flat(met))
    allowed = list(allowed)
    return {
        place: (one.get(place, "(absent)"), other.get(place, "(absent)"))
        for place in sorted({*one, *other})
        if one.get(place, _ABSENT) != other.get(place, _ABSENT)
        and not any(fnmatchcase(place, known.places) for known in allowed)
    }


_ABSENT = object()


def _flat(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in *value*, by the path that leads to it; a list of plain things is one."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{place}/{key}")
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{place}/{number}")
    else:
        yield place, value
