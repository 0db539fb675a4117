"""Searching logged models: the grammar's tree as SQL, by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Connection, Row, Select, Subquery, and_, func, or_, select

from modelpack.errors import InvalidFilter, shorten
from modelpack.filters import Condition, parse_filter
from modelpack.registry.claims import number_claim, require_storable, text_claim
from modelpack.registry.names import is_storable
from modelpack.tracking.rules import model_status
from modelpack.tracking.search_claims import value_claim
from modelpack.tracking.search_runs import MOST, MOST_EXPERIMENTS
from modelpack.tracking.tables import (
    logged_model_latest,
    logged_model_params,
    logged_model_tags,
    logged_models,
    runs,
)

MOST_DATASETS: Final = 100
MOST_ORDERS: Final = 10

_TEXTS: Final = {
    "name": logged_models.c.name,
    "model_id": logged_models.c.model_id,
    "model_type": logged_models.c.type,
    "status": logged_models.c.status,
    "source_run_id": logged_models.c.source_run_id,
    "artifact_location": logged_models.c.location,
}
_NUMBERS: Final = {
    "creation_timestamp": logged_models.c.created,
    "creation_timestamp_ms": logged_models.c.created,
    "creation_time": logged_models.c.created,
    "last_updated_timestamp": logged_models.c.updated,
    "last_updated_timestamp_ms": logged_models.c.updated,
}
_OPTIONAL: Final = frozenset({"model_type", "source_run_id"})
"""Empty stands for not given, which differs from nothing and comes last."""
_NOTES: Final = {"param": logged_model_params, "tag": logged_model_tags}


@dataclass(frozen=True, slots=True)
class DatasetFilter:
    """A dataset by name, and by digest where that is given."""

    dataset_name: str
    dataset_digest: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """From MLflow's message. Raises InvalidFilter."""
        name = _text(told, "dataset_name")
        if not name:
            raise InvalidFilter("`dataset_name` in the `datasets` clause must be specified.")
        return cls(name, _text(told, "dataset_digest"))


@dataclass(frozen=True, slots=True)
class ModelOrder:
    """One key of an order: an attribute, or ``metrics.KEY``, on one dataset where that is given."""

    field_name: str
    ascending: bool = True
    dataset_name: str = ""
    dataset_digest: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """From MLflow's message. Raises InvalidFilter."""
        ascending = told.get("ascending")
        if ascending not in (None, True, False):
            raise InvalidFilter("`ascending` in an order is true or false")
        return cls(
            _text(told, "field_name"),
            ascending is None or bool(ascending),
            _text(told, "dataset_name"),
            _text(told, "dataset_digest"),
        )


def _text(told: Mapping[str, Any], name: str) -> str:
    text = told.get(name)
    if text is None:
        return ""
    if not isinstance(text, str) or not is_storable(text):
        raise InvalidFilter(f"`{name}` is text that a database can hold, not {shorten(repr(text), 60)}")
    return text


def search_logged_models(
    connection: Connection,
    experiment_ids: Sequence[str],
    where: str,
    *,
    datasets: Sequence[DatasetFilter],
    order_by: Sequence[ModelOrder],
    max_results: int,
    offset: int,
) -> Sequence[Row[Any]]:
    """The rows of one page, and one more where there is more. Raises InvalidFilter."""
    if not 1 <= max_results <= MOST:
        raise InvalidFilter(f"max_results is a number from 1 to {MOST}, not {max_results}")
    if len(experiment_ids) > MOST_EXPERIMENTS:
        raise InvalidFilter(f"at most {MOST_EXPERIMENTS} experiments are searched at a time")
    asked = [int(one) for one in experiment_ids if one.isascii() and one.isdigit() and len(one) < 10]
    claims = [logged_models.c.experiment.in_(asked), logged_models.c.lifecycle == "active"]
    claims += _claims(where, datasets, connection.dialect.name)
    found = _ordered(select(logged_models).where(*claims), order_by)
    return connection.execute(found.limit(max_results + 1).offset(offset)).all()


def _claims(where: str, datasets: Sequence[DatasetFilter], dialect: str) -> list[ColumnElement[bool]]:
    on = _on_any(datasets)
    conditions = parse_filter(where)
    claims = [_claim(one, on, dialect) for one in conditions]
    if on is not None and not any(one.key.entity == "metric" for one in conditions):
        measured = select(logged_model_latest.c.model).where(
            logged_model_latest.c.model == logged_models.c.id, on
        )
        claims.append(measured.exists())
    return claims


def _on_any(datasets: Sequence[DatasetFilter]) -> ColumnElement[bool] | None:
    if len(datasets) > MOST_DATASETS:
        raise InvalidFilter(f"at most {MOST_DATASETS} datasets are searched for at a time")
    several = [and_(*_on(one.dataset_name, one.dataset_digest)) for one in datasets]
    return or_(*several) if several else None


