"""The tracking store in a SQL database: each method is one transaction."""

import math
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from modelpack.errors import AlreadyExists, Conflict, InvalidName, NotFound, shorten
from modelpack.registry.claims import offset_of, token_of
from modelpack.registry.records import Page
from modelpack.registry.sql_store import now
from modelpack.sql import Database
from modelpack.tracking import rules
from modelpack.tracking.logged_model_rows import add_model_points
from modelpack.tracking.records import (
    Dataset,
    DatasetInput,
    Experiment,
    Metric,
    Run,
    RunInfo,
    Status,
    ViewType,
)
from modelpack.tracking.rows import (
    experiment_row,
    experiments_of,
    info_of,
    require_active,
    run_row,
    runs_of,
)
from modelpack.tracking.run_names import random_name
from modelpack.tracking.search_experiments import search_experiments
from modelpack.tracking.search_runs import search_runs
from modelpack.tracking.tables import (
    datasets,
    experiment_tags,
    experiments,
    input_tags,
    inputs,
    metrics,
    params,
    run_tags,
    runs,
)

RUN_NAME: Final = "mlflow.runName"
DEFAULT: Final = "0"

# As text: the two databases take the same, and these run once for every value that is logged.
_ADD_POINT: Final = text(
    "INSERT INTO modelpack_metrics (run, key, step, at, nan, value) "
    "VALUES (:run, :key, :step, :at, :nan, :value) ON CONFLICT DO NOTHING"
)
_RENEW_LATEST: Final = text(
    "INSERT INTO modelpack_latest (run, key, step, at, nan, value) "
    "VALUES (:run, :key, :step, :at, :nan, :value) ON CONFLICT (run, key) DO UPDATE "
    "SET step = excluded.step, at = excluded.at, nan = excluded.nan, value = excluded.value "
    "WHERE (excluded.step, excluded.at, excluded.value) > "
    "(modelpack_latest.step, modelpack_latest.at, modelpack_latest.value)"
)
_SET_TAG: Final = text(
    "INSERT INTO modelpack_run_tags (run, key, value) VALUES (:run, :key, :value) "
    "ON CONFLICT (run, key) DO UPDATE SET value = excluded.value"
)
_SET_EXPERIMENT_TAG: Final = text(
    "INSERT INTO modelpack_experiment_tags (experiment, key, value) VALUES (:experiment, :key, :value) "
    "ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value"
)


