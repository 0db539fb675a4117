"""An MLflow server to import from."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from modelpack.registry.records import ModelVersion, Page, RegisteredModel
from modelpack.registry.rest import open_server
from modelpack.remote.address import ServerAddress

T = TypeVar("T")

_PAGE = 100


class ServerSource:
    """See Source. Files come through the cache."""

    def __init__(self, address: ServerAddress, environ: Mapping[str, str]) -> None:
        self._store, self._files = open_server(address, environ, user="import", is_given=True)
        self.name = str(address)

    def models(self) -> Iterator[RegisteredModel]:
        """See Source."""
        found = _all(
            lambda token: self._store.search_models(
                "", order_by=["name"], max_results=_PAGE, page_token=token
            )
        )
        for model in found:
            # A page may leave the aliases out.
            yield self._store.get_model(model.name)

    def versions(self, name: str) -> list[ModelVersion]:
        """See Source."""
        quoted = name.replace("'", "''")
        return list(
            _all(
                lambda token: self._store.search_versions(
                    f"name = '{quoted}'", order_by=["version_number"], max_results=_PAGE, page_token=token
                )
            )
        )

    def path(self, version: ModelVersion) -> Path:
        """See Source."""
        return self._files.path(version)

    def close(self) -> None:
        """See Source."""
        self._files.close()
        self._store.close()


def _all(page: Callable[[str | None], Page[T]]) -> Iterator[T]:
    token: str | None = None
    while True:
        found = page(token)
        yield from found
        token = found.next_token
        if token is None:
            return
