"""A saved model, loaded and asked once in a process of its own, to see what it imports.

Run as ``python -m modelpack.rehearsal FOLDER ANSWER``: writes JSON to the file ANSWER.
"""

import builtins
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from modelpack.directory import code, example, layout, open_directory
from modelpack.directory.requirements import is_foreign
from modelpack.errors import shorten
from modelpack.flavors import FLAVORS, choose
from modelpack.predictor import Predictor
from modelpack.trust import Trust

TIMEOUT = 120.0
"""Seconds; the first of these variables that is set gives another number."""

VARIABLES = ("MODELPACK_REQUIREMENTS_TIMEOUT", "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Imports:
    """Top-level modules: all that were *imported*, and those that the model's code asked for (*direct*)."""

    imported: frozenset[str]
    direct: frozenset[str]


def rehearse(folder: Path, *, timeout: float = TIMEOUT) -> Imports | None:
    """What loading the model in *folder*, and asking it its own example, imports in a fresh process.

    Runs the model's code: for a model that was just saved from memory. None when it fails or takes longer
    than *timeout* seconds, which is logged.
    """
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch) / "imports.json"
        command = [sys.executable, "-W", "ignore", "-m", __name__, str(folder), str(answer)]
        process = subprocess.Popen(  # noqa: S603 - this interpreter and this module
            command,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            _, said = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            logger.warning("rehearsal took too long", extra={"seconds": timeout})
            return None
        finally:
            _end(process)
        if process.returncode != 0 or not answer.is_file():
            last = said.decode(errors="replace").strip().rpartition("\n")[2]
            logger.warning("rehearsal failed: %s", shorten(last), extra={"code": process.returncode})
            return None
        told = json.loads(answer.read_text(encoding="utf-8"))
    return Imports(frozenset(told["imported"]), frozenset(told["direct"]))


def timeout_of(environ: Mapping[str, str]) -> float:
    """Seconds that a rehearsal may take: what the environment says, else ``TIMEOUT``."""
    for variable in VARIABLES:
        try:
            return max(0.0, float(environ[variable]))
        except (KeyError, ValueError):
            continue
    return TIMEOUT


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of *process* and of those it started, also when the waiting was interrupted."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _watch() -> set[str]:
    """Record from now on what modules of no distribution import: the model's own code."""
    direct: set[str] = set()
    owners = packages_distributions()
    real = builtins.__import__

    def watching(
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the name that Python gives it
        locals: Mapping[str, Any] | None = None,  # noqa: A002 - the name that Python gives it
        fromlist: Any = (),
        level: int = 0,
    ) -> Any:
        # Compiled code may import without saying who it is; it is never a model's own.
        importer = (globals or {}).get("__name__")
        if level == 0 and isinstance(importer, str) and is_foreign(importer, owners):
            direct.add(name.partition(".")[0])
        return real(name, globals, locals, fromlist, level)

    builtins.__import__ = watching
    return direct


def _run(folder: Path, answer: Path) -> None:
    directory = open_directory(folder)
    name = choose(directory.document)
    flavor = FLAVORS[name]
    words = flavor.needs(directory)
    types = tuple(word for word in words if word not in ("pickle", "code"))
    direct = _watch()
    if (directory.path / layout.CODE).is_dir():
        code.make_importable(directory.path, layout.CODE)
    model = flavor.load(directory, Trust(pickle=True, code=True, types=types))
    given = directory.example()
    if given is not None and directory.document.python_function:
        data, params = example.split(given)
        predict = flavor.predictor(model, directory)
        Predictor(directory, flavor=name, model=model, predict=predict).predict(data, params)
    imported = sorted({module.partition(".")[0] for module in sys.modules})
    answer.write_text(json.dumps({"imported": imported, "direct": sorted(direct)}), encoding="utf-8")


if __name__ == "__main__":
    _run(Path(sys.argv[1]), Path(sys.argv[2]))
