"""The files of versions: each set of files once, under its digest, never changed."""

import re
import tempfile
from contextlib import suppress
from pathlib import Path

from modelpack.artifacts import LocalArtifacts
from modelpack.artifacts.buckets import BucketArtifacts
from modelpack.directory import ModelDirectory, layout, open_directory
from modelpack.directory.manifest import Manifest
from modelpack.errors import AlreadyExists, DamagedModel, InvalidModel, NotFound, shorten
from modelpack.files import walk

_DIGEST = re.compile(r"sha256:([0-9a-f]{2})([0-9a-f]{62})")


def location_of(digest: str) -> str:
    """Where the files with *digest* lie below an artifact root: ``models/sha256/ab/abcd…``."""
    found = _DIGEST.fullmatch(digest)
    if found is None:
        raise InvalidModel(
            f"{shorten(repr(digest), 80)} is no digest; one is sha256: and 64 hexadecimal digits"
        )
    return f"models/sha256/{found[1]}/{found[1]}{found[2]}"


def keep(directory: ModelDirectory, artifacts: LocalArtifacts) -> str:
    """Verify *directory*, and have *artifacts* keep it; answers its digest.

    Files that are kept already are verified and shared. A directory without a manifest, as MLflow writes it,
    gets one in the copy. Raises DamagedModel when it is not what was saved, or changes meanwhile.
    """
    directory.check()
    manifest = Manifest.read(directory.path) or Manifest.of(directory.path)

    def seal(copy: Path) -> None:
        manifest.write(copy)
        if findings := manifest.compare(copy):
            raise DamagedModel(directory.path, findings)

    location = location_of(manifest.digest)
    try:
        artifacts.put(directory.path, location, prepare=seal)
    except AlreadyExists:
        kept(artifacts, location, manifest.digest).check()
        artifacts.settle(location)
    return manifest.digest


def keep_in_bucket(directory: ModelDirectory, store: BucketArtifacts, prefix: str) -> str:
    """Verify *directory*, and have *store* keep it below *prefix*; answers its digest.

    A bucket has no folder that appears in one step: the manifest comes last, and with it all is there. What
    has one already is shared.
    """
    directory.check()
    manifest = Manifest.read(directory.path) or Manifest.of(directory.path)
    place = "/".join(part for part in (prefix, location_of(manifest.digest)) if part)
    sealed = f"{place}/{layout.MANIFEST}"
    with suppress(NotFound):
        store.look(sealed)
        return manifest.digest
    for file in walk(directory.path):
        if file != directory.path / layout.MANIFEST:
            store.send(file, f"{place}/{file.relative_to(directory.path).as_posix()}")
    with tempfile.TemporaryDirectory(prefix="modelpack-seal-") as folder:
        manifest.write(Path(folder))
        store.send(Path(folder) / layout.MANIFEST, sealed)
    return manifest.digest


def kept(artifacts: LocalArtifacts, location: str, digest: str) -> ModelDirectory:
    """The files at *location*, which must be those of *digest*; their content is not read."""
    try:
        directory = open_directory(artifacts.path(location))
    except NotFound as error:
        raise NotFound(
            "files of this version",
            location,
            hint=f"is {shorten(str(artifacts.root), 80)} the artifact root (MODELPACK_ARTIFACT_ROOT) it was "
            "registered with?",
        ) from error
    if directory.digest != digest:
        raise DamagedModel(directory.path, [("another model's", "the manifest")])
    return directory
