"""One server for all tests of the room; each makes what it looks at."""

from collections.abc import Iterator

import pytest

from tests.modelpack.tracking.server.kit import Asking, served


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """Asks a server without tokens."""
    with served(tmp_path_factory.mktemp("server")) as client:
        yield Asking(client)
