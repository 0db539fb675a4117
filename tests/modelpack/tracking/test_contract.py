"""The SQL store keeps the contract of tracking stores, on SQLite and on PostgreSQL."""

import pytest

from modelpack.testing.tracking import TrackingStoreContract
from modelpack.tracking.sql_store import SqlTrackingStore
from modelpack.tracking.store import TrackingStore


class TestSql(TrackingStoreContract):
    @pytest.fixture
    def store(self, shared_store: SqlTrackingStore) -> TrackingStore:
        return shared_store