class SqlTrackingStore:
    """A TrackingStore in *database*. Files of a run lie below *root*, unless its experiment says otherwise.

    What happens when is told by *clock*, in milliseconds since 1970.
    """

    def __init__(self, database: Database, *, root: str, clock: Callable[[], int] = now) -> None:
        self._database, self._root, self._clock = database, root.rstrip("/"), clock
        self._enter_default()

    def create_experiment(self, name: str, *, artifact_location: str = "", tags: Mapping[str, str]) -> str:
        rules.require_experiment_name(name)
        given = rules.require_tags(tags, longest=rules.LONGEST_EXPERIMENT_TAG)

        def act(connection: Connection) -> str:
            at = self._clock()
            entered = insert(experiments).values(
                name=name, location=artifact_location, lifecycle="active", created=at, updated=at
            )
            with _taken(name):
                found = connection.execute(entered.returning(experiments.c.id)).scalar_one()
            if not artifact_location:
                place = update(experiments).where(experiments.c.id == found)
                connection.execute(place.values(location=f"{self._root}/{found}"))
            if given:
                connection.execute(
                    _SET_EXPERIMENT_TAG,
                    [{"experiment": found, "key": key, "value": value} for key, value in given.items()],
                )
            return str(found)

        return self._database.write(act)

    def get_experiment(self, experiment_id: str) -> Experiment:
        with self._database.read() as connection:
            return experiments_of(connection, [experiment_row(connection, experiment_id)])[0]

    def get_experiment_by_name(self, name: str) -> Experiment | None:
        with self._database.read() as connection:
            rows = connection.execute(select(experiments).where(experiments.c.name == name)).all()
            return next(iter(experiments_of(connection, rows)), None)

    def search_experiments(
        self,
        where: str = "",
        *,
        view: int = ViewType.ACTIVE_ONLY,
        order_by: Sequence[str] = (),
        max_results: int = 1_000,
        page_token: str | None = None,
    ) -> Page[Experiment]:
        with self._database.read() as connection:
            rows, token = search_experiments(
                connection,
                where,
                view=view,
                order_by=order_by,
                max_results=max_results,
                page_token=page_token,
            )
            return Page(experiments_of(connection, rows), token)

    def rename_experiment(self, experiment_id: str, name: str) -> None:
        rules.require_experiment_name(name)

        def act(connection: Connection) -> None:
            row = experiment_row(connection, experiment_id, lock=True)
            require_active("experiment", experiment_id, row)
            with _taken(name):
                self._change_experiment(connection, row, name=name)

        self._database.write(act)

    def delete_experiment(self, experiment_id: str) -> None:
        self._move_experiment(experiment_id, "active", "deleted")

    def restore_experiment(self, experiment_id: str) -> None:
        self._move_experiment(experiment_id, "deleted", "active")

    def set_experiment_tag(self, experiment_id: str, key: str, value: str) -> None:
        given = rules.require_tags({key: value}, longest=rules.LONGEST_EXPERIMENT_TAG)

        def act(connection: Connection) -> None:
            row = experiment_row(connection, experiment_id, lock=True)
            require_active("experiment", experiment_id, row)
            connection.execute(_SET_EXPERIMENT_TAG, {"experiment": row.id, "key": key, "value": given[key]})

        self._database.write(act)

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        def act(connection: Connection) -> None:
            row = experiment_row(connection, experiment_id, lock=True)
            require_active("experiment", experiment_id, row)
            gone = delete(experiment_tags).where(
                experiment_tags.c.experiment == row.id, experiment_tags.c.key == key
            )
            if not connection.execute(gone).rowcount:
                raise NotFound(f"tag of experiment {row.id}", key)

        self._database.write(act)

    def create_run(
        self,
        experiment_id: str,
        *,
        run_name: str = "",
        user_id: str = "",
        start_time: int,
        tags: Mapping[str, str],
    ) -> Run:
        given = rules.require_tags(tags)
        name = self._name_of_new(run_name, given)
        rules.require_time("start time", start_time)
        rules.require_run_name(user_id)

        def act(connection: Connection) -> Run:
            experiment = experiment_row(connection, experiment_id, lock=True)
            require_active("experiment", experiment_id, experiment)
            run_id = uuid.uuid4().hex
            begun = insert(runs).values(
                run_id=run_id,
                experiment=experiment.id,
                name=name,
                author=user_id,
                status="RUNNING",
                started=int(start_time),
                ended=None,
                lifecycle="active",
                location=f"{experiment.location}/{run_id}/artifacts",
            )
            row = connection.execute(begun.returning(runs)).one()
            _set_tags(connection, row.id, {**given, RUN_NAME: name})
            return runs_of(connection, [row])[0]

        return self._database.write(act)

    def get_run(self, run_id: str) -> Run:
        with self._database.read() as connection:
            return runs_of(connection, [run_row(connection, run_id)])[0]

    def update_run(
        self,
        run_id: str,
        *,
        status: Status | None = None,
        end_time: int | None = None,
        run_name: str | None = None,
    ) -> RunInfo:
        changes: dict[str, Any] = {}
        if status is not None:
            changes["status"] = rules.require_status(status)
        if end_time is not None:
            changes["ended"] = rules.require_time("end time", end_time)
        if run_name:
            changes["name"] = rules.require_run_name(run_name)

        def act(connection: Connection) -> RunInfo:
            row = run_row(connection, run_id, lock=True)
            require_active("run", run_id, row)
            if changes:
                changed = update(runs).where(runs.c.id == row.id).values(**changes).returning(runs)
                row = connection.execute(changed).one()
            if "name" in changes:
                _set_tags(connection, row.id, {RUN_NAME: changes["name"]})
            return info_of(row)

        return self._database.write(act)

    def delete_run(self, run_id: str) -> None:
        self._move_run(run_id, "active", "deleted")

    def restore_run(self, run_id: str) -> None:
        self._move_run(run_id, "deleted", "active")

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Iterable[Metric] = (),
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> None:
        points = rules.require_metrics(metrics)
        noted = rules.require_params(params or {})
        tagged = rules.require_tags(tags or {})
        rules.require_batch(len(points), len(noted), len(tagged))

        def act(connection: Connection) -> None:
            row = run_row(connection, run_id, lock=True)
            require_active("run", run_id, row)
            if points:
                _add_points(connection, row.id, points)
                add_model_points(connection, row.id, points)
            if noted:
                _add_params(connection, row, noted)
            if tagged:
                self._tag(connection, row, tagged)

        self._database.write(act)

    def delete_tag(self, run_id: str, key: str) -> None:
        def act(connection: Connection) -> None:
            row = run_row(connection, run_id, lock=True)
            require_active("run", run_id, row)
            gone = delete(run_tags).where(run_tags.c.run == row.id, run_tags.c.key == key)
            if not connection.execute(gone).rowcount:
                raise NotFound(f"tag of run {shorten(run_id, 40)}", key)

        self._database.write(act)

    def log_inputs(self, run_id: str, datasets: Sequence[DatasetInput]) -> None:
        tagged = [(one, rules.require_dataset_input(one)) for one in datasets]

        def act(connection: Connection) -> None:
            row = run_row(connection, run_id, lock=True)
            require_active("run", run_id, row)
            for one, tags in tagged:
                _add_input(connection, row, one.dataset, tags)

        self._database.write(act)

    def metric_history(
        self, run_id: str, key: str, *, max_results: int = 25_000, page_token: str | None = None
    ) -> Page[Metric]:
        offset = offset_of(page_token)
        found = (
            select(metrics.c.key, metrics.c.step, metrics.c.at, metrics.c.nan, metrics.c.value)
            .order_by(metrics.c.step, metrics.c.at, metrics.c.nan, metrics.c.value)
            .limit(max_results + 1)
            .offset(offset)
        )
        with self._database.read() as connection:
            run = run_row(connection, run_id).id
            rows = connection.execute(found.where(metrics.c.run == run, metrics.c.key == key)).all()
        points = tuple(
            Metric(name, float("nan") if nan else value, at, step)
            for name, step, at, nan, value in rows[:max_results]
        )
        return Page(points, token_of(offset + max_results) if len(rows) > max_results else None)

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        where: str = "",
        *,
        view: int = ViewType.ACTIVE_ONLY,
        order_by: Sequence[str] = (),
        max_results: int = 1_000,
        page_token: str | None = None,
    ) -> Page[Run]:
        with self._database.read() as connection:
            rows, token = search_runs(
                connection,
                experiment_ids,
                where,
                view=view,
                order_by=order_by,
                max_results=max_results,
                page_token=page_token,
            )
            return Page(runs_of(connection, rows), token)

    def close(self) -> None:
        self._database.close()

    def _enter_default(self) -> None:
        with self._database.read() as connection:
            is_there = connection.execute(select(experiments.c.id).where(experiments.c.id == 0)).first()
        if is_there:
            return
        at = self._clock()
        entered = text(
            "INSERT INTO modelpack_experiments (id, name, location, lifecycle, created, updated) "
            "VALUES (0, 'Default', :location, 'active', :at, :at) ON CONFLICT DO NOTHING"
        )
        place = f"{self._root}/{DEFAULT}"
        self._database.write(lambda connection: connection.execute(entered, {"location": place, "at": at}))

    def _change_experiment(self, connection: Connection, row: Row[Any], **changes: Any) -> None:
        changed = update(experiments).where(experiments.c.id == row.id)
        connection.execute(changed.values(updated=self._clock(), **changes))

    def _move_experiment(self, experiment_id: str, before: str, after: str) -> None:
        def act(connection: Connection) -> None:
            row = experiment_row(connection, experiment_id, lock=True)
            if row.lifecycle != before:
                raise NotFound(f"{before} experiment", experiment_id)
            self._change_experiment(connection, row, lifecycle=after)

        self._database.write(act)

    def _move_run(self, run_id: str, before: str, after: str) -> None:
        def act(connection: Connection) -> None:
            row = run_row(connection, run_id, lock=True)
            if row.lifecycle != before:
                raise NotFound(f"{before} run", run_id)
            connection.execute(update(runs).where(runs.c.id == row.id).values(lifecycle=after))

        self._database.write(act)

    def _name_of_new(self, run_name: str, tags: Mapping[str, str]) -> str:
        tagged = tags.get(RUN_NAME, "")
        if run_name and tagged and run_name != tagged:
            raise InvalidName(
                f"the run is called {shorten(repr(run_name), 60)}, and its tag {RUN_NAME} says "
                f"{shorten(repr(tagged), 60)}; give one of them"
            )
        return rules.require_run_name(run_name or tagged or random_name())

    def _tag(self, connection: Connection, row: Row[Any], tags: Mapping[str, str]) -> None:
        name = tags.get(RUN_NAME)
        if name:
            connection.execute(update(runs).where(runs.c.id == row.id).values(name=name))
        # A run is never without a name: as in MLflow, an empty one leaves it as it was.
        given = {key: value for key, value in tags.items() if value or key != RUN_NAME}
        if given:
            _set_tags(connection, row.id, given)


