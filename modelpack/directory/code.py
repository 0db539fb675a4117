"""Code that a model brings along: copied when it is saved, importable or run when it is loaded."""

import shutil
import sys
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from modelpack.directory import layout
from modelpack.errors import Conflict, InvalidModel
from modelpack.files import inside, relative, walk

_FOLDERS: set[str] = set()
"""Code folders of this process; the hook below answers for what lies in them."""


def copy(paths: Iterable[Path | str], into: Path) -> str | None:
    """Copy each file or folder to ``code/`` below *into*; answers ``code``, or None when there is nothing.

    Raises InvalidModel for a path that does not exist, two of one name, and links. Compiled files stay
    behind.
    """
    target = into / layout.CODE
    for given in paths:
        path = Path(given)
        if path.is_symlink() or not path.exists():
            raise InvalidModel(f"code path {path} is a link or does not exist; give a module or a package")
        name = path.resolve().name
        relative(name)
        if (target / name).exists():
            raise InvalidModel(f"two code paths are called {name!r}; give each module once")
        target.mkdir(exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, target / name, symlinks=True, ignore=_left_behind)
        else:
            shutil.copyfile(path, target / name)
    if not target.is_dir():
        return None
    for _ in walk(target):
        pass  # raises at a link
    return layout.CODE


def make_importable(folder: Path, name: str) -> None:
    """Put *name*, a folder inside the model directory *folder*, first on ``sys.path``.

    Nothing is written there when modules are compiled, for that would break the manifest. Raises Conflict
    when a module of that name is loaded already from elsewhere, for the model would get the wrong one.
    """
    path = inside(folder, name)
    if not path.is_dir():
        raise InvalidModel(f"the folder {name!r} for the model's own code is missing")
    for member in sorted(path.iterdir()):
        _require_free(member)
    place = str(path.absolute())
    if place not in _FOLDERS:
        _FOLDERS.add(place)
        if _hook not in sys.path_hooks:
            sys.path_hooks.insert(0, _hook)
        sys.path_importer_cache.pop(place, None)
        sys.path.insert(0, place)


@contextmanager
def lend(folder: Path, name: str | None) -> Iterator[None]:
    """Let the modules in *name*, a folder inside *folder*, be imported for a while; None is no folder.

    For a model that is being saved, whose folder is about to move. Modules that are loaded already stay what
    they are; those that were loaded from there are forgotten afterwards.
    """
    if name is None:
        yield
        return
    place = str(inside(folder, name).absolute())
    _FOLDERS.add(place)
    if _hook not in sys.path_hooks:
        sys.path_hooks.insert(0, _hook)
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)
        sys.path_importer_cache.pop(place, None)
        _FOLDERS.discard(place)
        for module, loaded in list(sys.modules.items()):
            if (getattr(loaded, "__file__", None) or "").startswith(f"{place}/"):
                del sys.modules[module]


def run(path: Path) -> ModuleType:
    """The script *path*, run as a module of its own, under a name that no other has.

    Nothing is written beside it. Raises what the script raises.
    """
    name = f"code_model_{uuid.uuid4().hex}"
    spec = spec_from_file_location(name, path, loader=_SourceLoader(name, str(path)))
    if spec is None or spec.loader is None:
        raise InvalidModel(f"{path.name} is no Python script")
    module = module_from_spec(spec)
    # Classes look for the module that they are defined in.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _require_free(member: Path) -> None:
    loaded = sys.modules.get(member.stem)
    origin = getattr(loaded, "__file__", None)
    if origin is not None and not Path(origin).is_relative_to(member):
        raise Conflict(
            f"the model brings a module {member.stem!r}, but another is loaded from {origin}; "
            "load it in a process of its own"
        )


def _left_behind(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "__pycache__" or name.endswith((".pyc", ".pyo"))}


class _SourceLoader(SourceFileLoader):
    """Compiles in memory: neither reads nor writes ``__pycache__``."""

    def path_stats(self, path: str) -> dict[str, float]:
        raise OSError("no compiled file is looked for")


def _hook(place: str) -> FileFinder:
    if not any(place == folder or place.startswith(f"{folder}/") for folder in _FOLDERS):
        raise ImportError(f"{place} is not part of a model", path=place)
    return FileFinder(place, (ExtensionFileLoader, list(EXTENSION_SUFFIXES)), (_SourceLoader, [".py"]))
