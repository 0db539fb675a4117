"""One condition of a search as SQL with bound parameters, and the tokens of pages."""

import base64
import binascii
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement

from modelpack.errors import InvalidFilter
from modelpack.filters import Condition
from modelpack.registry.names import is_storable

_LARGEST: Final = 2**63 - 1


def require_storable(condition: Condition) -> None:
    """Raise InvalidFilter for a *condition* with text that no database can hold."""
    if not all(is_storable(text) for text in _texts(condition)):
        raise InvalidFilter(
            f"{condition.key} is compared with a NUL or half of a character, which nothing here holds"
        )


def text_claim(column: ColumnElement[Any], condition: Condition, dialect: str) -> ColumnElement[bool]:
    """What *condition* says of a *column* of text. Raises InvalidFilter where it says nothing of text."""
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


def number_claim(column: ColumnElement[Any], condition: Condition) -> ColumnElement[bool]:
    """What *condition* says of a *column* of whole numbers. Raises InvalidFilter for other values."""
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


def token_of(offset: int) -> str:
    """The token of the page that begins at *offset*, as MLflow writes it."""
    return base64.b64encode(msgspec.json.encode({"offset": offset})).decode()


def offset_of(token: str | None) -> int:
    """Where the page of *token* begins; 0 without one. Raises InvalidFilter for what is no token."""
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


def _texts(condition: Condition) -> list[str]:
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    return [condition.key.name, *(value for value in values if isinstance(value, str))]
