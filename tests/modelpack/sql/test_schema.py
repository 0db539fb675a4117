"""Tables are made once, by one of many, and are never changed behind anyone's back."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from modelpack.errors import InvalidUri, StoreUnavailable
from modelpack.registry.sql_store import SqlStore
from modelpack.registry.tables import metadata as registry
from modelpack.sql import Address, Database, Schema
from modelpack.sql.schema import VERSION_TABLE
from modelpack.tracking.tables import metadata as tracking
from tests.modelpack.processes import at_once
from tests.modelpack.registry.workers import install_without_a_lock, open_database, upgrade_database


@pytest.fixture(
    params=[
        pytest.param("sqlite", id="sqlite"),
        pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgres),
    ]
)
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'registry.db'}"
    return str(request.getfixturevalue("postgres_uri"))


@pytest.fixture
def opened(uri: str) -> Callable[..., Database]:
    return lambda **options: Database(Address.find(uri, environ={}), **options)


def test_sixteen_processes_may_open_one_fresh_database_at_once(uri: str) -> None:
    assert at_once(open_database, [(uri,)] * 16) == [Schema().head] * 16


def test_the_newest_migration_is_the_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(Schema().folder))
    assert ScriptDirectory.from_config(config).get_current_head() == Schema().head


def test_the_migrations_make_the_tables_that_the_code_uses(opened: Callable[..., Database]) -> None:
    database = opened()
    with database.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_server_default": True}
        )
        several: Any = [registry, tracking]
        changes = compare_metadata(context, several)
        assert not [one for one in changes if not _is_by_value(one)]
    database.close()


def _is_by_value(change: Any) -> bool:
    """Whether it is about an index that each database has in its own way: only the migration knows it."""
    return change[0] == "remove_index" and change[1].name in (
        "modelpack_params_by_value",
        "modelpack_run_tags_by_value",
    )


def test_a_newer_schema_is_refused_in_one_line(opened: Callable[..., Database]) -> None:
    database = opened()
    database.write(
        lambda connection: connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0999'"))
    )
    database.close()
    for options in ({}, {"create": False}, {"upgrade": True}):
        with pytest.raises(StoreUnavailable, match="newer modelpack") as caught:
            opened(**options)
        assert "\n" not in str(caught.value)


def with_step(folder: Path, more: str) -> Schema:
    """A schema with one step more, made in *folder*: it makes a table and does *more*."""
    shutil.copytree(Schema().folder, folder)
    (folder / "versions" / "0004_more.py").write_text(
        "import sqlalchemy as sa\n"
        "from alembic import op\n"
        "revision, down_revision = '0004', '0003'\n"
        "def upgrade():\n"
        "    op.create_table('modelpack_more', sa.Column('id', sa.Integer))\n" + more
    )
    return Schema(head="0004", folder=folder)


def test_an_older_schema_is_refused_until_its_upgrade_is_asked_for(
    opened: Callable[..., Database], tmp_path: Path
) -> None:
    opened().close()
    newer = with_step(tmp_path / "mig%rations", "")
    with pytest.raises(StoreUnavailable, match="modelpack db upgrade"):
        opened(schema=newer)
    opened().close()
    opened(schema=newer, upgrade=True).close()
    database = opened(schema=newer)
    with database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM modelpack_more")) == 0
    database.close()
    with pytest.raises(StoreUnavailable, match="newer modelpack"):
        opened()


@pytest.fixture
def older(tmp_path: Path) -> Schema:
    """The schema before the team server's tables."""
    folder = tmp_path / "older"
    shutil.copytree(Schema().folder, folder, ignore=shutil.ignore_patterns("0003_*", "__pycache__"))
    return Schema(head="0002", folder=folder)


def test_what_an_older_registry_holds_is_kept_by_the_upgrade(
    opened: Callable[..., Database], older: Schema
) -> None:
    database = opened(schema=older)
    model = (
        "INSERT INTO modelpack_models (name, description, created, updated, newest) "
        "VALUES ('churn', '', 1, 1, 1)"
    )
    version = (
        "INSERT INTO modelpack_versions (model, number, stage, source, digest, location, run_id, "
        "description, status, author, created, updated) "
        "VALUES (1, 1, 'Production', 's3://b', 'sha256:ab', 'models/ab', 'r1', '', 'READY', 'ada', 1, 1)"
    )
    database.write(lambda connection: [connection.execute(text(one)) for one in (model, version)])
    database.close()
    database = opened(upgrade=True)
    kept = SqlStore(database, user="me").get_version("churn", 1)
    assert (kept.stage, kept.digest, kept.user) == ("Production", "sha256:ab", "ada")
    assert (kept.run_link, kept.model_id, kept.status_message) == ("", "", "")
    database.close()


