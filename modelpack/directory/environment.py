"""What a model must have installed: requirements.txt, conda.yaml, python_env.yaml, written and read back."""

import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from modelpack.directory import layout, strictyaml
from modelpack.errors import InvalidModel, shorten
from modelpack.files import inside

BUILD_TOOLS = ("pip", "setuptools", "wheel")

_PYTHON = re.compile(r"[23](\.\d{1,3}){1,2}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CONDA_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(([=<>!~]=?|==)\s*[A-Za-z0-9.*+!_-]+(,|$))*")
_CONSTRAINTS = re.compile(r"-c\s+constraints\.txt|--constraint[ =]constraints\.txt")
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Environment:
    """*python* is the version the model was saved with (None: not said), *requirements* are PEP 508 lines.

    *constraints* are such lines, too: they bind versions of what is installed for others. *sources* are lines
    that say where packages come from: options of pip, addresses, paths. *conda* are packages that pip does
    not bring, where nothing but conda.yaml says what is needed.
    """

    python: str | None
    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()


def check_requirement(line: str) -> Requirement:
    """*line* as one PEP 508 requirement by name; raises InvalidModel.

    URLs, paths and options of pip are refused: where packages come from is the installer's decision, never a
    model's.
    """
    text = line.strip(" ")
    # The grammar of the parser would let line breaks pass as blanks.
    readable = text if text.isascii() and text.isprintable() else ""
    try:
        requirement = Requirement(readable)
    except InvalidRequirement as error:
        raise InvalidModel(
            shorten(f"requirement {shorten(repr(line), 80)} is not of the form name==version: {error}")
        ) from None
    if requirement.url is not None:
        raise InvalidModel(
            f"requirement {shorten(repr(line), 80)} names a place; give a name and a version, "
            "and let the installer know its index"
        )
    return requirement


def check_python(text: object) -> str:
    """*text* as a version of Python, ``3.11`` or ``3.11.7``; raises InvalidModel."""
    if not isinstance(text, str) or not _PYTHON.fullmatch(text):
        raise InvalidModel(f"{shorten(repr(text), 80)} is no version of Python; write '3.11' or 3.11.7")
    return text