def _on(name: str, digest: str) -> list[ColumnElement[bool]]:
    claims = []
    if name:
        claims.append(logged_model_latest.c.dataset_name == name)
    if digest:
        claims.append(logged_model_latest.c.dataset_digest == digest)
    return claims


def _claim(condition: Condition, on: ColumnElement[bool] | None, dialect: str) -> ColumnElement[bool]:
    require_storable(condition)
    key = condition.key
    match key.entity:
        case "metric":
            return _metric_claim(condition, on)
        case "param" | "tag":
            return _note_claim(condition, dialect)
    if key.entity == "attribute" and key.name == "status":
        return text_claim(_TEXTS["status"], _with_whole_statuses(condition), dialect)
    if key.entity == "attribute" and key.name in _TEXTS:
        claim = text_claim(_TEXTS[key.name], condition, dialect)
        return and_(_TEXTS[key.name] != "", claim) if key.name in _OPTIONAL else claim
    if key.entity == "attribute" and key.name in _NUMBERS:
        return number_claim(_NUMBERS[key.name], condition)
    known = ", ".join([*_TEXTS, *_NUMBERS, "metrics.KEY, params.KEY, tags.KEY"])
    raise InvalidFilter(f"{key} of logged models cannot be searched for; search for {known}")


def _with_whole_statuses(condition: Condition) -> Condition:
    """The same with LOGGED_MODEL_READY where it says READY, as MLflow's clients call it."""
    value = condition.value
    if isinstance(value, str):
        return replace(condition, value=model_status(value) or value)
    if isinstance(value, tuple):
        names = tuple((model_status(one) or one) if isinstance(one, str) else one for one in value)
        return replace(condition, value=names)
    return condition


def _metric_claim(condition: Condition, on: ColumnElement[bool] | None) -> ColumnElement[bool]:
    table = logged_model_latest
    bears = select(table.c.model).where(
        table.c.model == logged_models.c.id, table.c.key == condition.key.name
    )
    if on is not None:
        bears = bears.where(on)
    if condition.operator == "IS NULL":
        return ~bears.exists()
    if condition.operator == "IS NOT NULL":
        return bears.exists()
    return bears.where(value_claim(condition, table.c.nan, table.c.value)).exists()


def _note_claim(condition: Condition, dialect: str) -> ColumnElement[bool]:
    table = _NOTES[condition.key.entity]
    bears = select(table.c.model).where(
        table.c.model == logged_models.c.id, table.c.key == condition.key.name
    )
    if condition.operator == "IS NULL":
        return ~bears.exists()
    if condition.operator == "IS NOT NULL":
        return bears.exists()
    return bears.where(text_claim(table.c.value, condition, dialect)).exists()


def _ordered(found: Select[Any], order_by: Sequence[ModelOrder]) -> Select[Any]:
    if len(order_by) > MOST_ORDERS:
        raise InvalidFilter(f"an order holds at most {MOST_ORDERS} keys")
    known: Mapping[str, ColumnElement[Any]] = {**_TEXTS, **_NUMBERS}
    keys: list[ColumnElement[Any]] = []
    for one in order_by:
        entity, dot, name = one.field_name.partition(".")
        if dot and entity == "metrics" and name:
            newest = _newest(name.strip("`"), one)
            found = found.outerjoin(newest, newest.c.model == logged_models.c.id)
            # Missing ones last, before them what is no number, in both directions.
            keys += [newest.c.model.is_(None), newest.c.nan, _turned(newest.c.value, one)]
        elif one.field_name in known:
            if one.field_name in _OPTIONAL:
                keys.append(known[one.field_name] == "")
            keys.append(_turned(known[one.field_name], one))
        else:
            raise InvalidFilter(
                f"Invalid order by field name: {shorten(one.field_name, 80)}. Order by metrics.KEY, "
                f"{', '.join(known)}"
            )
    # What is left undecided is decided the same way every time, or pages would overlap.
    return found.order_by(*keys, logged_models.c.created.desc(), logged_models.c.model_id)


def _newest(key: str, order: ModelOrder) -> Subquery:
    """Of each model the newest point of *key*, in whichever run."""
    table = logged_model_latest
    place = func.row_number().over(
        partition_by=table.c.model, order_by=[table.c.at.desc(), table.c.step.desc(), runs.c.run_id]
    )
    ranked = (
        select(table.c.model, table.c.nan, table.c.value, place.label("place"))
        .join_from(table, runs, table.c.run == runs.c.id)
        .where(table.c.key == key, *_on(order.dataset_name, order.dataset_digest))
        .subquery()
    )
    return select(ranked).where(ranked.c.place == 1).subquery()


def _turned(column: ColumnElement[Any], order: ModelOrder) -> ColumnElement[Any]:
    return column.asc() if order.ascending else column.desc()
