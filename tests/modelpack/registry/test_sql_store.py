"""The SQL store keeps the contract of registry stores, on SQLite and on PostgreSQL."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelpack.errors import InvalidFilter, InvalidName
from modelpack.registry.sql_store import SqlStore
from modelpack.registry.store import RegistryStore
from modelpack.sql import Address, Database
from modelpack.testing._registry.steps import extend, find, names_of
from modelpack.testing.registry import RegistryStoreContract


def opener(uri: str) -> Callable[[], RegistryStore]:
    address = Address.find(uri, environ={})
    return lambda: SqlStore(Database(address), user="me")


class Beyond(RegistryStoreContract):
    """What this store promises beside the contract, which also holds for real MLflow servers."""

    def test_a_version_tells_of_its_run_and_of_its_logged_model(self, store: RegistryStore) -> None:
        made = store.create_version(
            "churn",
            source="s3://bucket/model",
            digest="sha256:ab",
            location="models/ab",
            run_id="r1",
            description="",
            tags={},
            run_link="https://elsewhere/runs/r1",
            model_id="m-1",
        )
        assert (made.run_link, made.model_id, made.status_message) == ("https://elsewhere/runs/r1", "m-1", "")
        assert store.get_version("churn", 1) == made
        extend(store, "churn")
        assert [one.version for one in find(store, "model_id = 'm-1'")] == [1]
        for odd in ({"run_link": "\0"}, {"model_id": "\ud800"}, {"run_link": "x" * 100_001}):
            with pytest.raises(InvalidName):
                extend(store, "churn", **odd)
        assert len(find(store, "")) == 2

    def test_prompts_are_hidden_from_those_who_ask_for_models(self, store: RegistryStore) -> None:
        for _ in range(3):
            extend(store, "churn")
        store.create_model("prompt", description="", tags={"mlflow.prompt.is_prompt": "true"})
        store.set_tag("churn", "mlflow.prompt.is_prompt", "true", version=2)
        store.set_tag("churn", "mlflow.prompt.is_prompt", "false", version=3)
        key = "tag.`mlflow.prompt.is_prompt`"
        assert names_of(store, f"{key} != 'true'") == ["churn"]
        assert names_of(store, f"{key} = 'true'") == ["prompt"]
        assert [one.version for one in find(store, f"{key} != 'true'", "version_number")] == [1, 3]
        assert [one.version for one in find(store, f"name = 'churn' AND {key} = 'true'")] == [2]
        with pytest.raises(InvalidFilter):
            find(store, f"{key} != 1")


class TestSqlite(Beyond):
    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[[], RegistryStore]:
        return opener(f"sqlite:///{tmp_path / 'registry.db'}")


@pytest.mark.postgres
class TestPostgresql(Beyond):
    @pytest.fixture
    def open_store(self, postgres_uri: str) -> Callable[[], RegistryStore]:
        return opener(postgres_uri)
