"""The logged models of MLflow 3 in a SQL database: each method is one transaction."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, text, update

from modelpack.errors import Conflict, NotFound, shorten
from modelpack.registry.claims import offset_of, token_of
from modelpack.registry.records import Page
from modelpack.registry.sql_store import now
from modelpack.sql import Database
from modelpack.tracking import rules
from modelpack.tracking.logged_model_rows import (
    INPUT,
    OUTPUT,
    link_models,
    logged_model_row,
    logged_models_of,
)
from modelpack.tracking.records import LoggedModel
from modelpack.tracking.rows import experiment_row, require_active, run_row
from modelpack.tracking.run_names import random_name
from modelpack.tracking.search_logged_models import DatasetFilter, ModelOrder, search_logged_models
from modelpack.tracking.tables import logged_model_params, logged_model_tags, logged_models

_SET_TAG: Final = text(
    "INSERT INTO modelpack_logged_model_tags (model, key, value) VALUES (:model, :key, :value) "
    "ON CONFLICT (model, key) DO UPDATE SET value = excluded.value"
)


class SqlLoggedModels:
    """The logged models in *database*, whose experiments and runs a SqlTrackingStore keeps.

    What does not exist raises NotFound, what breaks a rule InvalidName, search texts InvalidFilter. What
    happens when is told by *clock*, in milliseconds since 1970. The database stays its owner's to close.
    """

    def __init__(self, database: Database, *, clock: Callable[[], int] = now) -> None:
        self._database, self._clock = database, clock

    def create(
        self,
        experiment_id: str,
        *,
        name: str = "",
        model_type: str = "",
        source_run_id: str = "",
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        user: str = "",
    ) -> LoggedModel:
        """Enter a model that is about to be uploaded; without a name it is given one.

        Conflict when the experiment is deleted.
        """
        called = rules.require_model_name(name) if name else random_name()
        for what, given in (("model type", model_type), ("source run", source_run_id), ("user", user)):
            rules.require_short_text(what, given)
        noted, tagged = _params(params or {}), _tags(tags or {})

        def act(connection: Connection) -> LoggedModel:
            experiment = experiment_row(connection, experiment_id, lock=True)
            require_active("experiment", experiment_id, experiment)
            model_id, at = f"m-{uuid.uuid4().hex}", self._clock()
            entered = insert(logged_models).values(
                model_id=model_id,
                experiment=experiment.id,
                name=called,
                type=model_type,
                source_run_id=source_run_id,
                status="LOGGED_MODEL_PENDING",
                status_message="",
                author=user,
                location=f"{experiment.location}/models/{model_id}/artifacts",
                created=at,
                updated=at,
                lifecycle="active",
            )
            row = connection.execute(entered.returning(logged_models)).one()
            _add_params(connection, row, noted)
            _set_tags(connection, row, tagged)
            return _one(connection, row)

        return self._database.write(act)

    def get(self, model_id: str, *, deleted: bool = False) -> LoggedModel:
        """One model; with *deleted* also one that was deleted."""
        with self._database.read() as connection:
            row = logged_model_row(connection, model_id)
            if row.lifecycle != "active" and not deleted:
                raise NotFound("logged model", model_id)
            return _one(connection, row)

    def finalize(self, model_id: str, status: str) -> LoggedModel:
        """Say how its upload ended: LOGGED_MODEL_READY or LOGGED_MODEL_UPLOAD_FAILED, or pending again."""
        return self._change(model_id, status=rules.require_model_status(status))

    def delete(self, model_id: str) -> None:
        """Hide a model; hiding it twice is no error."""
        self._change(model_id, lifecycle="deleted")

    def set_tags(self, model_id: str, tags: Mapping[str, Any]) -> None:
        """Note something about it."""
        tagged = _tags(tags)

        def act(connection: Connection) -> None:
            _set_tags(connection, logged_model_row(connection, model_id, lock=True), tagged)

        self._database.write(act)

    def delete_tag(self, model_id: str, key: str) -> None:
        """Take a note away; NotFound when there is none."""

        def act(connection: Connection) -> None:
            row = logged_model_row(connection, model_id, lock=True)
            table = logged_model_tags
            gone = delete(table).where(table.c.model == row.id, table.c.key == key)
            if not connection.execute(gone).rowcount:
                raise NotFound(f"tag of logged model {shorten(model_id, 40)}", key)

        self._database.write(act)

    def log_params(self, model_id: str, params: Mapping[str, Any]) -> None:
        """Add params. The same again is no error; Conflict for one that has another value already."""
        noted = _params(params)

        def act(connection: Connection) -> None:
            _add_params(connection, logged_model_row(connection, model_id, lock=True), noted)

        self._database.write(act)

    def search(
        self,
        experiment_ids: Sequence[str],
        where: str = "",
        *,
        datasets: Sequence[Mapping[str, Any]] = (),
        order_by: Sequence[Mapping[str, Any]] = (),
        max_results: int = 100,
        page_token: str | None = None,
    ) -> Page[LoggedModel]:
        """Models of the experiments *where* a filter holds: ``name = 'churn' AND metrics.f1 > 0.9``.

        *datasets* holds ``{"dataset_name": …, "dataset_digest": …}``: the filter's metrics are then those on
        one of them; a filter without metrics finds models with any on one of them. *order_by* holds
        ``{"field_name": "metrics.f1", "ascending": False}``, and a dataset like those where only its metrics
        count. The newest come first unless it says otherwise.
        """
        offset = offset_of(page_token)
        with self._database.read() as connection:
            rows = search_logged_models(
                connection,
                experiment_ids,
                where,
                datasets=[DatasetFilter.of(one) for one in datasets],
                order_by=[ModelOrder.of(one) for one in order_by],
                max_results=max_results,
                offset=offset,
            )
            token = token_of(offset + max_results) if len(rows) > max_results else None
            return Page(logged_models_of(connection, rows[:max_results]), token)

    def log_outputs(self, run_id: str, models: Iterable[tuple[str, int]]) -> None:
        """Note which models, each with a step, a run has made; the same again is no error."""
        self._link(run_id, OUTPUT, models)

    def log_model_inputs(self, run_id: str, model_ids: Iterable[str]) -> None:
        """Note which models a run has used; the same again is no error."""
        self._link(run_id, INPUT, [(one, 0) for one in model_ids])

    def _link(self, run_id: str, kind: str, models: Iterable[tuple[str, int]]) -> None:
        given = [rules.require_model_link(model_id, step) for model_id, step in models]

        def act(connection: Connection) -> None:
            row = run_row(connection, run_id, lock=True)
            require_active("run", run_id, row)
            link_models(connection, row.id, kind, given)

        self._database.write(act)

    def _change(self, model_id: str, **changes: Any) -> LoggedModel:
        def act(connection: Connection) -> LoggedModel:
            row = logged_model_row(connection, model_id, lock=True)
            changed = update(logged_models).where(logged_models.c.id == row.id)
            values = changed.values(updated=self._clock(), **changes)
            return _one(connection, connection.execute(values.returning(logged_models)).one())

        return self._database.write(act)


def _params(given: Mapping[str, Any]) -> dict[str, str]:
    return rules.require_model_texts("param", given)


def _tags(given: Mapping[str, Any]) -> dict[str, str]:
    return rules.require_model_texts("tag", given)


def _one(connection: Connection, row: Row[Any]) -> LoggedModel:
    return logged_models_of(connection, [row])[0]


def _set_tags(connection: Connection, row: Row[Any], tags: Mapping[str, str]) -> None:
    if tags:
        entered = [{"model": row.id, "key": key, "value": value} for key, value in tags.items()]
        connection.execute(_SET_TAG, entered)


def _add_params(connection: Connection, row: Row[Any], given: Mapping[str, str]) -> None:
    table = logged_model_params
    known = select(table.c.key, table.c.value).where(table.c.model == row.id)
    there: dict[str, str] = {found.key: found.value for found in connection.execute(known)}
    for key, value in given.items():
        if there.get(key, value) != value:
            raise Conflict(
                f"the param {shorten(repr(key), 60)} of logged model {row.model_id} is "
                f"{shorten(repr(there[key]), 60)} and cannot become {shorten(repr(value), 60)}"
            )
    fresh = [
        {"model": row.id, "key": key, "value": value} for key, value in given.items() if key not in there
    ]
    if fresh:
        connection.execute(insert(table), fresh)
