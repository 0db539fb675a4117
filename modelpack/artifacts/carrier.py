"""What stores over a network share: folders fetched whole, and put with their document last."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from modelpack.artifacts.download import download, patience, tree
from modelpack.artifacts.progress import shown
from modelpack.artifacts.refusals import refusals
from modelpack.artifacts.store import RemoteStore
from modelpack.directory import layout
from modelpack.errors import AlreadyExists, ModelpackError, NotFound, shorten
from modelpack.files import staged, walk


def fetch(store: RemoteStore, path: str, into: Path, environ: Mapping[str, str]) -> Path:
    """See ArtifactStore."""
    files = tree(store, path)
    total = sum(entry.size or 0 for entry in files)
    with refusals(into), staged(into) as staging, shown(total, path.rpartition("/")[2]) as progress:
        download(store, path, files, staging, patience=patience(environ), progress=progress)
    return into


def put(
    store: RemoteStore,
    source: Path,
    path: str,
    send: Callable[[Path, str], None],
    prepare: Callable[[Path], None] | None,
) -> None:
    """Put the files of *source* below *path* by *send*, the document of a model last.

    No store over a network has folders that appear in one step. A reader takes a folder for a model once its
    document is there: that comes when all the rest has come.
    """
    with suppress(NotFound):
        if next(iter(store.list(path)), None) is not None:
            raise AlreadyExists(f"{shorten(repr(path), 120)} is taken; nothing is overwritten")
    with _prepared(source, prepare) as folder:
        try:
            for file in _document_last(walk(folder)):
                send(file, f"{path}/{file.relative_to(folder).as_posix()}")
        except BaseException:
            with suppress(ModelpackError):
                store.delete(path)
            raise


def _document_last(files: Iterable[Path]) -> list[Path]:
    return sorted(files, key=lambda file: file.name == layout.DOCUMENT)


@contextmanager
def _prepared(source: Path, prepare: Callable[[Path], None] | None) -> Iterator[Path]:
    if prepare is None:
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="modelpack-put-") as folder:
        copy = Path(folder)
        for file in walk(source):
            target = copy / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            # A link put in the file's place since then is not followed, and shows as one in the copy.
            shutil.copyfile(file, target, follow_symlinks=False)
        prepare(copy)
        yield copy
