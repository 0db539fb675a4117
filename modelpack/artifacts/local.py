"""Files in a folder of this machine, or of a network mount."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from modelpack.artifacts.refusals import refusals
from modelpack.artifacts.store import Entry
from modelpack.errors import NotFound, shorten
from modelpack.files import inside, make_folder, replacing, staged, sync, walk


class LocalArtifacts:
    """An ArtifactStore in the folder *root*, which is made by the first put()."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def path(self, path: str) -> Path:
        """Where *path* lies on this disk, for reading in place."""
        place = inside(self.root, path)
        if not place.exists():
            raise NotFound("artifact", path, hint=f"it was looked for in {shorten(str(self.root), 100)}")
        return place

    def list(self, path: str = "") -> Iterator[Entry]:
        """See ArtifactStore."""
        folder = self.path(path) if path else self.root
        for one in sorted(folder.iterdir()) if folder.is_dir() else ():
            size = None if one.is_dir() else one.lstat().st_size
            yield Entry(one.relative_to(self.root).as_posix(), size)

    def fetch(self, path: str, into: Path) -> Path:
        """See ArtifactStore."""
        source = self.path(path)
        with refusals(into), staged(into) as staging:
            _copy(source, staging)
        return into

    def put(self, source: Path, path: str, *, prepare: Callable[[Path], None] | None = None) -> None:
        """See ArtifactStore."""
        target = inside(self.root, path)
        with refusals(self.root):
            with staged(target) as staging:
                _copy(source, staging)
                if prepare is not None:
                    prepare(staging)
            self.settle(path)

    def send(self, file: Path, path: str) -> None:
        """See ArtifactStore."""
        target = inside(self.root, path)
        with refusals(self.root):
            make_folder(target.parent)
            with replacing(target) as copy, file.open("rb") as content:
                shutil.copyfileobj(content, copy, 1 << 20)

    def settle(self, path: str) -> None:
        """Make sure that *path*, which another process may have put this instant, is on the disk."""
        folder = inside(self.root, path)
        while folder != self.root:
            folder = folder.parent
            sync(folder)

    def delete(self, path: str) -> None:
        """See ArtifactStore."""
        place = self.path(path)
        with refusals(self.root):
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink()


def _copy(source: Path, into: Path) -> None:
    for file in walk(source):
        copy = into / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        # A link put in the file's place since then is not followed, and shows as one in the copy.
        shutil.copyfile(file, copy, follow_symlinks=False)
