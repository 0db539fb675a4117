"""Which installed distributions a model needs: those it imports, of those that its own parts ask for."""

import re
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions

from packaging.requirements import InvalidRequirement, Requirement

_OURS = frozenset({"modelpack", "serving", "k8s"})


def infer(roots: Iterable[str], imported: Iterable[str]) -> list[str]:
    """Pinned requirements, sorted: ``["numpy==2.4.6", "scikit-learn==1.9.1", …]``.

    *roots* are the modules that the model's file and code name themselves, *imported* those that were
    imported while it was loaded and asked. A distribution counts when it was imported, and a root or
    something that a root requires: what merely happened to be imported beside, a test runner say, does not.
    Modules of Python itself, of modelpack, and of no installed distribution are passed over.
    """
    owners = packages_distributions()
    wanted = _closure(_owning(roots, owners))
    present = _owning(imported, owners)
    return sorted(
        (
            f"{one.metadata['Name']}=={_public(one.version)}"
            for name, one in wanted.items()
            if name in present
        ),
        key=str.lower,
    )


def is_foreign(module: str, owners: Mapping[str, list[str]]) -> bool:
    """Whether *module* is a model's own: not Python's, not modelpack's, of no distribution in *owners*."""
    top = module.partition(".")[0]
    return top not in sys.stdlib_module_names and top not in _OURS and top not in owners


def _public(version: str) -> str:
    """*version* without what a builder has added to it, such as ``+cpu``: no index has that."""
    return version.partition("+")[0]


def _owning(modules: Iterable[str], owners: Mapping[str, list[str]]) -> dict[str, Distribution]:
    tops = {module.partition(".")[0] for module in modules} - _OURS - sys.stdlib_module_names
    found = {}
    for name in {name for top in tops for name in owners.get(top, [])}:
        if (one := _installed(name)) is not None:
            found[_canonical(name)] = one
    return found


def _closure(roots: Mapping[str, Distribution]) -> dict[str, Distribution]:
    found = dict(roots)
    pending = list(roots.values())
    while pending:
        for line in pending.pop().requires or []:
            name = _required(line)
            if name is not None and name not in found and (one := _installed(name)) is not None:
                found[name] = one
                pending.append(one)
    return found


def _required(line: str) -> str | None:
    """The name in *line*, unless it is for an extra or another machine."""
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return None
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return None
    return _canonical(requirement.name)


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
