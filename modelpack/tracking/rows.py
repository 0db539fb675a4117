"""Records out of rows, and the rows that records stand for."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

from sqlalchemy import Connection, Row, select

from modelpack.errors import Conflict, NotFound, shorten
from modelpack.tracking.logged_model_rows import models_of_runs
from modelpack.tracking.records import (
    Dataset,
    DatasetInput,
    Experiment,
    Lifecycle,
    Metric,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    Status,
)
from modelpack.tracking.rules import is_run_id
from modelpack.tracking.tables import (
    datasets,
    experiment_tags,
    experiments,
    input_tags,
    inputs,
    latest,
    params,
    run_tags,
    runs,
)

_AT_A_TIME: Final = 5_000
"""Rows of which the details are asked for in one statement: SQLite takes 32,766 values in one."""


def experiment_row(connection: Connection, experiment_id: str, *, lock: bool = False) -> Row[Any]:
    """The row of an experiment, deleted or not. Raises NotFound."""
    row = None
    if experiment_id.isascii() and experiment_id.isdigit() and len(experiment_id) < 10:
        query = select(experiments).where(experiments.c.id == int(experiment_id))
        row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound("experiment", experiment_id)
    return row


def run_row(connection: Connection, run_id: str, *, lock: bool = False) -> Row[Any]:
    """The row of a run, deleted or not. Raises NotFound."""
    row = None
    if is_run_id(run_id):
        query = select(runs).where(runs.c.run_id == run_id)
        row = connection.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if row is None:
        raise NotFound("run", run_id)
    return row


def require_active(kind: str, name: str, row: Row[Any]) -> None:
    """Raise Conflict for what is deleted."""
    if row.lifecycle != "active":
        # In the words by which clients of the server know it.
        raise Conflict(
            f"The {kind} {shorten(name, 60)} must be in the 'active' state. Current state is deleted; "
            "restore it before anything is written to it"
        )


def experiments_of(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[Experiment, ...]:
    """The experiments of *rows*, with their tags."""
    tags: dict[int, dict[str, str]] = defaultdict(dict)
    for some in _parts([row.id for row in rows]):
        found = connection.execute(select(experiment_tags).where(experiment_tags.c.experiment.in_(some)))
        for experiment, key, value in found:
            tags[experiment][key] = value
    return tuple(
        Experiment(
            experiment_id=str(row.id),
            name=row.name,
            artifact_location=row.location,
            lifecycle_stage=cast("Lifecycle", row.lifecycle),
            creation_time=row.created,
            last_update_time=row.updated,
            tags=tags[row.id],
        )
        for row in rows
    )


def info_of(row: Row[Any]) -> RunInfo:
    """What a run is, from its row."""
    return RunInfo(
        run_id=row.run_id,
        run_name=row.name,
        experiment_id=str(row.experiment),
        user_id=row.author,
        status=cast("Status", row.status),
        start_time=row.started,
        end_time=row.ended,
        artifact_uri=row.location,
        lifecycle_stage=cast("Lifecycle", row.lifecycle),
    )


def runs_of(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[Run, ...]:
    """The runs of *rows*, with all that was logged in them but the history of metrics."""
    ids = [row.id for row in rows]
    points: dict[int, list[Metric]] = defaultdict(list)
    noted: dict[int, dict[str, str]] = defaultdict(dict)
    tagged: dict[int, dict[str, str]] = defaultdict(dict)
    for some in _parts(ids):
        for run, key, step, at, nan, value in connection.execute(
            select(latest).where(latest.c.run.in_(some))
        ):
            points[run].append(Metric(key, float("nan") if nan else value, at, step))
        for table, kept in ((params, noted), (run_tags, tagged)):
            for run, key, value in connection.execute(select(table).where(table.c.run.in_(some))):
                kept[run][key] = value
    used = _inputs_of(connection, ids)
    taken, made = models_of_runs(connection, ids)
    return tuple(
        Run(
            info=info_of(row),
            data=RunData(
                metrics={point.key: point.value for point in points[row.id]},
                params=noted[row.id],
                tags=tagged[row.id],
                points=points[row.id],
            ),
            inputs=RunInputs(dataset_inputs=used.get(row.id, ()), model_inputs=taken.get(row.id, ())),
            outputs=RunOutputs(model_outputs=made.get(row.id, ())),
        )
        for row in rows
    )


def _inputs_of(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[DatasetInput, ...]]:
    found: dict[int, list[DatasetInput]] = defaultdict(list)
    for some in _parts(ids):
        tags: dict[tuple[int, int], dict[str, str]] = defaultdict(dict)
        for run, dataset, key, value in connection.execute(
            select(input_tags).where(input_tags.c.run.in_(some))
        ):
            tags[run, dataset][key] = value
        used = select(inputs.c.run, datasets).join_from(inputs, datasets, inputs.c.dataset == datasets.c.id)
        for row in connection.execute(used.where(inputs.c.run.in_(some)).order_by(datasets.c.id)):
            dataset = Dataset(
                name=row.name,
                digest=row.digest,
                source_type=row.source_type,
                source=row.source,
                schema=row.schema,
                profile=row.profile,
            )
            found[row.run].append(DatasetInput(dataset=dataset, tags=tags[row.run, row.id]))
    return {run: tuple(several) for run, several in found.items()}


def _parts(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + _AT_A_TIME] for start in range(0, len(ids), _AT_A_TIME))
