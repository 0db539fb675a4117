"""Tracking: experiments, runs, and what was logged in them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# Bytes decide what equals and what comes first, whatever the locale of the database.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_VALUE = sa.Float(53)


def upgrade() -> None:
    """Make the tables."""
    _make_experiments()
    _make_runs()
    _make_notes("params", long_values=True)
    _make_notes("run_tags", long_values=True)
    _make_metrics()
    _make_datasets()


def _make_experiments() -> None:
    op.create_table(
        "modelpack_experiments",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("lifecycle", sa.String(16), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("name", name="modelpack_experiments_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "modelpack_experiment_tags",
        sa.Column("experiment", sa.Integer, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("experiment", "key", name="modelpack_experiment_tags_key"),
        sa.ForeignKeyConstraint(
            ["experiment"],
            ["modelpack_experiments.id"],
            ondelete="CASCADE",
            name="modelpack_experiment_tags_experiment",
        ),
    )


def _make_runs() -> None:
    op.create_table(
        "modelpack_runs",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("run_id", _TEXT, nullable=False),
        sa.Column("experiment", sa.Integer, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("author", _TEXT, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=True),
        sa.Column("lifecycle", sa.String(16), nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.UniqueConstraint("run_id", name="modelpack_runs_run_id"),
        sa.ForeignKeyConstraint(
            ["experiment"], ["modelpack_experiments.id"], ondelete="CASCADE", name="modelpack_runs_experiment"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("modelpack_runs_by_start", "modelpack_runs", ["experiment", "started", "run_id"])


def _make_notes(name: str, *, long_values: bool) -> None:
    op.create_table(
        f"modelpack_{name}",
        sa.Column("run", _ID, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("value", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("run", "key", name=f"modelpack_{name}_key"),
        sa.ForeignKeyConstraint(
            ["run"], ["modelpack_runs.id"], ondelete="CASCADE", name=f"modelpack_{name}_run"
        ),
        sqlite_with_rowid=False,
    )
    # PostgreSQL's indices hold values of some 2,700 bytes at most: there, their beginning is in it.
    is_postgresql = op.get_context().dialect.name == "postgresql"
    value = sa.text('"left"(value, 200)') if is_postgresql and long_values else "value"
    op.create_index(f"modelpack_{name}_by_value", f"modelpack_{name}", ["key", value, "run"])


def _make_metrics() -> None:
    # Every point, once: a client that did not hear our answer sends it again.
    op.create_table(
        "modelpack_metrics",
        sa.Column("run", _ID, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("nan", sa.SmallInteger, nullable=False),
        sa.Column("value", _VALUE, nullable=False),
        sa.PrimaryKeyConstraint("run", "key", "step", "at", "nan", "value", name="modelpack_metrics_point"),
        sa.ForeignKeyConstraint(
            ["run"], ["modelpack_runs.id"], ondelete="CASCADE", name="modelpack_metrics_run"
        ),
        sqlite_with_rowid=False,
    )
    # The newest of each key, by which runs are searched.
    op.create_table(
        "modelpack_latest",
        sa.Column("run", _ID, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("nan", sa.SmallInteger, nullable=False),
        sa.Column("value", _VALUE, nullable=False),
        sa.PrimaryKeyConstraint("run", "key", name="modelpack_latest_key"),
        sa.ForeignKeyConstraint(
            ["run"], ["modelpack_runs.id"], ondelete="CASCADE", name="modelpack_latest_run"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("modelpack_latest_by_value", "modelpack_latest", ["key", "nan", "value", "run"])


def _make_datasets() -> None:
    op.create_table(
        "modelpack_datasets",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("experiment", sa.Integer, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("digest", _TEXT, nullable=False),
        sa.Column("source_type", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("schema", sa.Text, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.UniqueConstraint("experiment", "name", "digest", name="modelpack_datasets_digest"),
        sa.ForeignKeyConstraint(
            ["experiment"],
            ["modelpack_experiments.id"],
            ondelete="CASCADE",
            name="modelpack_datasets_experiment",
        ),
    )
    op.create_table(
        "modelpack_inputs",
        sa.Column("run", _ID, nullable=False),
        sa.Column("dataset", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("run", "dataset", name="modelpack_inputs_dataset"),
        sa.ForeignKeyConstraint(
            ["run"], ["modelpack_runs.id"], ondelete="CASCADE", name="modelpack_inputs_run"
        ),
        sa.ForeignKeyConstraint(
            ["dataset"], ["modelpack_datasets.id"], ondelete="CASCADE", name="modelpack_inputs_of"
        ),
    )
    op.create_index("modelpack_inputs_by_dataset", "modelpack_inputs", ["dataset", "run"])
    op.create_table(
        "modelpack_input_tags",
        sa.Column("run", _ID, nullable=False),
        sa.Column("dataset", sa.Integer, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("run", "dataset", "key", name="modelpack_input_tags_key"),
        sa.ForeignKeyConstraint(
            ["run", "dataset"],
            ["modelpack_inputs.run", "modelpack_inputs.dataset"],
            ondelete="CASCADE",
            name="modelpack_input_tags_input",
        ),
    )
