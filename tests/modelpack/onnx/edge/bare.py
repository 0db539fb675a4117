"""An environment with numpy, onnxruntime and what these need, and nothing else."""

import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement


def make(folder: Path) -> Path:
    """Make the virtual environment *folder* of links to what is installed here; answers its interpreter."""
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    (site,) = folder.glob("lib/python*/site-packages")
    for one in _closure("numpy", "onnxruntime"):
        for top in {Path(str(file)).parts[0] for file in one.files or ()}:
            if top not in ("..", "__pycache__"):
                _link(Path(str(one.locate_file(top))), site / top)
    return folder / "bin" / "python"


def _closure(*names: str) -> Iterator[Distribution]:
    waiting, seen = list(names), set(names)
    while waiting:
        found = distribution(waiting.pop())
        yield found
        for line in found.requires or ():
            needed = Requirement(line)
            if needed.name not in seen and (needed.marker is None or needed.marker.evaluate({"extra": ""})):
                seen.add(needed.name)
                waiting.append(needed.name)


def _link(source: Path, target: Path) -> None:
    """A link to *source*; of a folder that several distributions share, links to what is in it."""
    is_whole = source.suffix in (".dist-info", ".libs") or (source / "__init__.py").exists()
    if source.is_dir() and not is_whole:
        target.mkdir(exist_ok=True)
        for inner in source.iterdir():
            _link(inner, target / inner.name)
    elif source.exists() and not target.exists():
        target.symlink_to(source)
