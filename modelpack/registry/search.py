"""The search grammar's tree, as SQL with bound parameters; and pages of what it finds."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select

from modelpack.errors import InvalidFilter
from modelpack.filters import Condition, Key, parse_filter, parse_order
from modelpack.registry.names import is_storable
from modelpack.registry.tables import model_tags, models, version_tags, versions

_LARGEST: Final = 2**63 - 1
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
    offset = _offset(page_token)
    dialect = connection.dialect.name
    claims = [_claim(condition, searched, dialect) for condition in parse_filter(where)]
    order = [column.desc() if down else column.asc() for column, down in _order(order_by, searched)]
    statement = searched.rows.where(*claims).order_by(*order).limit(max_results + 1).offset(offset)
    rows = connection.execute(statement).all()
    if len(rows) <= max_results:
        return rows, None
    return rows[:max_results], _token(offset + max_results)


def _claim(condition: Condition, searched: Searched, dialect: str) -> ColumnElement[bool]:
    key = condition.key
    if not all(is_storable(text) for text in _texts(condition)):
        raise InvalidFilter(f"{key} is compared with a NUL or half of a character, which nothing here holds")
    if key.entity == "tag":
        return _tag_claim(condition, searched, dialect)
    if key.entity == "attribute" and key.name in searched.texts:
        return _text_claim(searched.texts[key.name], condition, dialect)
    if key.entity == "attribute" and key.name in searched.numbers:
        return _number_claim(searched.numbers[key.name], condition)
    known = [*searched.texts, *searched.numbers, "tags.KEY"]
    raise InvalidFilter(f"{key} cannot be searched for; search for {', '.join(known)}")


def _texts(condition: Condition) -> list[str]:
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    return [condition.key.name, *(value for value in values if isinstance(value, str))]


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
        return ~has_tag.where(tags.c.value == condition.value).exists()
    return has_tag.where(_text_claim(tags.c.value, condition, dialect)).exists()


def _text_claim(column: ColumnElement[Any], condition: Condition, dialect: str) -> ColumnElement[bool]:
    key, operator, value = condition.key, condition.operator, condition.value
    if isinstance(value, tuple) and all(isinstance(one, str) for one in value):
        return column.in_(value) if operator == "IN" else column.not_in(value)
    if not isinstance(value, str) or operator not in (
        "=", "!=", "LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"
    ):  # fmt: skip
        raise InvalidFilter(f"{key} is compared with text in quotes, by = != LIKE ILIKE IN")
    match operator:
        case "=":
            return column == value
        case "!=":
            return column != value
        case "LIKE":
            return _like(column, value, dialect)
        case "NOT LIKE":
            return ~_like(column, value, dialect)
        case "ILIKE":
            return _like_in_any_case(column, value, dialect)
        case _:
            return ~_like_in_any_case(column, value, dialect)


def _like(column: ColumnElement[Any], pattern: str, dialect: str) -> ColumnElement[bool]:
    """``%`` is any text, ``_`` any character, nothing is an escape, and letters are as they are."""
    if dialect != "sqlite":
        return column.like(pattern, escape="")
    # SQLite's LIKE takes A for a; its GLOB does not.
    signs = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return column.bool_op("GLOB")("".join(signs.get(c, c) for c in pattern))


def _like_in_any_case(column: ColumnElement[Any], pattern: str, dialect: str) -> ColumnElement[bool]:
    if dialect != "sqlite":
        return column.ilike(pattern, escape="")
    return column.bool_op("LIKE")(pattern)


def _number_claim(column: ColumnElement[Any], condition: Condition) -> ColumnElement[bool]:
    key, operator = condition.key, condition.operator
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    numbers = [value for value in values if isinstance(value, int) and -_LARGEST <= value <= _LARGEST]
    if len(numbers) < len(values):
        raise InvalidFilter(f"{key} is compared with whole numbers, without quotes")
    match operator:
        case "IN":
            return column.in_(numbers)
        case "NOT IN":
            return column.not_in(numbers)
        case "=":
            return column == numbers[0]
        case "!=":
            return column != numbers[0]
        case "<":
            return column < numbers[0]
        case "<=":
            return column <= numbers[0]
        case ">":
            return column > numbers[0]
        case _:
            return column >= numbers[0]


def _order(order_by: Iterable[str], searched: Searched) -> list[tuple[ColumnElement[Any], bool]]:
    columns: list[tuple[ColumnElement[Any], bool]] = []
    for order in parse_order(order_by):
        if order.key.entity != "attribute" or order.key.name not in searched.orders:
            raise InvalidFilter(f"nothing is ordered by {order.key}; order by {', '.join(searched.orders)}")
        columns.append((searched.orders[order.key.name], order.descending))
    # What is left undecided is decided the same way every time, or pages would overlap.
    taken = {id(column) for column, _ in columns}
    return [*columns, *(pair for pair in searched.default_order if id(pair[0]) not in taken)]


def _token(offset: int) -> str:
    return base64.b64encode(msgspec.json.encode({"offset": offset})).decode()


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        held = msgspec.json.decode(base64.b64decode(token, validate=True), type=dict[str, int])
        offset = held["offset"]
    except (binascii.Error, ValueError, KeyError) as error:
        raise InvalidFilter("the page token is none that a search has given; start without one") from error
    if not 0 <= offset <= _LARGEST // 2:
        raise InvalidFilter("the page token is none that a search has given; start without one")
    return offset
