"""Where the versions of a registry on this disk lie: inside folders that a person named, or in a bucket."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from modelpack.artifacts.buckets import PACKAGES
from modelpack.artifacts.cache import Cache
from modelpack.artifacts.places import Places
from modelpack.errors import InvalidUri, NotFound, shorten
from modelpack.uris import ModelRef, RunPath

_HOPS: Final = 4


class Runs(Protocol):
    """Knows where runs and logged models keep their files."""

    def run_place(self, run_id: str) -> str:
        """The reference to the files of a run; raises NotFound."""

    def logged_place(self, model_id: str) -> str:
        """The reference to the files of a logged model; raises NotFound."""


class LocalPlaces:
    """References inside *folders*. The first is the registry's own: relative ones begin there."""

    def __init__(self, folders: Sequence[Path], environ: Mapping[str, str]) -> None:
        self._folders = [folder.resolve() for folder in folders]
        self._elsewhere = Places(environ, None, Cache.open(environ))

    def path(self, text: str, runs: Runs) -> Path:
        """The folder that *text* means. Raises InvalidUri for one outside, NotFound where there is none."""
        ref = ModelRef.parse(text)
        for _ in range(_HOPS):
            if ref.scheme == "runs":
                asked = RunPath.parse(ref)
                ref = ModelRef.parse(f"{runs.run_place(asked.run_id).rstrip('/')}/{asked.path}")
            elif ref.logged_model is not None:
                ref = ModelRef.parse(runs.logged_place(ref.logged_model))
            elif ref.scheme in PACKAGES:
                return self._elsewhere.fetch(ref)
            else:
                return self._folder(ref)
        raise InvalidUri(
            f"{shorten(repr(text), 120)} leads to another reference {_HOPS} times over; it is a loop"
        )

    def close(self) -> None:
        """Let go of connections."""
        self._elsewhere.close()

    def _folder(self, ref: ModelRef) -> Path:
        if ref.scheme == "file":
            candidates = [self._folders[0] / ref.path]
        elif ref.scheme == "mlflow-artifacts" and ref.rest.startswith("/") and not ref.rest.startswith("//"):
            # What the server would serve, it keeps in a folder of its own, which may be one of these.
            candidates = [folder / ref.rest[1:] for folder in self._folders]
        else:
            raise InvalidUri(
                f"{shorten(str(ref), 120)} cannot be followed from here; import from the server itself"
            )
        # As it is after every link and every "..": what is inside stays inside.
        inside = [path for one in candidates if self._holds(path := one.resolve())]
        if not inside:
            raise InvalidUri(
                f"{shorten(str(ref), 120)} is outside of what is imported from; name the folder by --files "
                "if it is meant"
            )
        for path in inside:
            if path.is_dir():
                return path
        raise NotFound("files", str(ref), hint="if they were moved, name their folder by --files")

    def _holds(self, path: Path) -> bool:
        return any(path.is_relative_to(folder) and path != folder for folder in self._folders)
