"""The team server: models that runs have logged, where versions came from, and who may ask."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# Bytes decide what equals and what comes first, whatever the locale of the database.
_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_VALUE = sa.Float(53)


def upgrade() -> None:
    """Make the tables, and more columns for versions."""
    _make_logged_models()
    _make_notes("logged_model_params")
    _make_notes("logged_model_tags")
    _make_points()
    _make_run_models()
    _widen_versions()
    _make_tokens()
    op.create_index("modelpack_runs_by_name", "modelpack_runs", ["name"])


def _make_logged_models() -> None:
    op.create_table(
        "modelpack_logged_models",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("model_id", _TEXT, nullable=False),
        sa.Column("experiment", sa.Integer, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("type", _TEXT, nullable=False),
        # No foreign key: MLflow's clients may name a run of another server.
        sa.Column("source_run_id", _TEXT, nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("status_message", sa.Text, nullable=False),
        sa.Column("author", _TEXT, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("lifecycle", sa.String(16), nullable=False),
        sa.UniqueConstraint("model_id", name="modelpack_logged_models_model_id"),
        sa.ForeignKeyConstraint(
            ["experiment"],
            ["modelpack_experiments.id"],
            ondelete="CASCADE",
            name="modelpack_logged_models_experiment",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "modelpack_logged_models_by_creation",
        "modelpack_logged_models",
        ["experiment", "created", "model_id"],
    )
    op.create_index("modelpack_logged_models_by_run", "modelpack_logged_models", ["source_run_id"])


def _make_notes(name: str) -> None:
    op.create_table(
        f"modelpack_{name}",
        sa.Column("model", _ID, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("value", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("model", "key", name=f"modelpack_{name}_key"),
        sa.ForeignKeyConstraint(
            ["model"], ["modelpack_logged_models.id"], ondelete="CASCADE", name=f"modelpack_{name}_model"
        ),
        sqlite_with_rowid=False,
    )


def _make_points() -> None:
    # The newest of each metric; all points stand with the run that logged them.
    op.create_table(
        "modelpack_logged_model_latest",
        sa.Column("model", _ID, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("run", _ID, nullable=False),
        sa.Column("dataset_name", _TEXT, nullable=False),
        sa.Column("dataset_digest", _TEXT, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("nan", sa.SmallInteger, nullable=False),
        sa.Column("value", _VALUE, nullable=False),
        sa.PrimaryKeyConstraint(
            "model", "key", "run", "dataset_name", "dataset_digest", name="modelpack_logged_model_latest_key"
        ),
        sa.ForeignKeyConstraint(
            ["model"],
            ["modelpack_logged_models.id"],
            ondelete="CASCADE",
            name="modelpack_logged_model_latest_model",
        ),
        sa.ForeignKeyConstraint(
            ["run"], ["modelpack_runs.id"], ondelete="CASCADE", name="modelpack_logged_model_latest_run"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("modelpack_logged_model_latest_by_run", "modelpack_logged_model_latest", ["run"])


def _make_run_models() -> None:
    op.create_table(
        "modelpack_run_models",
        sa.Column("run", _ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        # No foreign key: a run may have used a model of another server.
        sa.Column("model_id", _TEXT, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("run", "kind", "model_id", name="modelpack_run_models_model"),
        sa.ForeignKeyConstraint(
            ["run"], ["modelpack_runs.id"], ondelete="CASCADE", name="modelpack_run_models_run"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("modelpack_run_models_by_model", "modelpack_run_models", ["model_id", "kind", "run"])


def _widen_versions() -> None:
    for column in (
        sa.Column("run_link", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("model_id", _TEXT, nullable=False, server_default=sa.text("''")),
        sa.Column("status_message", sa.Text, nullable=False, server_default=sa.text("''")),
    ):
        op.add_column("modelpack_versions", column)
    op.create_index("modelpack_versions_by_model", "modelpack_versions", ["model_id"])


def _make_tokens() -> None:
    op.create_table(
        "modelpack_tokens",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("scopes", sa.String(64), nullable=False),
        # Of the token only this is kept: who reads the database cannot ask with what is in it.
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=True),
        sa.Column("used", sa.BigInteger, nullable=True),
        sa.Column("revoked", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="modelpack_tokens_id"),
        sa.UniqueConstraint("sha256", name="modelpack_tokens_sha256"),
    )
