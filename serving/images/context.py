"""The build context: every file that a build reads, as values; the same plan gives the same bytes."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO

from modelpack.directory import ModelDirectory
from modelpack.errors import AlreadyExists
from modelpack.files import sha256, staged, walk
from serving.images import dockerfile, wheel
from serving.images.plan import ImagePlan
from serving.images.tools import tool
from serving.images.trim import EPOCH

DOCKERFILE = "Dockerfile"
_MODE = 0o644
_FOLDER_MODE = 0o755


@dataclass(frozen=True)
class Context:
    """*files* by their slash-separated names: bytes, or a place on this disk whose bytes they are."""

    files: Mapping[str, bytes | Path]

    @cached_property
    def digest(self) -> str:
        """``sha256:`` and 64 digits, over the sorted names and digests: equal for equal content."""
        lines = (f"{_digest(content)} {name}\n" for name, content in sorted(self.files.items()))
        return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"

    def pack(self, into: BinaryIO) -> None:
        """Write the tar archive: sorted, of root, for everyone to read and nobody to write, of one time."""
        with tarfile.open(fileobj=into, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name in self._folders():
                archive.addfile(_entry(name, tarfile.DIRTYPE, _FOLDER_MODE, 0))
            for name, content in sorted(self.files.items()):
                size = len(content) if isinstance(content, bytes) else content.stat().st_size
                with _opened(content) as file:
                    archive.addfile(_entry(name, tarfile.REGTYPE, _MODE, size), file)

    def write(self, folder: Path) -> None:
        """Put the files into the new or empty *folder*, whole or not at all. Raises AlreadyExists.

        A folder that holds what an earlier call wrote, and nothing else, is brought up to date.
        """
        if folder.is_dir() and any(folder.iterdir()):
            self._renew(folder)
            return
        with staged(folder) as staging:
            self._fill(staging)
        _open_permissions(folder)

    def _renew(self, folder: Path) -> None:
        there = {path.relative_to(folder).as_posix() for path in walk(folder)}
        foreign = sorted(name for name in there if name.partition("/")[0] not in _OWN)
        if foreign or DOCKERFILE not in there:
            raise AlreadyExists(
                f"{folder} holds other files than an image's ({', '.join(foreign[:3]) or 'no Dockerfile'}); "
                "give a new or an empty folder"
            )
        for name in there - set(self.files):
            (folder / name).unlink()
        self._fill(folder)
        _open_permissions(folder)

    def _fill(self, folder: Path) -> None:
        for name, content in sorted(self.files.items()):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())

    def _folders(self) -> list[str]:
        parents = {parent.as_posix() for name in self.files for parent in Path(name).parents}
        return sorted(parents - {"."})


_OWN = frozenset(
    {DOCKERFILE, ".dockerignore", "requirements.lock", "wheels", "trim.py", "image.json", "model", "scratch"}
) | {dockerfile.SBOM}


def context(plan: ImagePlan, directory: ModelDirectory, *, template: str) -> Context:
    """All that a build of *plan* reads; *directory* is its model. Raises DamagedModel if it is not whole."""
    found: dict[str, bytes | Path] = {
        DOCKERFILE: dockerfile.render(plan, template).encode(),
        "requirements.lock": plan.lock.text.encode(),
        f"wheels/{wheel.NAME}": wheel.wheel(),
        "trim.py": (files("serving.images") / "trim.py").read_bytes(),
        "image.json": plan.image.text(),
    }
    if plan.sbom:
        found[dockerfile.SBOM] = _sbom(plan)
    if not plan.at_start:
        directory.check()
        found.update(_model(directory))
    found[".dockerignore"] = _ignored(found).encode()
    return Context(found)


def _sbom(plan: ImagePlan) -> bytes:
    text: str = tool("serving.images.sbom", "a bill of materials").document(plan)
    return text.encode()


def _model(directory: ModelDirectory) -> Iterator[tuple[str, Path]]:
    for path in walk(directory.path):
        yield f"model/{path.relative_to(directory.path).as_posix()}", path


def _ignored(found: Mapping[str, object]) -> str:
    """Deny all, then allow what is there: what lies in the folder by accident does not reach an image."""
    tops = sorted({name.partition("/")[0] for name in found} - {DOCKERFILE})
    return "".join(f"{line}\n" for line in ("*", *(f"!{top}" for top in tops)))


def _entry(name: str, kind: bytes, mode: int, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.mtime = kind, mode, size, EPOCH
    return entry


def _opened(content: bytes | Path) -> BinaryIO:
    return io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")


def _digest(content: bytes | Path) -> str:
    return hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else sha256(content)


def _open_permissions(folder: Path) -> None:
    """Everyone may read: a server in a container is not the one who wrote these. All get one time."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(_FOLDER_MODE if path.is_dir() else _MODE)
        os.utime(path, (EPOCH, EPOCH))
