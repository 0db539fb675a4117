"""One request of the REST API, read: what was asked, by whom, and of what it may be answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from modelpack.errors import InvalidName, shorten

if TYPE_CHECKING:
    from modelpack.tracking.server.parts import Parts

Scope = Literal["read", "write", "admin"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a *name* for the history, and what they may do; without tokens, everything."""

    name: str = ""
    scopes: frozenset[Scope] = frozenset({"read", "write", "admin"})


@dataclass(frozen=True, slots=True)
class Call:
    """What was *given* in the query or the body, in the *path*, and by which *caller*; *parts* answer it.

    Reading is as lenient as MLflow's: fields that are not known are left alone, numbers may come as text.
    What is wrong raises InvalidName in MLflow's words.
    """

    given: Mapping[str, Any]
    path: Mapping[str, str]
    caller: Caller
    parts: "Parts"

    def text(self, name: str, default: str = "") -> str:
        """The text *name*; *default* where it is left out."""
        value = self.given.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise _invalid(name, value)
        return value

    def required(self, name: str) -> str:
        """The text *name*, which must be given and not be empty."""
        value = self.text(name)
        if not value:
            raise missing(name)
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        """The whole number *name*; without a *default* it must be given."""
        value = self.given.get(name)
        if value is None:
            if default is None:
                raise missing(name)
            return default
        return _whole(name, value)

    def optional_whole(self, name: str) -> int | None:
        """The whole number *name*, or None where it is left out."""
        return None if self.given.get(name) is None else _whole(name, self.given[name])

    def claim(self, name: str, *, default: bool = False) -> bool:
        """Whether *name* is said to be so."""
        value = self.given.get(name, default)
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise _invalid(name, value)
        return value

    def texts(self, name: str) -> list[str]:
        """The texts of the list *name*; one text counts as a list of it."""
        value = self.given.get(name)
        found = [value] if isinstance(value, str) else [] if value is None else value
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise _invalid(name, value)
        return found

    def items(self, name: str) -> Sequence[Mapping[str, Any]]:
        """The objects of the list *name*."""
        value = self.given.get(name)
        found = [] if value is None else value
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise _invalid(name, value)
        return found

    def pairs(self, name: str) -> dict[str, str]:
        """The ``{"key": …, "value": …}`` objects of the list *name*; the last of a key holds."""
        found: dict[str, str] = {}
        for place, one in enumerate(self.items(name)):
            key, value = one.get("key", one.get("name")), one.get("value", "")
            if not isinstance(key, str) or not key:
                raise missing(f"{name}[{place}].key")
            if not isinstance(value, str):
                raise _invalid(f"{name}[{place}].value", value)
            found[key] = value
        return found


Handler = Callable[[Call], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What *handle* answers at *path*, below each of PREFIXES unless *path* begins with a slash.

    It runs in a thread, and may wait. *scope* is what its caller must be allowed to do, *largest* the bytes
    that a body may have here, where that is less than elsewhere.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handle: Handler
    scope: Scope
    largest: int | None = None


PREFIXES: Final = ("/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/")
"""The same twice: for programs, and for pages."""


def missing(name: str) -> InvalidName:
    """What to raise when *name* is not there."""
    return InvalidName(
        f"Missing value for required parameter '{shorten(name, 80)}'. See the API docs for more information "
        "about request parameters."
    )


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool):
        raise _invalid(name, value)
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        digits = value.strip()
        if len(digits) <= 20 and digits.lstrip("-").isdecimal() and digits.isascii():
            return int(digits)
    raise _invalid(name, value)


def _invalid(name: str, value: Any) -> InvalidName:
    kind = type(value).__name__
    return InvalidName(
        f"Invalid value {shorten(repr(value), 80)} for parameter '{shorten(name, 80)}' supplied: "
        f"Hint: Value was of type '{kind}'."
    )
