"""The SQL store keeps the contract of registry stores, on SQLite and on PostgreSQL."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelpack.registry.sql_store import SqlStore
from modelpack.registry.store import RegistryStore
from modelpack.sql import Address, Database
from modelpack.testing.registry import RegistryStoreContract


def opener(uri: str) -> Callable[[], RegistryStore]:
    address = Address.find(uri, environ={})
    return lambda: SqlStore(Database(address), user="me")


class TestSqlite(RegistryStoreContract):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], RegistryStore]:
        return opener(f"sqlite:///{tmp_path / 'registry.db'}")


@pytest.mark.postgres
class TestPostgresql(RegistryStoreContract):
    @pytest.fixture
    def open_store(self, postgres_uri: str) -> Callable[[], RegistryStore]:
        return opener(postgres_uri)
