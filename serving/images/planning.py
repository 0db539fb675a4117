"""From a reference and an operator's words to a plan; the model is opened, never loaded."""

import platform as machine
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from modelpack import Registry
from modelpack.directory import ModelDirectory, environment
from modelpack.loading import open_model
from modelpack.uris import ModelRef, RegistryName
from serving.images import names
from serving.images.errors import InvalidValue
from serving.images.lock import Lock, resolve
from serving.images.plan import ImagePlan
from serving.images.requirements import installed, wanted
from serving.settings import EngineName

MACHINES = {
    "x86_64": "linux/amd64",
    "amd64": "linux/amd64",
    "aarch64": "linux/arm64",
    "arm64": "linux/arm64",
}
_PYTHON_TAG = re.compile(r"(?:^|/)python:(3\.[0-9]{1,2})(?![0-9])")


def plan_image(
    reference: str,
    *,
    engine: EngineName = "auto",
    base: str | None = None,
    python: str | None = None,
    platform: str | None = None,
    extras: Iterable[str] = (),
    more: Iterable[str] = (),
    lock: Path | None = None,
    at_start: bool = False,
    index: str | None = None,
    more_indexes: tuple[str, ...] = (),
    **words: Any,
) -> tuple[ImagePlan, ModelDirectory]:
    """The plan of an image that serves *reference*, and the model that it is about.

    What is not said follows from the model and from here: its Python, the slim image of that, this machine's
    platform. Without a *lock* one is found, which asks a package index. *words* are other fields of the plan.
    Raises what ImagePlan, ``open_model``, ``wanted`` and ``resolve`` raise.
    """
    directory = open_model(reference)
    version = names.python("--python", python or _python(base, directory))
    target = names.platform("--platform", platform or MACHINES.get(machine.machine().lower(), ""))
    need = wanted(directory, engine=engine, python=version, at_start=at_start, extras=extras, more=more)
    for url in (*([index] if index else []), *more_indexes):
        names.index("--index-url", url)
    if lock is None:
        locked = resolve(
            need,
            python=version,
            platform=target,
            preferred=installed(),
            index=index,
            more_indexes=more_indexes,
        )
    else:
        locked = Lock.read(lock)
        locked.hold(need)
    plan = ImagePlan(
        base=base or f"python:{version}-slim",
        python=version,
        platform=target,
        engine=need.engine,
        digest=directory.digest,
        created=_created(directory),
        lock=locked,
        at_start=at_start,
        index=index,
        more_indexes=more_indexes,
        **_names(reference, directory),
        **words,
    )
    return plan, directory


def _python(base: str | None, directory: ModelDirectory) -> str:
    found = _PYTHON_TAG.search(base) if base else None
    said = found[1] if found else environment.read(directory.path).python
    if said is None:
        raise InvalidValue("--python", None, "the version in the base image: the model does not say its own")
    return said


def _created(directory: ModelDirectory) -> str:
    """The document's time in ISO 8601, whole seconds; nothing where it is none."""
    match = re.match(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)", directory.document.utc_time_created or "")
    return f"{match[1]}T{match[2]}+00:00" if match else ""


def _names(reference: str, directory: ModelDirectory) -> dict[str, Any]:
    """What the model is called, and all that means it now: its number, its stage, its aliases."""
    ref = ModelRef.parse(reference)
    if ref.scheme != "models":
        return {"reference": "", "name": directory.path.name, "version": ""}
    with Registry() as registry:
        found = registry.locate(RegistryName.parse(ref))
    start = f"models:/{found.name}"
    known = [f"{start}/{found.version}", *(f"{start}@{alias}" for alias in found.aliases)]
    if found.stage != "None":
        known.append(f"{start}/{found.stage}")
    return {
        "reference": reference,
        "name": found.name,
        "version": str(found.version),
        "known": tuple(sorted({reference, *known})),
    }
