"""Searching experiments: the grammar's tree as SQL, by page."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, cast, select
from sqlalchemy.types import Text

from modelpack.errors import InvalidFilter
from modelpack.filters import Condition, parse_filter, parse_order
from modelpack.registry.claims import number_claim, offset_of, require_storable, text_claim, token_of
from modelpack.tracking.records import ViewType
from modelpack.tracking.tables import experiment_tags, experiments

MOST: Final = 50_000

_TEXTS: Final = {"name": experiments.c.name, "experiment_id": cast(experiments.c.id, Text)}
_NUMBERS: Final = {
    "creation_time": experiments.c.created,
    "created": experiments.c.created,
    "last_update_time": experiments.c.updated,
    "last_updated": experiments.c.updated,
}
_ORDERS: Final = {"name": experiments.c.name, "experiment_id": experiments.c.id, **_NUMBERS}


def search_experiments(
    connection: Connection,
    where: str,
    *,
    view: int,
    order_by: Sequence[str],
    max_results: int,
    page_token: str | None,
) -> tuple[Sequence[Row[Any]], str | None]:
    """The rows of one page, newest first by default, and the token of the next. Raises InvalidFilter."""
    if not 1 <= max_results <= MOST:
        raise InvalidFilter(f"max_results is a number from 1 to {MOST}, not {max_results}")
    offset = offset_of(page_token)
    claims = [_claim(one, connection.dialect.name) for one in parse_filter(where)]
    if view != ViewType.ALL:
        claims.append(experiments.c.lifecycle == ("active" if view == ViewType.ACTIVE_ONLY else "deleted"))
    statement = select(experiments).where(*claims).order_by(*_order(order_by))
    rows = connection.execute(statement.limit(max_results + 1).offset(offset)).all()
    if len(rows) <= max_results:
        return rows, None
    return rows[:max_results], token_of(offset + max_results)


def _claim(condition: Condition, dialect: str) -> ColumnElement[bool]:
    require_storable(condition)
    key = condition.key
    if key.entity == "tag":
        has_tag = select(experiment_tags.c.key).where(
            experiment_tags.c.experiment == experiments.c.id, experiment_tags.c.key == key.name
        )
        if condition.operator == "IS NULL":
            return ~has_tag.exists()
        if condition.operator == "IS NOT NULL":
            return has_tag.exists()
        return has_tag.where(text_claim(experiment_tags.c.value, condition, dialect)).exists()
    if key.entity == "attribute" and key.name in _TEXTS:
        return text_claim(_TEXTS[key.name], condition, dialect)
    if key.entity == "attribute" and key.name in _NUMBERS:
        return number_claim(_NUMBERS[key.name], condition)
    known = ", ".join([*_TEXTS, *_NUMBERS, "tags.KEY"])
    raise InvalidFilter(f"{key} of experiments cannot be searched for; search for {known}")


def _order(order_by: Iterable[str]) -> list[ColumnElement[Any]]:
    order: list[ColumnElement[Any]] = []
    for one in parse_order(order_by):
        if one.key.entity != "attribute" or one.key.name not in _ORDERS:
            raise InvalidFilter(f"no experiments are ordered by {one.key}; order by {', '.join(_ORDERS)}")
        column: ColumnElement[Any] = _ORDERS[one.key.name]
        order.append(column.desc() if one.descending else column.asc())
    if not order:
        order.append(experiments.c.created.desc())
    # What is left undecided is decided the same way every time, or pages would overlap.
    return [*order, experiments.c.id.desc()]
