"""One request for a page, read: what was asked and sent, by whom, and of what it may be answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

from modelpack.errors import InvalidName, shorten
from modelpack.tracking.server.call import Caller, Scope
from modelpack.tracking.server.parts import Parts

Fields = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request. *place* is its path without the query, *address* how the browser names this server.

    *path* holds the parts of the path that vary, *query* and *form* what was given in either; *token* must
    come back with every form. *now* is in milliseconds since 1970, UTC.
    """

    parts: Parts
    caller: Caller
    place: str
    address: str
    token: str
    now: int
    path: Mapping[str, str] = field(default_factory=dict)
    query: Fields = field(default_factory=dict)
    form: Fields = field(default_factory=dict)

    def one(self, name: str, default: str = "") -> str:
        """What the query says of *name*: the first time."""
        return next(iter(self.query.get(name, ())), default)

    def several(self, name: str) -> tuple[str, ...]:
        """All that the query says of *name*, each once."""
        return tuple(dict.fromkeys(self.query.get(name, ())))

    def number(self, name: str, default: int, *, most: int) -> int:
        """The number from 1 to *most* that the query says; *default* for anything else."""
        text = self.one(name)
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            return default
        return min(max(int(text), 1), most)

    def sent(self, name: str, default: str = "") -> str:
        """What the form says of *name*."""
        return next(iter(self.form.get(name, ())), default)

    @property
    def version(self) -> int:
        """The number of a version in the path. Raises InvalidName for what is none."""
        text = self.path["version"]
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise InvalidName(f"{shorten(repr(text), 60)} is no version; versions are numbers, from 1 on")
        return int(text)

    @property
    def may_write(self) -> bool:
        """Whether its sender may change things."""
        return "write" in self.caller.scopes

    @property
    def target(self) -> str:
        """The path and the query."""
        return f"{self.place}?{urlencode(self.query, doseq=True)}" if self.query else self.place


Method = Literal["GET", "POST"]

__all__ = ["Ask", "Fields", "Method", "Scope"]
