"""Tracking's tables as SQLAlchemy sees them; modelpack/sql/migrations makes them."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

_TEXT = Text().with_variant(Text(collation="C"), "postgresql")
_ID = BigInteger().with_variant(Integer, "sqlite")


def _belongs(table: str, column: str, owner: str, name: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        [column], [f"modelpack_{owner}.id"], ondelete="CASCADE", name=f"modelpack_{table}_{name}"
    )


experiments = Table(
    "modelpack_experiments",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", _TEXT, nullable=False),
    Column("location", Text, nullable=False),
    Column("lifecycle", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    UniqueConstraint("name", name="modelpack_experiments_name"),
    sqlite_autoincrement=True,
)

experiment_tags = Table(
    "modelpack_experiment_tags",
    metadata,
    Column("experiment", Integer, nullable=False),
    Column("key", _TEXT, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("experiment", "key", name="modelpack_experiment_tags_key"),
    _belongs("experiment_tags", "experiment", "experiments", "experiment"),
)

runs = Table(
    "modelpack_runs",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("run_id", _TEXT, nullable=False),
    Column("experiment", Integer, nullable=False),
    Column("name", _TEXT, nullable=False),
    Column("author", _TEXT, nullable=False),
    Column("status", String(16), nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("ended", BigInteger),
    Column("lifecycle", String(16), nullable=False),
    Column("location", Text, nullable=False),
    UniqueConstraint("run_id", name="modelpack_runs_run_id"),
    _belongs("runs", "experiment", "experiments", "experiment"),
    Index("modelpack_runs_by_start", "experiment", "started", "run_id"),
    Index("modelpack_runs_by_name", "name"),
    sqlite_autoincrement=True,
)


def _notes(name: str) -> Table:
    # By value they are found through an index that each database has in its own way: see the migration.
    return Table(
        f"modelpack_{name}",
        metadata,
        Column("run", _ID, nullable=False),
        Column("key", _TEXT, nullable=False),
        Column("value", _TEXT, nullable=False),
        PrimaryKeyConstraint("run", "key", name=f"modelpack_{name}_key"),
        _belongs(name, "run", "runs", "run"),
        sqlite_with_rowid=False,
    )


params = _notes("params")
run_tags = _notes("run_tags")


def _points(name: str, key: PrimaryKeyConstraint, *more: Index) -> Table:
    return Table(
        f"modelpack_{name}",
        metadata,
        Column("run", _ID, nullable=False),
        Column("key", _TEXT, nullable=False),
        Column("step", BigInteger, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("nan", SmallInteger, nullable=False),  # 1 for what is no number: its value is 0
        Column("value", Float(53), nullable=False),
        key,
        _belongs(name, "run", "runs", "run"),
        *more,
        sqlite_with_rowid=False,
    )


metrics = _points(
    "metrics",
    PrimaryKeyConstraint("run", "key", "step", "at", "nan", "value", name="modelpack_metrics_point"),
)
latest = _points(
    "latest",
    PrimaryKeyConstraint("run", "key", name="modelpack_latest_key"),
    Index("modelpack_latest_by_value", "key", "nan", "value", "run"),
)

datasets = Table(
    "modelpack_datasets",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("experiment", Integer, nullable=False),
    Column("name", _TEXT, nullable=False),
    Column("digest", _TEXT, nullable=False),
    Column("source_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("schema", Text, nullable=False),
    Column("profile", Text, nullable=False),
    UniqueConstraint("experiment", "name", "digest", name="modelpack_datasets_digest"),
    _belongs("datasets", "experiment", "experiments", "experiment"),
)

inputs = Table(
    "modelpack_inputs",
    metadata,
    Column("run", _ID, nullable=False),
    Column("dataset", Integer, nullable=False),
    PrimaryKeyConstraint("run", "dataset", name="modelpack_inputs_dataset"),
    _belongs("inputs", "run", "runs", "run"),
    _belongs("inputs", "dataset", "datasets", "of"),
    Index("modelpack_inputs_by_dataset", "dataset", "run"),
)

input_tags = Table(
    "modelpack_input_tags",
    metadata,
    Column("run", _ID, nullable=False),
    Column("dataset", Integer, nullable=False),
    Column("key", _TEXT, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("run", "dataset", "key", name="modelpack_input_tags_key"),
    ForeignKeyConstraint(
        ["run", "dataset"],
        [inputs.c.run, inputs.c.dataset],
        ondelete="CASCADE",
        name="modelpack_input_tags_input",
    ),
)

logged_models = Table(
    "modelpack_logged_models",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("model_id", _TEXT, nullable=False),
    Column("experiment", Integer, nullable=False),
    Column("name", _TEXT, nullable=False),
    Column("type", _TEXT, nullable=False),
    Column("source_run_id", _TEXT, nullable=False),
    Column("status", String(32), nullable=False),
    Column("status_message", Text, nullable=False),
    Column("author", _TEXT, nullable=False),
    Column("location", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("lifecycle", String(16), nullable=False),
    UniqueConstraint("model_id", name="modelpack_logged_models_model_id"),
    _belongs("logged_models", "experiment", "experiments", "experiment"),
    Index("modelpack_logged_models_by_creation", "experiment", "created", "model_id"),
    Index("modelpack_logged_models_by_run", "source_run_id"),
    sqlite_autoincrement=True,
)


def _notes_of_model(name: str) -> Table:
    return Table(
        f"modelpack_{name}",
        metadata,
        Column("model", _ID, nullable=False),
        Column("key", _TEXT, nullable=False),
        Column("value", _TEXT, nullable=False),
        PrimaryKeyConstraint("model", "key", name=f"modelpack_{name}_key"),
        _belongs(name, "model", "logged_models", "model"),
        sqlite_with_rowid=False,
    )


logged_model_params = _notes_of_model("logged_model_params")
logged_model_tags = _notes_of_model("logged_model_tags")

logged_model_latest = Table(
    "modelpack_logged_model_latest",
    metadata,
    Column("model", _ID, nullable=False),
    Column("key", _TEXT, nullable=False),
    Column("run", _ID, nullable=False),
    Column("dataset_name", _TEXT, nullable=False),
    Column("dataset_digest", _TEXT, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("nan", SmallInteger, nullable=False),  # 1 for what is no number: its value is 0
    Column("value", Float(53), nullable=False),
    PrimaryKeyConstraint(
        "model", "key", "run", "dataset_name", "dataset_digest", name="modelpack_logged_model_latest_key"
    ),
    _belongs("logged_model_latest", "model", "logged_models", "model"),
    _belongs("logged_model_latest", "run", "runs", "run"),
    Index("modelpack_logged_model_latest_by_run", "run"),
    sqlite_with_rowid=False,
)

run_models = Table(
    "modelpack_run_models",
    metadata,
    Column("run", _ID, nullable=False),
    Column("kind", String(16), nullable=False),  # input or output
    Column("model_id", _TEXT, nullable=False),
    Column("step", BigInteger, nullable=False),
    PrimaryKeyConstraint("run", "kind", "model_id", name="modelpack_run_models_model"),
    _belongs("run_models", "run", "runs", "run"),
    Index("modelpack_run_models_by_model", "model_id", "kind", "run"),
    sqlite_with_rowid=False,
)

tokens = Table(
    "modelpack_tokens",
    metadata,
    Column("id", _TEXT, nullable=False),
    Column("name", _TEXT, nullable=False),
    Column("label", Text, nullable=False),
    Column("scopes", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("used", BigInteger),
    Column("revoked", BigInteger),
    PrimaryKeyConstraint("id", name="modelpack_tokens_id"),
    UniqueConstraint("sha256", name="modelpack_tokens_sha256"),
)
