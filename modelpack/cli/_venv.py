"""A new virtual environment for a model: which Python, which installer, and nothing left when it fails."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelpack.errors import AlreadyExists, ModelpackError, NotFound, shorten
from modelpack.files import make_folder

Say = Callable[[str], None]

_VERSION = re.compile(r"3(\.\d{1,3}){1,2}")
_TELL = "import platform; print(platform.python_version())"
_NOT_THEIRS = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT")
"""What would lead an installer into another environment."""


class NotInstalled(ModelpackError):
    """An environment that could not be made; nothing of it is left."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python: its program *path* and *version*."""

    path: str
    version: str

    def is_like(self, version: str) -> bool:
        """Whether it is that *version*, ``3.11.7`` or ``3.11``, but for the last of three numbers."""
        return self.version.split(".")[:2] == version.split(".")[:2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to install: *requirements* and *constraints*, lines of pip.

    Or the file *own* as it is, from the folder that it is in: it says itself where packages come from.
    """

    requirements: Sequence[str]
    constraints: Sequence[str] = ()
    own: Path | None = None


def choose_python(wanted: str | None, given: str | None, environ: Mapping[str, str]) -> Interpreter:
    """The Python to use: the one *given*, a version or a program; else of version *wanted*; else this one.

    Raises NotFound where the one that was given is not here.
    """
    here = Interpreter(sys.executable, ".".join(map(str, sys.version_info[:3])))
    if given is not None and not _VERSION.fullmatch(given):
        found = shutil.which(given, path=environ.get("PATH"))
        one = None if found is None else _interpreter(found)
        if one is None:
            raise NotFound("Python", given, hint="give a version such as 3.11, or the path of a program")
        return one
    version = given or wanted
    if version is None or version == here.version:
        return here
    like = [one for one in (here, *_found(version, environ)) if one.is_like(version)]
    exact = [one for one in like if one.version == version]
    if given is not None and not like:
        raise NotFound("Python", given, hint="it is not on PATH; install it, or give the path of a program")
    return next(iter((*exact, *like)), here)


def _found(version: str, environ: Mapping[str, str]) -> Iterator[Interpreter]:
    minor = ".".join(version.split(".")[:2])
    paths = [shutil.which(f"python{minor}", path=environ.get("PATH")), *_of_pyenv(minor, environ)]
    if uv := shutil.which("uv", path=environ.get("PATH")):
        for wanted in dict.fromkeys((version, minor)):
            words = [uv, "python", "find", "--no-project", "--no-python-downloads", wanted]
            paths.append(_said(words))
    for path in dict.fromkeys(path for path in paths if path):
        if one := _interpreter(path):
            yield one


def _of_pyenv(minor: str, environ: Mapping[str, str]) -> list[str]:
    """What pyenv has, where MLflow looks for the Python of a model; its commands may be set to another."""
    root = environ.get("PYENV_ROOT") or Path.home() / ".pyenv"
    return sorted(map(str, Path(root, "versions").glob(f"{minor}.*/bin/python")), reverse=True)


def _interpreter(path: str) -> Interpreter | None:
    told = _said([path, "-I", "-c", _TELL])
    return Interpreter(path, told) if told and _VERSION.match(told) else None


def _said(words: Sequence[str]) -> str | None:
    """What a program prints; None where it fails, or says nothing for long."""
    try:
        done = subprocess.run(  # noqa: S603 - a list of words, no shell
            words, capture_output=True, text=True, errors="replace", check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def create(folder: Path, order: Order, python: Interpreter, *, environ: Mapping[str, str], say: Say) -> None:
    """Make *folder* a virtual environment of *python* that has what *order* says.

    By uv where that is on PATH, else by venv and pip; *say* is told each step. Raises AlreadyExists, and
    NotInstalled when it fails: then *folder* is as it was.
    """
    uv = shutil.which("uv", path=environ.get("PATH"))
    theirs = {name: value for name, value in environ.items() if name not in _NOT_THEIRS}
    with _made_or_gone(folder), tempfile.TemporaryDirectory(prefix="modelpack-env-") as scratch:
        say(f"Making {folder} with Python {python.version}, by {'uv' if uv else 'venv and pip'}.")
        make = [uv, "venv", "--quiet", "--no-project"] if uv else [python.path, "-m", "venv"]
        _run([*make, *(["--python", python.path] if uv else []), str(folder)], theirs, say)
        words = _install(order, Path(scratch), folder, uv)
        if words:
            say(f"Installing requirements ({len(order.requirements)}) and what they need.")
            _run(words, theirs, say, cwd=order.own.parent if order.own else None)


def _install(order: Order, scratch: Path, folder: Path, uv: str | None) -> list[str]:
    """The words that install what *order* says; none where that is nothing."""
    if order.own is None and not order.requirements:
        return []
    inside = str(folder / "bin" / "python")
    words = [uv, "pip", "install", "--python", inside] if uv else [inside, "-m", "pip", "install"]
    words += [] if uv else ["--disable-pip-version-check", "--no-input"]
    if order.own is not None:
        return [*words, "-r", str(order.own)]
    for option, name, lines in (
        ("-r", "requirements.txt", order.requirements),
        ("-c", "constraints.txt", order.constraints),
    ):
        if lines:
            (scratch / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            words += [option, str(scratch / name)]
    return words


@contextmanager
def _made_or_gone(folder: Path) -> Iterator[None]:
    was_there = folder.is_dir() and not folder.is_symlink()
    if os.path.lexists(folder) and not (was_there and not any(folder.iterdir())):
        raise AlreadyExists(f"{folder} exists already; choose another place, or remove it first")
    make_folder(folder.parent)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if was_there:
            folder.mkdir()
        raise


def _run(words: Sequence[str], environ: Mapping[str, str], say: Say, cwd: Path | None = None) -> None:
    last = ""
    with subprocess.Popen(  # noqa: S603 - a list of words, no shell, each held to its grammar
        words,
        env=dict(environ),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            if line.strip():
                last = line.strip()
                say("  " + shorten(line.rstrip(), 400))
    if process.returncode:
        raise NotInstalled(
            shorten(f"{Path(words[0]).name} stopped with code {process.returncode}: {last.rstrip('.')}", 240)
            + "; nothing is left of it"
        )
