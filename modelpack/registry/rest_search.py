"""The search grammar as an MLflow server takes it, and what of it no server takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.errors import InvalidFilter, shorten
from modelpack.filters import Condition, Key, parse_filter, parse_order
from modelpack.registry.names import is_storable
from modelpack.registry.rest_rows import DIGEST

_TEXT: Final = frozenset({"=", "!=", "LIKE", "ILIKE"})
_LISTED: Final = _TEXT | {"IN", "NOT IN"}
_NUMBER: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Asked:
    """What can be asked of one kind of thing: operators of each key, and keys that it is ordered by."""

    texts: Mapping[str, frozenset[str]]
    numbers: frozenset[str]
    orders: frozenset[str]
    most: int


MODELS: Final = Asked(
    texts={"name": _TEXT},
    numbers=frozenset(),
    orders=frozenset({"name", "timestamp", "last_updated_timestamp", "creation_timestamp"}),
    most=1_000,
)
VERSIONS: Final = Asked(
    texts={"name": _LISTED, "run_id": _LISTED, "source_path": _TEXT},
    numbers=frozenset({"version_number"}),
    orders=frozenset({"name", "version_number", "creation_timestamp", "last_updated_timestamp"}),
    most=10_000,
)


def filter_for(where: str, asked: Asked) -> str:
    """*where* as the server reads it; raises InvalidFilter for what it would not, or would misread."""
    return " AND ".join(_condition(one, asked) for one in parse_filter(where)) if where else ""


def order_for(order_by: Sequence[str], asked: Asked) -> list[str]:
    """*order_by* likewise."""
    orders = parse_order(order_by)
    for order in orders:
        if order.key.entity != "attribute" or order.key.name not in asked.orders:
            raise InvalidFilter(
                f"nothing is ordered by {order.key}; these are: {', '.join(sorted(asked.orders))}"
            )
    return [f"{order.key.name} {'DESC' if order.descending else 'ASC'}" for order in orders]


def require_size(max_results: int, asked: Asked) -> str:
    """*max_results*, if a page may be that long."""
    if not 1 <= max_results <= asked.most:
        raise InvalidFilter(
            f"max_results is {shorten(str(max_results), 40)}; it is between 1 and {asked.most}"
        )
    return str(max_results)


def _condition(one: Condition, asked: Asked) -> str:
    key, operator, value = one.key, one.operator, one.value
    if asked is VERSIONS and key == Key("attribute", "digest"):
        key = Key("tag", DIGEST)
    if key.entity == "tag":
        operators, is_number = _TEXT, False
    elif key.entity == "attribute" and key.name in asked.texts:
        operators, is_number = asked.texts[key.name], False
    elif key.entity == "attribute" and key.name in asked.numbers:
        operators, is_number = _NUMBER, True
    else:
        known = ", ".join([*asked.texts, *sorted(asked.numbers), "tags.KEY"])
        raise InvalidFilter(f"an MLflow server does not search by {key}; it does by {known}")
    if operator not in operators:
        raise InvalidFilter(
            f"an MLflow server does not know {operator} for {key}; it does {', '.join(operators)}"
        )
    written = _number(key, value) if is_number else _value(key, value)
    return f"{_key(key)} {operator} {written}"


def _key(key: Key) -> str:
    if key.entity != "tag":
        return key.name
    if "`" in key.name or not is_storable(key.name):
        raise InvalidFilter(f"an MLflow server cannot be asked for the tag {key}")
    return f"tags.`{key.name}`"


def _number(key: Key, value: object) -> str:
    if not isinstance(value, int) or abs(value) >= 2**63:
        raise InvalidFilter(f"{key} is a whole number, and is compared with one of at most 18 digits")
    return str(value)


def _value(key: Key, value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(_text(key, one) for one in value)})"
    return _text(key, value)


def _text(key: Key, value: object) -> str:
    if not isinstance(value, str) or not is_storable(value):
        raise InvalidFilter(f"{key} is text, and is compared with text in quotes")
    if "'" in value and '"' in value:
        raise InvalidFilter(f"an MLflow server cannot be asked for a text with both kinds of quotes ({key})")
    return f'"{value}"' if "'" in value else f"'{value}'"
