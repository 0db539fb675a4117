"""The search grammar: text to a small tree.

::

    filter    := condition (AND condition)*
    condition := key (= != < <= > >=) value | key [NOT] LIKE text | key [NOT] ILIKE text
               | key [NOT] IN (value, …) | key IS [NOT] NULL
    key       := [entity .] name            name := plain | `back ticks` | "double quotes"
    value     := 'text' | "text" | number   a quote inside text is doubled

It is MLflow 3.17's, with ``NOT LIKE`` and ``NOT ILIKE`` besides. Which keys exist, and which operators suit
them, is for the searched thing to say.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from modelpack.errors import InvalidFilter, shorten

Entity = Literal["attribute", "metric", "param", "tag", "dataset"]
Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE", "IN", "NOT IN", "IS NULL",
    "IS NOT NULL",
]  # fmt: skip
Value = str | int | float

LONGEST: Final = 50_000
"""Characters of a filter."""
MOST_CONDITIONS: Final = 100
MOST_CHOICES: Final = 1_000
"""Values in one ``IN (…)``."""
MOST_ORDERS: Final = 10

_ENTITIES: Final[dict[str, Entity]] = {
    "attribute": "attribute", "attributes": "attribute", "attr": "attribute", "run": "attribute",
    "metric": "metric", "metrics": "metric",
    "param": "param", "params": "param", "parameter": "param", "parameters": "param",
    "tag": "tag", "tags": "tag",
    "dataset": "dataset", "datasets": "dataset",
}  # fmt: skip

_COMPARISONS: Final[dict[str, Operator]] = {
    "=": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="
}  # fmt: skip
_WORDED: Final[dict[tuple[str, ...], Operator]] = {
    ("LIKE",): "LIKE",
    ("NOT", "LIKE"): "NOT LIKE",
    ("ILIKE",): "ILIKE",
    ("NOT", "ILIKE"): "NOT ILIKE",
    ("IN",): "IN",
    ("NOT", "IN"): "NOT IN",
    ("IS", "NULL"): "IS NULL",
    ("IS", "NOT", "NULL"): "IS NOT NULL",
}

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<single>'(?:[^']|'')*')
      | (?P<double>"(?:[^"]|"")*")
      | (?P<back>`[^`]*`)
      | (?P<comparison><=|>=|!=|=|<|>)
      | (?P<mark>[(),])
      | (?P<word>[^\s'"`=!<>(),]+)
      | (?P<end>\Z)
    )""",
    re.VERBOSE | re.ASCII,
)
_NUMBER = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,4})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Key:
    """What is looked at: ``tags.team`` is ``Key("tag", "team")``; a bare name is an attribute."""

    entity: Entity
    name: str

    def __str__(self) -> str:
        return shorten(self.name if self.entity == "attribute" else f"{self.entity}s.{self.name}", 80)


