"""The registry: names, versions, tags, aliases, and the history of their moves.

The tables bear a prefix: a tracking store will stand beside them in the same database.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# Bytes decide what equals and what comes first, whatever the locale of the database.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NAME = sa.String(256).with_variant(sa.String(256, collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _make_models()
    _make_versions()
    _make_moves()
    _guard()


def _make_models() -> None:
    op.create_table(
        "modelpack_models",
        # Never given again: the history of a deleted model must not become that of another one.
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("newest", sa.Integer, nullable=False),
        sa.UniqueConstraint("name", name="modelpack_models_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "modelpack_model_tags",
        sa.Column("model", sa.Integer, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("model", "key", name="modelpack_model_tags_key"),
        sa.ForeignKeyConstraint(
            ["model"], ["modelpack_models.id"], ondelete="CASCADE", name="modelpack_model_tags_model"
        ),
    )


def _make_versions() -> None:
    op.create_table(
        "modelpack_versions",
        sa.Column("model", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("source", _TEXT, nullable=False),
        sa.Column("digest", sa.String(128), nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("run_id", _TEXT, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("model", "number", name="modelpack_versions_number"),
        sa.ForeignKeyConstraint(
            ["model"], ["modelpack_models.id"], ondelete="CASCADE", name="modelpack_versions_model"
        ),
        sa.CheckConstraint(
            "stage IN ('None', 'Staging', 'Production', 'Archived')", name="modelpack_versions_stage"
        ),
    )
    op.create_index("modelpack_versions_by_update", "modelpack_versions", ["updated"])
    op.create_index("modelpack_versions_by_run", "modelpack_versions", ["run_id"])
    op.create_table(
        "modelpack_version_tags",
        sa.Column("model", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("model", "number", "key", name="modelpack_version_tags_key"),
        sa.ForeignKeyConstraint(
            ["model", "number"],
            ["modelpack_versions.model", "modelpack_versions.number"],
            ondelete="CASCADE",
            name="modelpack_version_tags_version",
        ),
    )
    op.create_table(
        "modelpack_aliases",
        sa.Column("model", sa.Integer, nullable=False),
        sa.Column("alias", _TEXT, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("model", "alias", name="modelpack_aliases_alias"),
        sa.ForeignKeyConstraint(
            ["model", "number"],
            ["modelpack_versions.model", "modelpack_versions.number"],
            ondelete="CASCADE",
            name="modelpack_aliases_version",
        ),
    )
    op.create_index("modelpack_aliases_by_version", "modelpack_aliases", ["model", "number"])


def _make_moves() -> None:
    op.create_table(
        "modelpack_moves",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        # No foreign keys: the history outlives what it tells of.
        sa.Column("model", sa.Integer, nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("alias", sa.Text, nullable=True),
        sa.Column("before", sa.Text, nullable=True),
        sa.Column("after", sa.Text, nullable=True),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("modelpack_moves_by_model", "modelpack_moves", ["model", "id"])
    op.create_index("modelpack_moves_by_name", "modelpack_moves", ["name", "id"])


def _guard() -> None:
    """Let the database itself refuse to change the past, or the files of a version."""
    if op.get_context().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _guard_sqlite() -> None:
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER modelpack_moves_no_{act.lower()} BEFORE {act} ON modelpack_moves "
            "BEGIN SELECT RAISE(ABORT, 'the history of a registry is only ever added to'); END"
        )
    op.execute(
        "CREATE TRIGGER modelpack_versions_no_change BEFORE UPDATE OF number, digest, location "
        "ON modelpack_versions BEGIN SELECT RAISE(ABORT, 'the files of a version never change'); END"
    )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION modelpack_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$"
    )
    refuse = "EXECUTE FUNCTION modelpack_refuse"
    op.execute(
        "CREATE TRIGGER modelpack_moves_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON modelpack_moves "
        f"FOR EACH STATEMENT {refuse}('the history of a registry is only ever added to')"
    )
    op.execute(
        "CREATE TRIGGER modelpack_versions_no_change BEFORE UPDATE OF number, digest, location "
        f"ON modelpack_versions FOR EACH STATEMENT {refuse}('the files of a version never change')"
    )
