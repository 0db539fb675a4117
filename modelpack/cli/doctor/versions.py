"""What is installed, what is missing, and what does not go together."""

import platform
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import modelpack
from modelpack.cli.doctor.finding import Finding, Patient

_OURS: Final = "modelpack"
_TESTED: Final = ((3, 11), (3, 13))
_INSTEAD: Final = {
    "xgboost-cpu": ("xgboost",),
    "onnxruntime": ("onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml"),
}
"""Other distributions of the same modules."""


def look(patient: Patient) -> Iterator[Finding]:
    """Python, ourselves, and every extra: what it brings, and the line that brings what is missing."""
    del patient
    yield _python()
    yield Finding("modelpack", "ok", f"{modelpack.__version__} in {Path(modelpack.__file__).parent}")
    lines = [Requirement(line) for line in distribution(_OURS).requires or []]
    yield from _extra("", [one for one in lines if _is_for(one, "")])
    for extra in distribution(_OURS).metadata.get_all("Provides-Extra") or []:
        yield from _extra(extra, [one for one in lines if _is_for(one, extra) and not _is_for(one, "")])
    yield from _conflicts(lines)


def _python() -> Finding:
    told = f"{platform.python_version()} at {sys.executable}, {platform.system()} {platform.machine()}"
    if _TESTED[0] <= sys.version_info[:2] <= _TESTED[1]:
        return Finding("python", "ok", told)
    known = " to ".join(".".join(map(str, one)) for one in _TESTED)
    return Finding("python", "warning", told, f"this version is not tested; {known} are")


def _is_for(line: Requirement, extra: str) -> bool:
    return line.marker is None or line.marker.evaluate({"extra": extra})


def _extra(extra: str, lines: list[Requirement]) -> Iterator[Finding]:
    """One finding for an extra, or for what everything needs; another for each version that is wrong."""
    if not lines:
        return
    check = f"extra {extra}" if extra else "libraries"
    found = {line: _installed(line.name) for line in lines}
    line_for_all = (
        f'pip install "{_OURS}[{extra}]"' if extra else f"pip install {' '.join(map(_plain, lines))}"
    )
    missing = [line.name for line, one in found.items() if one is None]
    told = ", ".join(f"{one.metadata['Name']} {one.version}" for one in found.values() if one is not None)
    # The first one is what the extra is about; the others may be here for another reason.
    if found[lines[0]] is None and extra:
        yield Finding(check, "ok", f"not installed ({lines[0].name})", line_for_all)
        return
    if missing:
        yield Finding(
            check, "warning" if extra else "problem", f"{told}; missing: {', '.join(missing)}", line_for_all
        )
    else:
        yield Finding(check, "ok", told)
    for line, one in found.items():
        if one is not None and not _meets(one.version, line.specifier):
            met = f"{one.metadata['Name']} {one.version} is here, and {_plain(line)} is needed"
            yield Finding(check, "problem", met, f'pip install "{_plain(line)}"')


def _plain(line: Requirement) -> str:
    return f"{line.name}{line.specifier}"


def _meets(version: str, wanted: SpecifierSet) -> bool:
    return wanted.contains(version, prereleases=True)


def _installed(name: str) -> Distribution | None:
    for one in (name, *_INSTEAD.get(canonicalize_name(name), ())):
        try:
            return distribution(one)
        except PackageNotFoundError:
            continue
    return None


def _conflicts(lines: Iterable[Requirement]) -> Iterator[Finding]:
    """Libraries of ours whose own requirements are not met by what is here."""
    found: dict[str, Distribution] = {}
    pending = [one for line in lines if (one := _installed(line.name)) is not None]
    wrong = []
    while pending:
        one = pending.pop()
        name = canonicalize_name(one.metadata["Name"])
        if name in found:
            continue
        found[name] = one
        for line in _required(one):
            other = _installed(line.name)
            if other is None:
                wrong.append((one, line, f"{line.name} is missing"))
                continue
            pending.append(other)
            if not _meets(other.version, line.specifier):
                wrong.append((one, line, f"{line.name} {other.version} is here"))
    if not wrong:
        yield Finding("conflicts", "ok", f"none among {len(found)} libraries")
    for one, line, met in wrong:
        told = f"{one.metadata['Name']} {one.version} needs {_plain(line)}, and {met}"
        yield Finding("conflicts", "warning", told, f'pip install "{_plain(line)}"')


def _required(one: Distribution) -> Iterator[Requirement]:
    for text in one.requires or []:
        try:
            line = Requirement(text)
        except InvalidRequirement:
            continue
        if _is_for(line, ""):
            yield line
