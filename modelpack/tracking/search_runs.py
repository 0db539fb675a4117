"""Searching runs: the grammar's tree as SQL, by page, and which way to it is short.

A condition on what was logged is met either by looking at each run, newest first, until a page is full, or by
fetching the runs that meet it from an index. The first is quick when many runs meet it, the second when few
do; so the few are counted first, as far as a count is cheap. PostgreSQL counts for itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, Table, and_, func, or_, select

from modelpack.errors import InvalidFilter
from modelpack.filters import Condition, Order, parse_filter, parse_order
from modelpack.registry.claims import number_claim, offset_of, require_storable, text_claim, token_of
from modelpack.tracking.records import ViewType
from modelpack.tracking.search_claims import value_claim
from modelpack.tracking.tables import (
    datasets,
    experiments,
    input_tags,
    inputs,
    latest,
    params,
    run_tags,
    runs,
)

MOST: Final = 50_000
MOST_EXPERIMENTS: Final = 1_000

FEW: Final = 12_000
"""Runs that meet a condition are fetched from its index up to this number; beyond it, runs are looked at."""

_NARROW: Final = 2_000
"""So few are put in order at once. Of more, a page is sooner full by going through an index of the order."""

_TEXTS: Final = {
    "run_id": runs.c.run_id,
    "run_name": runs.c.name,
    "run name": runs.c.name,
    "Run name": runs.c.name,
    "Run Name": runs.c.name,
    "status": runs.c.status,
    "user_id": runs.c.author,
    "artifact_uri": runs.c.location,
}
_NAMES: Final = frozenset(name for name, column in _TEXTS.items() if column.name in ("run_id", "name"))
"""What an index leads to."""
_NUMBERS: Final = {
    "start_time": runs.c.started,
    "created": runs.c.started,
    "Created": runs.c.started,
    "end_time": runs.c.ended,
}
_LAST_BEFORE_A_GAP: Final = frozenset({0xD7FF, 0x10FFFF})
"""After these comes half of a character, or nothing."""
_CONTEXT: Final = "mlflow.data.context"
_NOTES: Final = {"param": params, "tag": run_tags}


def search_runs(
    connection: Connection,
    experiment_ids: Sequence[str],
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
    found, fewest = _claims(connection, where)
    claims = [*_among(experiment_ids, view, are_led_to=fewest is not None), *found]
    orders = parse_order(order_by)
    is_narrow = fewest is not None and fewest <= _NARROW
    rows = _page(connection, claims, orders, max_results + 1, offset, is_narrow=is_narrow)
    if len(rows) <= max_results:
        return rows, None
    return rows[:max_results], token_of(offset + max_results)


def _among(experiment_ids: Sequence[str], view: int, *, are_led_to: bool) -> list[ColumnElement[bool]]:
    """Runs of these experiments that *view* shows; with an experiment that is deleted, so are its runs.

    Runs that *are led to* by an index of something else are not gone through by that of their experiment.
    """
    if len(experiment_ids) > MOST_EXPERIMENTS:
        raise InvalidFilter(f"at most {MOST_EXPERIMENTS} experiments are searched at a time")
    asked = [int(one) for one in experiment_ids if one.isascii() and one.isdigit() and len(one) < 10]
    # SQLite does not know which of its indexes is the shorter way; a sum, it takes none for.
    experiment = runs.c.experiment + 0 if are_led_to else runs.c.experiment
    within = experiment == asked[0] if len(asked) == 1 else experiment.in_(asked)
    hidden = select(experiments.c.id).where(
        experiments.c.id == runs.c.experiment, experiments.c.lifecycle == "deleted"
    )
    if view == ViewType.ALL:
        return [within]
    if view == ViewType.DELETED_ONLY:
        return [within, or_(runs.c.lifecycle == "deleted", hidden.exists())]
    return [within, runs.c.lifecycle == "active", ~hidden.exists()]


@dataclass(frozen=True, slots=True)
class _Logged:
    """A condition on what was logged: *rows* meet it, and *run* is what such a row belongs to."""

    run: ColumnElement[int]
    rows: ColumnElement[bool]
    is_indexed: bool

    def few(self, connection: Connection) -> int | None:
        """How many meet it, where they are so few that they are better fetched than looked for."""
        if not self.is_indexed or connection.dialect.name != "sqlite":
            return None
        some = select(self.run).where(self.rows).limit(FEW + 1).subquery()
        count = connection.execute(select(func.count()).select_from(some)).scalar() or 0
        return count if count <= FEW else None

    def fetched(self) -> ColumnElement[bool]:
        return runs.c.id.in_(select(self.run).where(self.rows))

    def looked_for(self) -> ColumnElement[bool]:
        return select(self.run).where(self.run == runs.c.id, self.rows).exists()


def _claims(connection: Connection, where: str) -> tuple[list[ColumnElement[bool]], int | None]:
    """What *where* says of runs, and about how many meet it, where those are few and have been counted."""
    dialect = connection.dialect.name
    plain: list[ColumnElement[bool]] = []
    logged: list[_Logged] = []
    for condition in parse_filter(where):
        require_storable(condition)
        claim = _claim(condition, dialect)
        if isinstance(claim, _Logged):
            logged.append(claim)
        else:
            plain.append(claim)
    counts = [one.few(connection) for one in logged]
    few = [count for count in counts if count is not None]
    asked = (
        one.looked_for() if count is None else one.fetched()
        for one, count in zip(logged, counts, strict=True)
    )
    # Two conditions seldom hold for the same ones: of runs that meet several, there are fewer yet.
    return [*plain, *asked], min(few) // len(few) ** 2 if few else None


def _claim(condition: Condition, dialect: str) -> "ColumnElement[bool] | _Logged":
    key = condition.key
    match key.entity:
        case "metric":
            return _of_metric(condition)
        case "param" | "tag":
            return _of_note(condition, _NOTES[key.entity], dialect)
        case "dataset":
            return _of_dataset(condition, dialect)
    if key.name in _TEXTS:
        column = _TEXTS[key.name]
        if condition.operator == "=" and key.name in _NAMES:
            named = runs.alias()
            return _Logged(named.c.id, text_claim(named.c[column.name], condition, dialect), is_indexed=True)
        return text_claim(column, condition, dialect)
    if key.name in _NUMBERS:
        return number_claim(_NUMBERS[key.name], condition)
    known = ", ".join([*dict.fromkeys(_TEXTS), *_NUMBERS, "metrics.KEY, params.KEY, tags.KEY, datasets.name"])
    raise InvalidFilter(f"{key} of runs cannot be searched for; search for {known}")


def _of_metric(condition: Condition) -> "ColumnElement[bool] | _Logged":
    table = latest.alias()
    bears = table.c.key == condition.key.name
    any_value = _Logged(table.c.run, bears, is_indexed=False)
    if condition.operator == "IS NULL":
        return ~any_value.looked_for()
    if condition.operator == "IS NOT NULL":
        return any_value
    is_met = and_(bears, value_claim(condition, table.c.nan, table.c.value))
    return _Logged(table.c.run, is_met, is_indexed=condition.operator != "!=")


def _of_note(condition: Condition, notes: Table, dialect: str) -> "ColumnElement[bool] | _Logged":
    table = notes.alias()
    bears = table.c.key == condition.key.name
    if condition.operator == "IS NULL":
        return ~_Logged(table.c.run, bears, is_indexed=False).looked_for()
    if condition.operator == "IS NOT NULL":
        return _Logged(table.c.run, bears, is_indexed=False)
    is_met = and_(bears, text_claim(table.c.value, condition, dialect))
    beginning = _beginning(condition)
    if beginning:
        # Said in a way that an index understands; the end is the first text that is beyond all such.
        is_met = and_(
            is_met, table.c.value >= beginning, table.c.value < beginning[:-1] + _next(beginning[-1])
        )
    return _Logged(table.c.run, is_met, is_indexed=condition.operator == "=" or bool(beginning))


def _beginning(condition: Condition) -> str:
    """What a text begins with that is ``LIKE 'so%'``; nothing where that is not said, or not followed."""
    if condition.operator != "LIKE" or not isinstance(condition.value, str):
        return ""
    beginning = re.match(r"[^%_]*", condition.value)
    text = beginning[0] if beginning else ""
    return text if text and ord(text[-1]) not in _LAST_BEFORE_A_GAP else ""


def _next(character: str) -> str:
    return chr(ord(character) + 1)


def _of_dataset(condition: Condition, dialect: str) -> ColumnElement[bool]:
    key = condition.key
    used = select(inputs.c.run).where(inputs.c.run == runs.c.id)
    if key.name in ("name", "digest"):
        of = used.join_from(inputs, datasets, inputs.c.dataset == datasets.c.id)
        return of.where(text_claim(datasets.c[key.name], condition, dialect)).exists()
    if key.name == "context":
        of = select(input_tags.c.run).where(input_tags.c.run == runs.c.id, input_tags.c.key == _CONTEXT)
        return of.where(text_claim(input_tags.c.value, condition, dialect)).exists()
    raise InvalidFilter(f"{key} cannot be searched for; search for datasets.name, .digest or .context")


def _page(
    connection: Connection,
    claims: Sequence[ColumnElement[bool]],
    orders: Sequence[Order],
    limit: int,
    offset: int,
    *,
    is_narrow: bool,
) -> Sequence[Row[Any]]:
    if not is_narrow and orders and orders[0].key.entity in ("metric", "param", "tag"):
        # Those that have it come first, and an index has them in order. Most pages end before the others.
        first = _ordered(claims, orders, limit, offset, only_with_first=True)
        rows = connection.execute(first).all()
        if len(rows) == limit:
            return rows
    return connection.execute(_ordered(claims, orders, limit, offset)).all()


def _ordered(
    claims: Sequence[ColumnElement[bool]],
    orders: Sequence[Order],
    limit: int,
    offset: int,
    *,
    only_with_first: bool = False,
) -> Select[Any]:
    source: FromClause = runs
    more: list[ColumnElement[bool]] = []
    keys: list[ColumnElement[Any]] = []
    for place, order in enumerate(orders):
        if order.key.entity not in ("metric", "param", "tag"):
            keys.append(_by_attribute(order))
            continue
        table = (latest if order.key.entity == "metric" else _NOTES[order.key.entity]).alias()
        bears = and_(table.c.run == runs.c.id, table.c.key == order.key.name)
        is_first = only_with_first and place == 0
        source = source.join(table, bears, isouter=not is_first)
        value = table.c.value.desc() if order.descending else table.c.value.asc()
        if is_first:
            if order.key.entity == "metric":
                more.append(table.c.nan == 0)
            keys.append(value)
        else:
            # Missing ones last, before them what is no number, in both directions.
            keys.append(table.c.run.is_(None))
            if order.key.entity == "metric":
                keys.append(table.c.nan)
            keys.append(value)
    by_start = () if any(_is_start(one) for one in orders) else (runs.c.started.desc(),)
    found = select(runs).select_from(source).where(*claims, *more)
    return found.order_by(*keys, *by_start, runs.c.run_id).limit(limit).offset(offset)


def _is_start(order: Order) -> bool:
    return order.key.entity == "attribute" and _NUMBERS.get(order.key.name) is runs.c.started


def _by_attribute(order: Order) -> ColumnElement[Any]:
    known: dict[str, ColumnElement[Any]] = {**_TEXTS, **_NUMBERS}
    if order.key.entity != "attribute" or order.key.name not in known:
        raise InvalidFilter(
            f"no runs are ordered by {order.key}; order by metrics.KEY, params.KEY, tags.KEY or an attribute"
        )
    column = known[order.key.name]
    return column.desc() if order.descending else column.asc()
