"""What processes of the tests do with a cache."""

import shutil
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

from modelpack.artifacts.cache import Cache
from modelpack.artifacts.proxy import ProxiedArtifacts
from modelpack.directory import open_directory
from modelpack.errors import ModelpackError
from modelpack.remote.address import ServerAddress
from modelpack.remote.http import Http


class UnlockedCache(Cache):
    """A cache as one would write it without thinking of others: it takes no lock, and copies in place."""

    def _locked(self, key: str) -> AbstractContextManager[None]:
        return nullcontext()

    def _place(self, partial: Path, digest: str) -> None:
        shutil.copytree(partial, self._path(digest), dirs_exist_ok=True)


def fetch_each(root: Path, url: str, paths: list[str]) -> list[str]:
    """Each of *paths*, one after the other."""
    return [fetch(root, url, path) for path in paths]


def fetch(root: Path, url: str, path: str, locked: bool = True) -> str:
    """The place that *path* is fetched to, and what is wrong there."""
    cache = Cache(root) if locked else UnlockedCache(root)
    try:
        with closing(Http(ServerAddress.parse(url), {})) as http:
            place = cache.fetch(ProxiedArtifacts(http, {}), path, f"{url} {path}")
        return f"{place.name} {open_directory(place).findings()}"
    except (OSError, ModelpackError) as error:
        return f"{type(error).__name__}: {error}"