def _set_tags(connection: Connection, run: int, tags: Mapping[str, str]) -> None:
    connection.execute(_SET_TAG, [{"run": run, "key": key, "value": value} for key, value in tags.items()])


def _add_points(connection: Connection, run: int, points: Sequence[Metric]) -> None:
    newest: dict[str, dict[str, Any]] = {}
    rows = []
    for one in points:
        nan = math.isnan(one.value)
        row = {
            "run": run,
            "key": one.key,
            "step": one.step,
            "at": one.timestamp,
            "nan": int(nan),
            "value": 0.0 if nan else one.value,
        }
        rows.append(row)
        known = newest.get(one.key)
        if known is None or (row["step"], row["at"], row["value"]) > (
            known["step"],
            known["at"],
            known["value"],
        ):
            newest[one.key] = row
    connection.execute(_ADD_POINT, rows)
    connection.execute(_RENEW_LATEST, list(newest.values()))


def _add_params(connection: Connection, row: Row[Any], given: Mapping[str, str]) -> None:
    known = select(params.c.key, params.c.value).where(params.c.run == row.id, params.c.key.in_(list(given)))
    there: dict[str, str] = {found.key: found.value for found in connection.execute(known)}
    for key, value in there.items():
        if given[key] != value:
            # In the words by which clients of the server know it.
            raise Conflict(
                f"Changing param values is not allowed: {shorten(repr(key), 60)} of run {row.run_id} is "
                f"{shorten(repr(value), 60)} and cannot become {shorten(repr(given[key]), 60)}; "
                "begin another run"
            )
    fresh = [{"run": row.id, "key": key, "value": value} for key, value in given.items() if key not in there]
    if fresh:
        connection.execute(insert(params), fresh)


