"""Stores behind a server that fails as it is told."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from modelpack.artifacts.proxy import ProxiedArtifacts
from modelpack.remote.address import ServerAddress
from modelpack.remote.http import Http
from modelpack.remote.patience import Patience
from tests.modelpack.remote.faulty import Faulty, serve

Connect = Callable[[str], ProxiedArtifacts]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Faulty]:
    """A server of the folder ``served``."""
    folder = tmp_path / "served"
    folder.mkdir()
    with serve(folder) as told:
        yield told


@pytest.fixture
def connect() -> Iterator[Connect]:
    """How to open the artifacts of a server by its address; all are closed at the end."""
    with ExitStack() as stack:

        def one(url: str) -> ProxiedArtifacts:
            patience = Patience(total=2, first=0.01, longest=0.05)
            http = stack.enter_context(closing(Http(ServerAddress.parse(url), {}, patience=patience)))
            return ProxiedArtifacts(http, {})

        yield one


@pytest.fixture
def store(served: Faulty, connect: Connect) -> ProxiedArtifacts:
    """The artifacts of *served*."""
    return connect(served.url)