@dataclass(frozen=True, slots=True)
class Condition:
    """One claim. *value* is a tuple for ``IN`` and ``NOT IN``, and None for ``IS [NOT] NULL``."""

    key: Key
    operator: Operator
    value: Value | tuple[Value, ...] | None


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an ordering."""

    key: Key
    descending: bool = False


def parse_filter(text: str) -> tuple[Condition, ...]:
    """The conditions that *text* joins by AND, none for an empty text. Raises InvalidFilter."""
    if not text:
        return ()
    _require_length(text)
    reader = _Reader(text)
    conditions = [_condition(reader)]
    while not reader.is_at_end:
        if not reader.take_word("AND"):
            raise reader.error("AND (no OR, no parentheses)")
        conditions.append(_condition(reader))
        if len(conditions) > MOST_CONDITIONS:
            raise InvalidFilter(f"a filter holds at most {MOST_CONDITIONS} conditions")
    return tuple(conditions)


def parse_order(texts: Iterable[str]) -> tuple[Order, ...]:
    """Each of *texts* is a key, with ``ASC`` or ``DESC`` behind it or not. Raises InvalidFilter."""
    orders: list[Order] = []
    for text in texts:
        if len(orders) == MOST_ORDERS:
            raise InvalidFilter(f"an order holds at most {MOST_ORDERS} keys")
        _require_length(text)
        order = _order(_Reader(text))
        if any(order.key == other.key for other in orders):
            raise InvalidFilter(f"the order names {order.key} twice")
        orders.append(order)
    return tuple(orders)


def _require_length(text: str) -> None:
    if len(text) > LONGEST:
        raise InvalidFilter(f"a filter holds at most {LONGEST} characters, not {len(text)}")


def _order(reader: "_Reader") -> Order:
    key = _key(reader)
    descending = reader.take_word("DESC")
    if not descending:
        reader.take_word("ASC")
    if not reader.is_at_end:
        raise reader.error("ASC, DESC or nothing behind the key")
    return Order(key, descending)


def _condition(reader: "_Reader") -> Condition:
    key = _key(reader)
    operator = _operator(reader)
    if operator in ("IS NULL", "IS NOT NULL"):
        return Condition(key, operator, None)
    if operator in ("IN", "NOT IN"):
        return Condition(key, operator, _choices(reader))
    value = _value(reader)
    if "LIKE" in operator and not isinstance(value, str):
        raise InvalidFilter(f"{key} {operator} wants text in quotes")
    return Condition(key, operator, value)


def _key(reader: "_Reader") -> Key:
    kind, text = reader.take()
    if kind in ("back", "double"):
        return Key("attribute", _unquoted(text))
    if kind != "word":
        raise reader.error("a key such as name or tags.team", taken=True)
    head, dot, rest = text.partition(".")
    if not dot:
        return Key("attribute", text)
    entity = _ENTITIES.get(head.lower())
    if entity is None:
        raise reader.error("attributes, metrics, params, tags or datasets before the dot", taken=True)
    if rest:
        return Key(entity, rest)
    kind, text = reader.take()
    if kind not in ("back", "double") or len(text) < len("`k`"):
        raise reader.error("a name behind the dot", taken=True)
    return Key(entity, _unquoted(text))


def _operator(reader: "_Reader") -> Operator:
    kind, text = reader.take()
    if kind == "comparison":
        return _COMPARISONS[text]
    words: tuple[str, ...] = ()
    while kind == "word":
        words = (*words, text.upper())
        if words in _WORDED:
            return _WORDED[words]
        if not any(known[: len(words)] == words for known in _WORDED):
            break
        kind, text = reader.take()
    raise reader.error("an operator: = != < <= > >= LIKE ILIKE IN IS NULL", taken=True)


def _choices(reader: "_Reader") -> tuple[Value, ...]:
    if reader.take() != ("mark", "("):
        raise reader.error("( behind IN", taken=True)
    choices = [_value(reader)]
    while True:
        token = reader.take()
        if token == ("mark", ")"):
            return tuple(choices)
        if token != ("mark", ","):
            raise reader.error("a , or ) in the list", taken=True)
        choices.append(_value(reader))
        if len(choices) > MOST_CHOICES:
            raise InvalidFilter(f"a list holds at most {MOST_CHOICES} values")


def _value(reader: "_Reader") -> Value:
    kind, text = reader.take()
    if kind in ("single", "double"):
        return _unquoted(text)
    if kind != "word" or not _NUMBER.fullmatch(text):
        raise reader.error("a number, or text in quotes", taken=True)
    if _WHOLE.fullmatch(text):
        return int(text)
    number = float(text)
    if math.isinf(number):
        raise reader.error("a number in range", taken=True)
    return number


def _unquoted(text: str) -> str:
    quote = text[0]
    return text[1:-1].replace(quote * 2, quote)


class _Reader:
    """The tokens of a text, one after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str, int]] = []
        self._next = self._taken = 0
        place = 0
        while not self._tokens or self._tokens[-1][0] != "end":
            found = _TOKEN.match(text, place)
            if found is None or found.lastgroup is None:
                self._tokens = [("end", "", place)]
                raise self.error("the end of a quote, or no such sign")
            self._tokens.append((found.lastgroup, found[found.lastgroup], found.start(found.lastgroup)))
            place = found.end()

    @property
    def is_at_end(self) -> bool:
        return self._tokens[self._next][0] == "end"

    def take(self) -> tuple[str, str]:
        """The next token's kind and text; the end comes again and again."""
        self._taken = self._next
        kind, text, _ = self._tokens[self._next]
        if kind != "end":
            self._next += 1
        return kind, text

    def take_word(self, word: str) -> bool:
        """Step over *word*, in any letter case, if it is next."""
        kind, text, _ = self._tokens[self._next]
        is_next = kind == "word" and text.upper() == word
        self._next += is_next
        return is_next

    def error(self, wanted: str, *, taken: bool = False) -> InvalidFilter:
        """What to raise at the next token, or at the one *taken* last."""
        place = self._tokens[self._taken if taken else self._next][2]
        met = repr(shorten(self._text[place:], 40)) if place < len(self._text) else "the end"
        return InvalidFilter(f"the search text is wrong at character {place + 1}: wanted {wanted}; met {met}")