def _add_input(connection: Connection, run: Row[Any], one: Dataset, tags: Mapping[str, str]) -> None:
    same = (
        datasets.c.experiment == run.experiment,
        datasets.c.name == one.name,
        datasets.c.digest == one.digest,
    )
    connection.execute(
        text(
            "INSERT INTO modelpack_datasets (experiment, name, digest, source_type, source, schema, profile) "
            "VALUES (:experiment, :name, :digest, :source_type, :source, :schema, :profile) "
            "ON CONFLICT DO NOTHING"
        ),
        {
            "experiment": run.experiment,
            "name": one.name,
            "digest": one.digest,
            "source_type": one.source_type,
            "source": one.source,
            "schema": one.schema,
            "profile": one.profile,
        },
    )
    dataset = connection.execute(select(datasets.c.id).where(*same)).scalar_one()
    is_known = connection.execute(
        select(inputs.c.run).where(inputs.c.run == run.id, inputs.c.dataset == dataset)
    ).first()
    if is_known:
        return
    connection.execute(insert(inputs).values(run=run.id, dataset=dataset))
    if tags:
        connection.execute(
            insert(input_tags),
            [{"run": run.id, "dataset": dataset, "key": key, "value": value} for key, value in tags.items()],
        )


@contextmanager
def _taken(name: str) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise AlreadyExists(
            f"the experiment {shorten(repr(name), 80)} exists already, perhaps as a deleted one"
        ) from error
