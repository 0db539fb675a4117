"""Pages of long lists, and addresses that keep what was asked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from modelpack.tracking.ui.asking import Ask

MOST_PAGES = 100_000


@dataclass(frozen=True, slots=True)
class Pager:
    """The *number*-th page of *size* things each, as *ask* has it; *has_next* tells of another behind it."""

    ask: Ask
    size: int
    number: int
    has_next: bool = False

    @classmethod
    def of(cls, ask: Ask, size: int) -> "Pager":
        """The page that *ask* is for."""
        return cls(ask, size, ask.number("page", 1, most=MOST_PAGES))

    @property
    def offset(self) -> int:
        """How many come before it."""
        return (self.number - 1) * self.size

    def before(self, next_token: str | None) -> "Pager":
        """The same, once it is known whether there is more."""
        return replace(self, has_next=next_token is not None)

    @property
    def is_needed(self) -> bool:
        """Whether there is another page at all."""
        return self.number > 1 or self.has_next

    def address(self, number: int) -> str:
        """Where another page is."""
        return here(self.ask, page=str(number) if number > 1 else None)


def here(ask: Ask, **changes: str | Sequence[str] | None) -> str:
    """This page with other words in its query; None takes one away. What was *told* once is left out."""
    query: dict[str, Sequence[str]] = {
        name: values for name, values in ask.query.items() if name not in changes and name != "told"
    }
    for name, value in changes.items():
        if value is not None:
            query[name] = [value] if isinstance(value, str) else value
    return f"{ask.place}?{urlencode(query, doseq=True)}" if query else ask.place


def with_query(place: str, **words: str) -> str:
    """*place* with *words* in its query."""
    return f"{place}?{urlencode(words)}" if words else place


def contains(key: str, wanted: str) -> str:
    """A search for things whose *key* contains *wanted*, in whatever letter case."""
    if not wanted:
        return ""
    quoted = wanted.replace("'", "''")
    return f"{key} ILIKE '%{quoted}%'"
