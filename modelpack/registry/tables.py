"""The registry's tables as SQLAlchemy sees them; modelpack/sql/migrations makes them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
_EMPTY = text("''")
_NAME = String(256).with_variant(String(256, collation="C"), "postgresql")

models = Table(
    "modelpack_models",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", _NAME, nullable=False),
    Column("description", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("newest", Integer, nullable=False),  # the highest number ever given, deleted versions included
    UniqueConstraint("name", name="modelpack_models_name"),
    sqlite_autoincrement=True,
)

model_tags = Table(
    "modelpack_model_tags",
    metadata,
    Column("model", Integer, nullable=False),
    Column("key", _TEXT, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("model", "key", name="modelpack_model_tags_key"),
    ForeignKeyConstraint(["model"], [models.c.id], ondelete="CASCADE", name="modelpack_model_tags_model"),
)

versions = Table(
    "modelpack_versions",
    metadata,
    Column("model", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("source", _TEXT, nullable=False),
    Column("digest", String(128), nullable=False),
    Column("location", Text, nullable=False),
    Column("run_id", _TEXT, nullable=False),
    Column("description", Text, nullable=False),
    Column("status", String(32), nullable=False),
    Column("author", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("run_link", Text, nullable=False, server_default=_EMPTY),
    Column("model_id", _TEXT, nullable=False, server_default=_EMPTY),
    Column("status_message", Text, nullable=False, server_default=_EMPTY),
    PrimaryKeyConstraint("model", "number", name="modelpack_versions_number"),
    ForeignKeyConstraint(["model"], [models.c.id], ondelete="CASCADE", name="modelpack_versions_model"),
    CheckConstraint(
        "stage IN ('None', 'Staging', 'Production', 'Archived')", name="modelpack_versions_stage"
    ),
    Index("modelpack_versions_by_update", "updated"),
    Index("modelpack_versions_by_run", "run_id"),
    Index("modelpack_versions_by_model", "model_id"),
)

version_tags = Table(
    "modelpack_version_tags",
    metadata,
    Column("model", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("key", _TEXT, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("model", "number", "key", name="modelpack_version_tags_key"),
    ForeignKeyConstraint(
        ["model", "number"],
        [versions.c.model, versions.c.number],
        ondelete="CASCADE",
        name="modelpack_version_tags_version",
    ),
)

aliases = Table(
    "modelpack_aliases",
    metadata,
    Column("model", Integer, nullable=False),
    Column("alias", _TEXT, nullable=False),
    Column("number", Integer, nullable=False),
    PrimaryKeyConstraint("model", "alias", name="modelpack_aliases_alias"),
    ForeignKeyConstraint(
        ["model", "number"],
        [versions.c.model, versions.c.number],
        ondelete="CASCADE",
        name="modelpack_aliases_version",
    ),
    Index("modelpack_aliases_by_version", "model", "number"),
)

moves = Table(
    "modelpack_moves",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("model", Integer, nullable=False),
    Column("name", _NAME, nullable=False),  # as it was called then
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("alias", Text),
    Column("before", Text),
    Column("after", Text),
    Column("author", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("modelpack_moves_by_model", "model", "id"),
    Index("modelpack_moves_by_name", "name", "id"),
    sqlite_autoincrement=True,
)