def write(folder: Path, requirements: Sequence[str]) -> None:
    """Put the three files into *folder*, as MLflow 3.17 writes them; *requirements* are checked lines."""
    python = platform.python_version()
    conda = {
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", _pinned("pip", "<="), {"pip": list(requirements)}],
        "name": "mlflow-env",
    }
    environment = {
        "python": python,
        "build_dependencies": [_pinned(tool, "==") for tool in BUILD_TOOLS],
        "dependencies": [f"-r {layout.REQUIREMENTS}"],
    }
    texts = {
        layout.REQUIREMENTS: "\n".join(requirements),
        layout.CONDA: strictyaml.write(conda),
        layout.PYTHON_ENV: strictyaml.write(environment, sort_keys=False),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def read(folder: Path, *, sources: bool = False) -> Environment:
    """What the files in *folder* say; each may be absent.

    Requirements are those of requirements.txt, else of python_env.yaml, else those for pip in conda.yaml, as
    for MLflow. Every value is held to its grammar, so that it can go into a command or a Dockerfile: raises
    InvalidModel for a line that is not a requirement by name (but for those that say where packages come
    from, with *sources*), and for anything but versions, names and requirements elsewhere. Blank lines and
    comments are passed over, and so is a reference to a ``constraints.txt`` that is not there.
    """
    own = _own_lines(inside(folder, layout.REQUIREMENTS))
    python_env = _python_env(inside(folder, layout.PYTHON_ENV), sources=sources)
    conda = _conda(inside(folder, layout.CONDA), sources=sources)
    found = next((one for one in (own, python_env.lines, conda.lines) if one is not None), ())
    bound: tuple[str, ...] = ()
    if any(_CONSTRAINTS.fullmatch(line) for line in found):
        bound = _own_lines(inside(folder, layout.CONSTRAINTS)) or ()
    named, places = _parted([line for line in found if not _CONSTRAINTS.fullmatch(line)], sources=sources)
    limits, more_places = _parted(bound, sources=sources)
    only_conda = own is None and python_env.lines is None
    return Environment(
        python=python_env.python or conda.python,
        requirements=named,
        constraints=limits,
        sources=(*places, *more_places),
        conda=conda.packages if only_conda else (),
    )


def conda_text(folder: Path, environment: Environment, lines: Sequence[str]) -> str:
    """A conda.yaml that brings *lines* by pip: the name, channels and packages are those of the model's own.

    Where *folder* has none, it is what MLflow 3.17 would write. *environment* is what ``read`` gave.
    """
    path = inside(folder, layout.CONDA)
    own = strictyaml.read(path) if path.is_file() else {}
    packages = [one for one in _list(own, "dependencies", path) if isinstance(one, str)]
    if not packages:
        packages = [f"python={environment.python}" if environment.python else "python", "pip"]
    document = {
        "channels": _list(own, "channels", path) or ["conda-forge"],
        "dependencies": [*packages, *([{"pip": list(lines)}] if lines else [])],
        "name": own.get("name", "mlflow-env"),
    }
    return strictyaml.write(document)


@dataclass(frozen=True, slots=True)
class _Said:
    """What one of the YAML files says. *lines* are None where it names none."""

    python: str | None = None
    lines: tuple[str, ...] | None = None
    packages: tuple[str, ...] = ()


def _own_lines(path: Path) -> tuple[str, ...] | None:
    """The lines of a file of requirements that say something; None where there is no such file."""
    if not path.is_file():
        return None
    if path.stat().st_size > _LARGEST:
        raise InvalidModel(f"{path.name} has more than {_LARGEST >> 20} MiB")
    try:
        lines = path.read_bytes().decode().split("\n")
    except UnicodeDecodeError:
        raise InvalidModel(f"{path.name} is not UTF-8") from None
    texts = (line.strip(" \t\r") for line in lines)
    return tuple(text for text in texts if text and not text.startswith("#"))


def _parted(lines: Iterable[str], *, sources: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Requirements by name, and what says where packages come from. Raises InvalidModel without *sources*."""
    named, places = [], []
    for line in lines:
        try:
            check_requirement(line)
            named.append(line)
        except InvalidModel:
            # A line break or the like is no word of pip's either.
            if not sources or not line.isprintable():
                raise
            places.append(line)
    return tuple(named), tuple(places)


def _python_env(path: Path, *, sources: bool) -> _Said:
    if not path.is_file():
        return _Said()
    values = strictyaml.read(path)
    for tool in _list(values, "build_dependencies", path):
        check_requirement(str(tool))
    lines = tuple(
        str(line) for line in _list(values, "dependencies", path) if line != f"-r {layout.REQUIREMENTS}"
    )
    _parted([line for line in lines if not _CONSTRAINTS.fullmatch(line)], sources=sources)
    return _Said(check_python(values["python"]) if "python" in values else None, lines or None)


def _conda(path: Path, *, sources: bool) -> _Said:
    if not path.is_file():
        return _Said()
    values = strictyaml.read(path)
    for word in [values.get("name", "x"), *_list(values, "channels", path)]:
        if not isinstance(word, str) or not _WORD.fullmatch(word):
            raise InvalidModel(f"{shorten(repr(word), 80)} in {path.name} is no name")
    python, lines, packages = None, None, []
    for one in _list(values, "dependencies", path):
        if isinstance(one, dict):
            lines = _pip_lines(one, path, sources=sources)
        elif not isinstance(one, str) or not _CONDA_PACKAGE.fullmatch(one):
            raise InvalidModel(f"{shorten(repr(one), 80)} in {path.name} is no package")
        elif one.startswith("python="):
            python = check_python(one.removeprefix("python=").lstrip("="))
        elif re.split(r"[\s=<>!~]", one)[0] not in (*BUILD_TOOLS, "python"):
            packages.append(one)
    return _Said(python, lines, tuple(packages))


def _pip_lines(part: dict[str, Any], path: Path, *, sources: bool) -> tuple[str, ...]:
    if set(part) != {"pip"}:
        raise InvalidModel(f"{path.name} holds a list of dependencies that is not for pip")
    lines = tuple(str(line) for line in _list(part, "pip", path))
    _parted([line for line in lines if not _CONSTRAINTS.fullmatch(line)], sources=sources)
    return lines


def _list(values: dict[str, Any], key: str, path: Path) -> list[Any]:
    value = values.get(key, [])
    if not isinstance(value, list):
        raise InvalidModel(f"{key} in {path.name} must be a list")
    return value


def _pinned(name: str, relation: str) -> str:
    try:
        return f"{name}{relation}{version(name)}"
    except PackageNotFoundError:
        return name
