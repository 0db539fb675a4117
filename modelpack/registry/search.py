"""The search grammar's tree, as SQL with bound parameters; and pages of what it finds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select

from modelpack.errors import InvalidFilter
from modelpack.filters import Condition, Key, parse_filter, parse_order
from modelpack.registry.claims import number_claim, offset_of, require_storable, text_claim, token_of
from modelpack.registry.tables import model_tags, models, version_tags, versions

_IS_PROMPT: Final = Key("tag", "mlflow.prompt.is_prompt")


@dataclass(frozen=True, slots=True)
class Searched:
    """What can be asked of one table: *texts* and *numbers* by MLflow's names for them, and tags."""

    rows: Select[Any]
    texts: Mapping[str, ColumnElement[Any]]
    numbers: Mapping[str, ColumnElement[Any]]
    orders: Mapping[str, ColumnElement[Any]]
    default_order: tuple[tuple[ColumnElement[Any], bool], ...]
    tags: Table
    bears: ColumnElement[bool]
    most: int


MODELS: Final = Searched(
    rows=select(models),
    texts={"name": models.c.name},
    numbers={"creation_timestamp": models.c.created, "last_updated_timestamp": models.c.updated},
    orders={
        "name": models.c.name,
        "timestamp": models.c.updated,
        "last_updated_timestamp": models.c.updated,
        "creation_timestamp": models.c.created,
    },
    default_order=((models.c.name, False),),
    tags=model_tags,
    bears=model_tags.c.model == models.c.id,
    most=1_000,
)

VERSIONS: Final = Searched(
    rows=select(versions, models.c.name).join_from(versions, models),
    texts={
        "name": models.c.name,
        "run_id": versions.c.run_id,
        "source_path": versions.c.source,
        # Not in MLflow.
        "stage": versions.c.stage,
        "digest": versions.c.digest,
        "model_id": versions.c.model_id,
    },
    numbers={
        "version_number": versions.c.number,
        "creation_timestamp": versions.c.created,
        "last_updated_timestamp": versions.c.updated,
    },
    orders={
        "name": models.c.name,
        "version_number": versions.c.number,
        "creation_timestamp": versions.c.created,
        "last_updated_timestamp": versions.c.updated,
    },
    default_order=((versions.c.updated, True), (models.c.name, False), (versions.c.number, True)),
    tags=version_tags,
    bears=(version_tags.c.model == versions.c.model) & (version_tags.c.number == versions.c.number),
    most=200_000,
)


def search(
    connection: Connection,
    searched: Searched,
    where: str,
    *,
    order_by: Sequence[str],
    max_results: int,
    page_token: str | None,
) -> tuple[Sequence[Row[Any]], str | None]:
    """The rows of one page, and the token of the next. Raises InvalidFilter for what cannot be asked."""
    if not 1 <= max_results <= searched.most:
        raise InvalidFilter(f"max_results is a number from 1 to {searched.most}, not {max_results}")
    offset = offset_of(page_token)
    dialect = connection.dialect.name
    claims = [_claim(condition, searched, dialect) for condition in parse_filter(where)]
    order = [column.desc() if down else column.asc() for column, down in _order(order_by, searched)]
    statement = searched.rows.where(*claims).order_by(*order).limit(max_results + 1).offset(offset)
    rows = connection.execute(statement).all()
    if len(rows) <= max_results:
        return rows, None
    return rows[:max_results], token_of(offset + max_results)


def _claim(condition: Condition, searched: Searched, dialect: str) -> ColumnElement[bool]:
    key = condition.key
    require_storable(condition)
    if key.entity == "tag":
        return _tag_claim(condition, searched, dialect)
    if key.entity == "attribute" and key.name in searched.texts:
        return text_claim(searched.texts[key.name], condition, dialect)
    if key.entity == "attribute" and key.name in searched.numbers:
        return number_claim(searched.numbers[key.name], condition)
    known = [*searched.texts, *searched.numbers, "tags.KEY"]
    raise InvalidFilter(f"{key} cannot be searched for; search for {', '.join(known)}")


def _tag_claim(condition: Condition, searched: Searched, dialect: str) -> ColumnElement[bool]:
    tags = searched.tags
    has_tag = select(tags.c.key).where(searched.bears, tags.c.key == condition.key.name)
    if condition.operator == "IS NULL":
        return ~has_tag.exists()
    if condition.operator == "IS NOT NULL":
        return has_tag.exists()
    if condition.key == _IS_PROMPT and condition.operator == "!=":
        # MLflow's clients add this to every search, to hide prompts. As for any other tag it would find
        # only what bears the tag, that is nothing at all.
        shown = replace(condition, operator="=")
        return ~has_tag.where(text_claim(tags.c.value, shown, dialect)).exists()
    return has_tag.where(text_claim(tags.c.value, condition, dialect)).exists()


def _order(order_by: Iterable[str], searched: Searched) -> list[tuple[ColumnElement[Any], bool]]:
    columns: list[tuple[ColumnElement[Any], bool]] = []
    for order in parse_order(order_by):
        if order.key.entity != "attribute" or order.key.name not in searched.orders:
            raise InvalidFilter(f"nothing is ordered by {order.key}; order by {', '.join(searched.orders)}")
        columns.append((searched.orders[order.key.name], order.descending))
    # What is left undecided is decided the same way every time, or pages would overlap.
    taken = {id(column) for column, _ in columns}
    return [*columns, *(pair for pair in searched.default_order if id(pair[0]) not in taken)]
