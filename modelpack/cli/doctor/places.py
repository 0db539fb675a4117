"""Folders that are written to: the home, the artifacts, the cache."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from modelpack import settings
from modelpack.artifacts.cache import Cache
from modelpack.artifacts.root import ArtifactRoot
from modelpack.cli.doctor.finding import Finding, Patient, State
from modelpack.directory.manifest import Manifest
from modelpack.errors import InvalidModel
from modelpack.report.numbers import size

_LITTLE: Final = 1 << 30
_TOO_LITTLE: Final = 100 << 20


def look(patient: Patient) -> Iterator[Finding]:
    """The folder of this person, and that of the artifacts. Nothing is made."""
    home = settings.home(patient.environ)
    yield _folder("home", home, "set MODELPACK_HOME to a folder that you may write")
    root = ArtifactRoot.read(patient.environ)
    if root.is_bucket:
        yield Finding("artifacts", "ok", f"{root.text}, a bucket; nobody was asked")
        return
    yield _folder("artifacts", root.folder, "set MODELPACK_ARTIFACT_ROOT to another")


def _folder(check: str, folder: Path, other: str) -> Finding:
    there = next(one for one in (folder, *folder.absolute().parents) if os.path.lexists(one))
    if not there.is_dir():
        return Finding(check, "problem", f"{there} is no folder", other)
    if not os.access(there, os.W_OK | os.X_OK):
        what = "may not be written" if there == folder else f"cannot be made: {there} may not be written"
        return Finding(check, "problem", f"{folder} {what}", other)
    free = shutil.disk_usage(there).free
    state: State = "problem" if free < _TOO_LITTLE else "warning" if free < _LITTLE else "ok"
    room = f"{size(free)} free"
    if there != folder:
        return Finding(check, state, f"{folder} is not there yet; {room}", other if state != "ok" else "")
    status = folder.stat()
    mode = stat.S_IMODE(status.st_mode)
    told = f"{folder}, rights {mode:o}, {room}"
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return Finding(check, "warning", f"{told}; others may write there", f"chmod go-w {folder}")
    if status.st_uid not in (0, os.geteuid()):
        return Finding(check, "warning", f"{told}; it belongs to the user {status.st_uid}", other)
    return Finding(check, state, told, "make room" if state != "ok" else "")


def look_at_cache(patient: Patient) -> Iterator[Finding]:
    """How full the cache is; with *verify*, whether every byte of it is right."""
    cache = Cache.open(patient.environ)
    entries = cache.entries()
    held = sum(one.size for one in entries)
    told = f"{len(entries)} models, {size(held)} of at most {size(cache.most)}, in {cache.root}"
    if not patient.verify:
        yield Finding("cache", "ok", told)
        return
    damaged = [one.digest for one in entries if not _is_intact(one.path, one.digest)]
    if not damaged:
        yield Finding("cache", "ok", f"{told}; every byte verified")
        return
    what = f"{len(damaged)} damaged: {', '.join(one[:19] for one in damaged[:5])}"
    yield Finding(
        "cache",
        "warning",
        f"{told}; {what}",
        "they are fetched again when they are asked for; look at the disk",
    )


def _is_intact(path: Path, digest: str) -> bool:
    try:
        manifest = Manifest.read(path)
        return manifest is not None and manifest.digest == digest and not manifest.compare(path)
    except (InvalidModel, OSError):
        return False
