"""What a model must have installed: requirements.txt, conda.yaml, python_env.yaml, written and read back."""

import platform
import re
from collections.abc import Iterator, Sequence
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
    """*python* is the version the model was saved with (None: not said), *requirements* are PEP 508 lines."""

    python: str | None
    requirements: tuple[str, ...]


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


def read(folder: Path) -> Environment:
    """What the three files in *folder* say; each may be absent.

    Every value is held to its grammar, so that it can go into a command or a Dockerfile: raises InvalidModel
    for a line of requirements.txt that is not a requirement by name, and for anything but versions, names and
    requirements in the others. A reference to ``constraints.txt``, blank lines and comments are passed over.
    """
    requirements = tuple(_requirements(inside(folder, layout.REQUIREMENTS)))
    conda = _conda(inside(folder, layout.CONDA))
    return Environment(_python_env(inside(folder, layout.PYTHON_ENV)) or conda, requirements)


def _requirements(path: Path) -> Iterator[str]:
    if not path.is_file():
        return
    if path.stat().st_size > _LARGEST:
        raise InvalidModel(f"{path.name} has more than {_LARGEST >> 20} MiB")
    try:
        lines = path.read_bytes().decode().split("\n")
    except UnicodeDecodeError:
        raise InvalidModel(f"{path.name} is not UTF-8") from None
    for line in lines:
        text = line.strip(" \t\r")
        if text and not text.startswith("#") and not _CONSTRAINTS.fullmatch(text):
            check_requirement(text)
            yield text


def _python_env(path: Path) -> str | None:
    if not path.is_file():
        return None
    values = strictyaml.read(path)
    for tool in _list(values, "build_dependencies", path):
        check_requirement(str(tool))
    for line in _list(values, "dependencies", path):
        if line != f"-r {layout.REQUIREMENTS}":
            check_requirement(str(line))
    return check_python(values["python"]) if "python" in values else None


def _conda(path: Path) -> str | None:
    if not path.is_file():
        return None
    values = strictyaml.read(path)
    for word in [values.get("name", "x"), *_list(values, "channels", path)]:
        if not isinstance(word, str) or not _WORD.fullmatch(word):
            raise InvalidModel(f"{shorten(repr(word), 80)} in {path.name} is no name")
    python = None
    for one in _list(values, "dependencies", path):
        if isinstance(one, dict):
            _check_pip(one, path)
        elif not isinstance(one, str) or not _CONDA_PACKAGE.fullmatch(one):
            raise InvalidModel(f"{shorten(repr(one), 80)} in {path.name} is no package")
        elif one.startswith("python="):
            python = check_python(one.removeprefix("python=").lstrip("="))
    return python


def _check_pip(part: dict[str, Any], path: Path) -> None:
    if set(part) != {"pip"}:
        raise InvalidModel(f"{path.name} holds a list of dependencies that is not for pip")
    for line in _list(part, "pip", path):
        if not isinstance(line, str) or not _CONSTRAINTS.fullmatch(line):
            check_requirement(str(line))


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
