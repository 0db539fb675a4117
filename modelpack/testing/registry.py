"""The contract of a registry store, as tests.

Subclass it and give it the one fixture::

    class TestMyStore(RegistryStoreContract):
        @pytest.fixture
        def open_store(self) -> Callable[[], RegistryStore]:
            return lambda: MyStore(...)     # each call: another store on the same, at first empty, data
"""

from collections.abc import Callable, Iterator

import pytest

from modelpack.registry.store import RegistryStore
from modelpack.testing._registry.moves import Moves
from modelpack.testing._registry.names import Names
from modelpack.testing._registry.search import Search
from modelpack.testing._registry.together import Together


class RegistryStoreContract(Names, Moves, Search, Together):
    """What RegistryStore promises."""

    @pytest.fixture
    def open_store(self) -> Callable[[], RegistryStore]:
        """How to open a store; each call opens another one on the same data, which is empty at first."""
        raise NotImplementedError("a subclass says how to open its store")

    @pytest.fixture
    def store(self, open_store: Callable[[], RegistryStore]) -> Iterator[RegistryStore]:
        """A store without models."""
        store = open_store()
        yield store
        store.close()
