"""Logged models out of rows, and the rows that are entered for them."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from sqlalchemy import Connection, Row, select, text

from modelpack.errors import NotFound
from modelpack.tracking import rules
from modelpack.tracking.records import Lifecycle, LoggedModel, Metric, ModelInput, ModelOutput, ModelStatus
from modelpack.tracking.tables import (
    logged_model_latest,
    logged_model_params,
    logged_model_tags,
    logged_models,
    run_models,
    runs,
)

INPUT: Final = "input"
OUTPUT: Final = "output"

_AT_A_TIME: Final = 5_000
"""Rows of which the details are asked for in one statement: SQLite takes 32,766 values in one."""

_RENEW_LATEST: Final = text(
    "INSERT INTO modelpack_logged_model_latest "
    "(model, key, run, dataset_name, dataset_digest, step, at, nan, value) "
    "VALUES (:model, :key, :run, :dataset_name, :dataset_digest, :step, :at, :nan, :value) "
    "ON CONFLICT (model, key, run, dataset_name, dataset_digest) DO UPDATE "
    "SET step = excluded.step, at = excluded.at, nan = excluded.nan, value = excluded.value "
    "WHERE (excluded.step, excluded.at, excluded.value) > (modelpack_logged_model_latest.step, "
    "modelpack_logged_model_latest.at, modelpack_logged_model_latest.value)"
)
_LINK: Final = text(
    "INSERT INTO modelpack_run_models (run, kind, model_id, step) VALUES (:run, :kind, :model_id, :step) "
    "ON CONFLICT (run, kind, model_id) DO UPDATE SET step = excluded.step"
)


def logged_model_row(connection: Connection, model_id: str, *, lock: bool = False) -> Row[Any]:
    """The row of a logged model, deleted or not. Raises NotFound."""
    row = None
    if rules.is_run_id(model_id):
        query = select(logged_models).where(logged_models.c.model_id == model_id)
        row = connection.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
    if row is None:
        raise NotFound("logged model", model_id)
    return row


def logged_models_of(connection: Connection, rows: Sequence[Row[Any]]) -> tuple[LoggedModel, ...]:
    """The logged models of *rows*, with what was logged of them."""
    noted: dict[int, dict[str, str]] = defaultdict(dict)
    tagged: dict[int, dict[str, str]] = defaultdict(dict)
    points: dict[int, list[Metric]] = defaultdict(list)
    names = {row.id: row.model_id for row in rows}
    for some in _parts([row.id for row in rows]):
        for table, kept in ((logged_model_params, noted), (logged_model_tags, tagged)):
            for model, key, value in connection.execute(select(table).where(table.c.model.in_(some))):
                kept[model][key] = value
        for row in connection.execute(_POINTS.where(logged_model_latest.c.model.in_(some))):
            points[row.model].append(_point(row, names[row.model]))
    return tuple(
        LoggedModel(
            model_id=row.model_id,
            experiment_id=str(row.experiment),
            name=row.name,
            artifact_uri=row.location,
            creation_timestamp_ms=row.created,
            last_updated_timestamp_ms=row.updated,
            status=cast("ModelStatus", row.status),
            status_message=row.status_message,
            model_type=row.type,
            source_run_id=row.source_run_id,
            creator_id=row.author,
            lifecycle_stage=cast("Lifecycle", row.lifecycle),
            tags=tagged[row.id],
            params=noted[row.id],
            metrics=points[row.id],
        )
        for row in rows
    )


_POINTS: Final = (
    select(logged_model_latest, runs.c.run_id)
    .join_from(logged_model_latest, runs, logged_model_latest.c.run == runs.c.id)
    .order_by(
        logged_model_latest.c.model,
        logged_model_latest.c.key,
        logged_model_latest.c.at,
        logged_model_latest.c.step,
        runs.c.run_id,
    )
)


def _point(row: Row[Any], model_id: str) -> Metric:
    return Metric(
        row.key,
        math.nan if row.nan else row.value,
        row.at,
        row.step,
        model_id=model_id,
        dataset_name=row.dataset_name,
        dataset_digest=row.dataset_digest,
        run_id=row.run_id,
    )


def add_model_points(connection: Connection, run: int, points: Sequence[Metric]) -> None:
    """Enter those of *points* that tell of a logged model for that model too. Raises NotFound."""
    told = [one for one in points if one.model_id]
    if not told:
        return
    ids = {name: logged_model_row(connection, name).id for name in sorted({one.model_id for one in told})}
    rows = [
        {
            "model": ids[one.model_id],
            "key": one.key,
            "run": run,
            "dataset_name": one.dataset_name,
            "dataset_digest": one.dataset_digest,
            "step": one.step,
            "at": one.timestamp,
            "nan": int(math.isnan(one.value)),
            "value": 0.0 if math.isnan(one.value) else one.value,
        }
        for one in told
    ]
    connection.execute(_RENEW_LATEST, rows)


def link_models(connection: Connection, run: int, kind: str, models: Iterable[tuple[str, int]]) -> None:
    """Note which *models* (an id and a step) the run has used, or made; the same again changes nothing."""
    rows = [{"run": run, "kind": kind, "model_id": model, "step": step} for model, step in models]
    if rows:
        connection.execute(_LINK, rows)


def models_of_runs(
    connection: Connection, ids: Sequence[int]
) -> tuple[Mapping[int, Sequence[ModelInput]], Mapping[int, Sequence[ModelOutput]]]:
    """The logged models that the runs *ids* have used, and those that they have made."""
    used: dict[int, list[ModelInput]] = {}
    made: dict[int, list[ModelOutput]] = {}
    for some in _parts(ids):
        found = select(run_models).where(run_models.c.run.in_(some))
        ordered = found.order_by(
            run_models.c.run, run_models.c.kind, run_models.c.step, run_models.c.model_id
        )
        for run, kind, model_id, step in connection.execute(ordered):
            if kind == INPUT:
                used.setdefault(run, []).append(ModelInput(model_id))
            else:
                made.setdefault(run, []).append(ModelOutput(model_id, step))
    return used, made


def _parts(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + _AT_A_TIME] for start in range(0, len(ids), _AT_A_TIME))