def test_several_processes_may_upgrade_one_database_at_once(
    uri: str, opened: Callable[..., Database], older: Schema
) -> None:
    opened(schema=older).close()
    assert Database.schema_of(Address.find(uri, environ={})) == "0002"
    assert at_once(upgrade_database, [(uri,)] * 4) == [Schema().head] * 4
    assert Database.schema_of(Address.find(uri, environ={})) == Schema().head


@pytest.mark.postgres
def test_without_the_lock_upgrades_at_once_do_collide(postgres_uri: str, older: Schema) -> None:
    # The control of the test above: on SQLite a transaction is lock enough.
    Database(Address.find(postgres_uri, environ={}), schema=older).close()
    said = at_once(install_without_a_lock, [(postgres_uri, older.folder)] * 4)
    assert sum(one == "" for one in said) == 1


def test_looking_at_the_schema_of_nothing_makes_nothing(tmp_path: Path) -> None:
    assert Database.schema_of(Address.find(f"sqlite:///{tmp_path / 'a.db'}", environ={})) is None
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "b.db").touch()
    assert Database.schema_of(Address.find(f"sqlite:///{tmp_path / 'b.db'}", environ={})) is None


def test_a_migration_that_fails_leaves_the_tables_as_they_were(
    opened: Callable[..., Database], tmp_path: Path
) -> None:
    opened().close()
    broken = with_step(tmp_path / "migrations", "    op.execute('nonsense')\n")
    with pytest.raises(StoreUnavailable):
        opened(schema=broken, upgrade=True)
    database = opened()
    with pytest.raises(StoreUnavailable), database.read() as connection:
        connection.execute(text("SELECT * FROM modelpack_more"))
    database.close()


def test_mlflows_own_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(file)) as theirs:
        for table in ("alembic_version", "experiments", "registered_models", "runs"):
            theirs.execute(f"CREATE TABLE {table} (name TEXT)")
        theirs.commit()
    before = file.read_bytes()
    address = Address.find(None, environ={"MLFLOW_TRACKING_URI": f"sqlite:///{file}"})
    with pytest.raises(InvalidUri, match=r"MLFLOW_TRACKING_URI.*MLflow's own"):
        Database(address)
    with pytest.raises(InvalidUri, match="MLflow's own"):
        Database.schema_of(address)
    assert file.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["mlflow.db"]


@pytest.mark.postgres
def test_mlflows_own_database_is_refused_on_postgresql_too(postgres_uri: str) -> None:
    address = Address.find(postgres_uri, environ={})
    database = Database(address)
    drop = (
        f"DROP TABLE {VERSION_TABLE}; CREATE TABLE alembic_version (v INT); CREATE TABLE experiments (v INT)"
    )
    database.write(lambda connection: connection.exec_driver_sql(drop))
    database.close()
    with pytest.raises(InvalidUri, match="MLflow's own"):
        Database(address)


def test_a_database_with_other_tables_may_hold_the_registry_too(tmp_path: Path) -> None:
    file = tmp_path / "shared.db"
    with closing(sqlite3.connect(file)) as theirs:
        theirs.execute("CREATE TABLE alembic_version (version_num TEXT)")
        theirs.execute("CREATE TABLE invoices (id INTEGER)")
    Database(Address.find(f"sqlite:///{file}", environ={})).close()


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("UPDATE modelpack_moves SET author = 'nobody'", "only ever added to"),
        ("DELETE FROM modelpack_moves", "only ever added to"),
        ("UPDATE modelpack_versions SET digest = 'other'", "never change"),
        ("UPDATE modelpack_versions SET location = 'other'", "never change"),
        ("UPDATE modelpack_versions SET number = 7", "never change"),
        ("UPDATE modelpack_versions SET stage = 'Live'", "cannot be used"),
        ("UPDATE modelpack_aliases SET number = 7", "cannot be used"),
    ],
)
def test_the_database_itself_guards_history_and_files(
    opened: Callable[..., Database], act: str, said: str
) -> None:
    store = SqlStore(database := opened(), user="me")
    store.create_version("a", source="", digest="", location="", run_id="", description="", tags={})
    store.set_alias("a", "champion", 1, expected=None)
    with pytest.raises(StoreUnavailable, match=said):
        database.write(lambda connection: connection.execute(text(act)))
    database.close()
