"""Tests that need PostgreSQL are never left out in silence."""

import psycopg
import pytest

from tests import postgres


def test_without_a_server_they_are_skipped_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELPACK_TEST_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="none here"):
        postgres._missing("none here")


def test_without_a_server_they_fail_where_everything_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPACK_TEST_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="none here"):
        postgres._missing("none here")


@pytest.mark.postgres
def test_the_server_syncs_what_it_commits(postgres_server: str) -> None:
    with psycopg.connect(postgres_server.format(database="postgres")) as connection:
        met = [connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")]
    assert met == [("on",), ("on",)]
