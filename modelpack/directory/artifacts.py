"""Files that a model reads when it is loaded: copied below ``artifacts/`` when it is saved."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modelpack.directory import layout
from modelpack.errors import InvalidModel, shorten
from modelpack.files import inside, relative, walk


def copy(given: Mapping[Any, tuple[Path, str]], into: Path) -> dict[str, dict[str, str]]:
    """Copy each file or folder to ``artifacts/`` below *into*; answers the entry ``artifacts`` of MLmodel.

    *given* maps the name by which the model asks for it to its path, and what it was called by the caller,
    which is kept as ``uri``. Where two have the same file name, each gets a folder of its own. Raises
    InvalidModel for a path that does not exist, for links, and for a key that is no text.
    """
    found: dict[str, dict[str, str]] = {}
    for name, (path, uri) in given.items():
        if not isinstance(name, str) or not name:
            raise InvalidModel(f"artifacts maps names to paths; {shorten(repr(name), 60)} is no name")
        if path.is_symlink() or not path.exists():
            raise InvalidModel(
                f"the artifact {shorten(repr(name), 60)} is missing, or a link: {shorten(str(path), 120)}"
            )
        place = _free(into, path.resolve().name, len(found))
        target = inside(into, place)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            for _ in walk(path):
                pass  # raises at a link
            shutil.copytree(path, target, ignore=_left_behind(path))
        else:
            shutil.copyfile(path, target)
        found[name] = {"path": place, "uri": uri}
    return found


def _free(into: Path, name: str, number: int) -> str:
    relative(name)
    place = f"{layout.ARTIFACTS}/{name}"
    return f"{layout.ARTIFACTS}/{number}/{name}" if (into / place).exists() else place


def _left_behind(top: Path) -> Callable[[str, list[str]], set[str]]:
    """What says which names stay behind: the manifest that a fetched folder got, where it is no model."""
    lone = None if (top / layout.DOCUMENT).exists() else str(top)
    return lambda folder, names: {layout.MANIFEST} & set(names) if folder == lone else set()
