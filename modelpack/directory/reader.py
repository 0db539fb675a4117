"""A read-only view of a model directory. Opening one runs none of its code."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from modelpack.directory import example, layout
from modelpack.directory.document import Document
from modelpack.directory.manifest import Manifest
from modelpack.errors import DamagedModel, InvalidModel, NotFound, shorten
from modelpack.files import inside
from modelpack.schema import Signature

_LARGEST_EXAMPLE = 64 << 20


@dataclass(frozen=True)
class ModelDirectory:
    """The directory *path* and what its *document* says. Only data: nothing is imported or unpickled."""

    path: Path
    document: Document

    @property
    def signature(self) -> Signature | None:
        """What the model takes and gives; None when it promises nothing."""
        return self.document.signature

    def file(self, name: str) -> Path:
        """The path of the file *name*, inside this directory and never outside.

        *name* comes from a document that anyone may have written: raises InvalidModel when it leads out of
        the directory, through a link, or to nothing.
        """
        path = inside(self.path, name)
        if not path.is_file():
            raise InvalidModel(
                f"{layout.DOCUMENT} names the file {shorten(repr(name), 120)}, which is missing"
            )
        return path

    @cached_property
    def manifest(self) -> Manifest | None:
        """The manifest, or None where there is none; raises DamagedModel when it is not one."""
        try:
            return Manifest.read(self.path)
        except InvalidModel:
            raise DamagedModel(self.path, [("changed", layout.MANIFEST)]) from None

    @property
    def has_manifest(self) -> bool:
        """Whether there is something to check the files against; what MLflow wrote has none."""
        return (self.path / layout.MANIFEST).is_file()

    @cached_property
    def digest(self) -> str:
        """``sha256:`` and 64 digits for the content: the manifest's, else computed from the files."""
        manifest = self.manifest if self.has_manifest else None
        return (manifest or Manifest.of(self.path)).digest

    def findings(self) -> list[tuple[str, str]]:
        """How the files differ from the manifest, now: see the function ``findings``."""
        return findings(self.path)

    def check(self) -> None:
        """Raise DamagedModel, naming each difference, unless the files are what the manifest says."""
        if found := self.findings():
            raise DamagedModel(self.path, found)

    def example(self) -> Any | None:
        """The input example as a Python value, a DataFrame or an array; ``(data, params)`` if it has params.

        None when there is none. Raises InvalidModel.
        """
        info = self.document.saved_input_example_info
        if info is None:
            return None
        value = self._json(info.get("artifact_path", layout.INPUT_EXAMPLE))
        return example.decode(value, info, self.signature)

    def plain_example(self) -> Any | None:
        """The input example as the JSON that it is kept as; None when there is none. Raises InvalidModel."""
        info = self.document.saved_input_example_info
        return None if info is None else self._json(info.get("artifact_path", layout.INPUT_EXAMPLE))

    def serving_example(self) -> Any | None:
        """The body that ``/invocations`` would take, parsed; None when there is none."""
        info = self.document.saved_input_example_info or {}
        name = info.get("serving_input_path")
        return None if name is None else self._json(name)

    def _json(self, name: object) -> Any:
        if not isinstance(name, str):
            raise InvalidModel(f"saved_input_example_info in {layout.DOCUMENT} names no file")
        path = self.file(name)
        if path.stat().st_size > _LARGEST_EXAMPLE:
            raise InvalidModel(f"{name} has more than {_LARGEST_EXAMPLE >> 20} MiB")
        try:
            # MLflow writes a missing number as NaN, which is no JSON; infinities stay what they are.
            return json.loads(
                path.read_bytes(), parse_constant=lambda one: None if one == "NaN" else float(one)
            )
        except (ValueError, RecursionError):
            raise InvalidModel(f"{shorten(repr(name), 120)} is no JSON") from None


def open_directory(path: Path) -> ModelDirectory:
    """The view of *path*.

    Raises NotFound where there is no folder, InvalidModel where there is no model, DamagedModel when the
    document cannot be read and is not what was saved.
    """
    path = Path(path).absolute()
    if not path.is_dir():
        raise NotFound("model directory", str(path))
    try:
        return ModelDirectory(path, Document.read(inside(path, layout.DOCUMENT)))
    except InvalidModel:
        if (path / layout.MANIFEST).exists() and (found := findings(path)):
            raise DamagedModel(path, found) from None
        raise


def findings(path: Path) -> list[tuple[str, str]]:
    """How the files in *path* differ from the manifest: ``("changed" | "missing" | "extra", name)``, by name.

    Reads every byte. Empty when nothing differs, and for a model that was written without a manifest. Raises
    InvalidModel at a link or special file.
    """
    try:
        manifest = Manifest.read(path)
    except InvalidModel:
        return [("changed", layout.MANIFEST)]
    if manifest is not None:
        return manifest.compare(path)
    # A directory of ours without its manifest has lost it; MLflow's have none to lose.
    return [("missing", layout.MANIFEST)] if Document.read(inside(path, layout.DOCUMENT)).writer else []
