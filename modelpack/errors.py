"""The one tree of errors; it knows nothing else, least of all HTTP."""

import difflib
from collections.abc import Iterable

LONGEST_MESSAGE = 300
"""Characters; what a caller sent is quoted, never repeated at length."""


class ModelpackError(Exception):
    """Any failure that this toolkit foresees. The message says what was wanted, what was met, what to do."""


class InvalidUri(ModelpackError, ValueError):
    """A text that means no model."""


class InvalidName(ModelpackError, ValueError):
    """A name, tag, stage or alias outside its grammar."""


class InvalidFilter(ModelpackError, ValueError):
    """A search text outside the grammar."""


class InvalidModel(ModelpackError, ValueError):
    """A model directory that breaks the format."""


class DamagedModel(InvalidModel):
    """A model directory that differs from its manifest.

    *findings* names each difference: ``("changed", "model.skops")``, ``("missing", …)`` or ``("extra", …)``.
    """

    def __init__(self, place: object, findings: Iterable[tuple[str, str]]) -> None:
        self.findings = tuple(findings)
        named = ", ".join(f"{name} is {what}" for what, name in self.findings[:5])
        more = len(self.findings) - 5
        tail = f" and {more} more" if more > 0 else ""
        super().__init__(f"the model at {place} is not what was saved: {named}{tail}; fetch or save it again")


class NotConvertible(ModelpackError):
    """A model that this toolkit cannot write in another form; it stays as it is, and is used so."""


class Uncertified(ModelpackError, ValueError):
    """An input, or a method, for which a model's other form is not proved to answer as the model does."""


class InvalidSchema(ModelpackError, ValueError):
    """A signature that contradicts itself, or that no reader would accept."""


class SchemaMismatch(ModelpackError, ValueError):
    """A value that the signature refuses: where it stands, what was wanted, what was met.

    *row* counts from 0; *column* is the name in the signature. Either is None where it does not apply.
    *what* says where else it stands.
    """

    def __init__(
        self, what: str = "", *, wanted: str, got: str, row: int | None = None, column: str | None = None
    ) -> None:
        self.what, self.row, self.column, self.wanted, self.got = what, row, column, wanted, got
        places = [what] if what else []
        if row is not None:
            places.append(f"row {row}")
        if column is not None:
            places.append(f"column {shorten(repr(column), 60)}")
        where = ", ".join(places) or "input"
        super().__init__(shorten(f"{where}: expected {shorten(wanted, 90)}, got {shorten(got, 90)}"))


class NotFound(ModelpackError, LookupError):
    """A name that nothing bears. *known* holds what exists, *kind* the sort of thing."""

    def __init__(self, kind: str, name: object, *, known: Iterable[object] = (), hint: str = "") -> None:
        self.kind, self.name, self.known = kind, name, tuple(str(one) for one in known)
        near = difflib.get_close_matches(str(name), self.known, n=1)
        text = f"no {kind} {shorten(repr(name), 120)}"
        if near:
            text += f"; did you mean {near[0]!r}?"
        elif self.known:
            text += f"; there {'is' if len(self.known) == 1 else 'are'} {', '.join(self.known[:12])}"
            text += f" and {len(self.known) - 12} more" if len(self.known) > 12 else ""
        tail = f"; {hint}" if hint else ""
        super().__init__(shorten(text, LONGEST_MESSAGE - len(tail)) + tail)


class AlreadyExists(ModelpackError):
    """A name or place that is taken; nothing is ever overwritten."""


class Conflict(ModelpackError):
    """The world moved on: what was expected is no longer so."""


class Unsupported(ModelpackError):
    """Something that the store, or the server behind it, cannot do; the message says what can."""


class Untrusted(ModelpackError, PermissionError):
    """Loading would run code, or build types, that the operator has not allowed.

    *types* names them; *allow* is the flag that would.
    """

    def __init__(self, what: str, *, allow: str, types: Iterable[str] = ()) -> None:
        self.types, self.allow = tuple(types), allow
        super().__init__(f"{what}; if you trust where it comes from, allow it with {allow}")


class MissingDependency(ModelpackError, ImportError):
    """A library that this job needs is not installed; the message has the line that installs it."""

    def __init__(self, what: str, *, package: str, extra: str | None = None) -> None:
        self.package = package
        line = f'pip install "modelpack[{extra}]"' if extra else f"pip install {package}"
        super().__init__(f"{what} needs {package}, which is not installed: {line}")


class PredictionFailed(ModelpackError):
    """The model itself raised. *blames_input* tells whether it called its input wrong."""

    def __init__(self, cause: BaseException) -> None:
        self.blames_input = isinstance(cause, ValueError | TypeError)
        super().__init__(shorten(f"the model raised {type(cause).__name__}: {cause}"))


class StoreUnavailable(ModelpackError, ConnectionError):
    """A database or artifact store that cannot be reached, or is too busy, now."""


class CannotListen(ModelpackError):
    """An address that cannot be bound, or that must not be without the operator's word."""


def shorten(text: str, limit: int = LONGEST_MESSAGE) -> str:
    """*text* on one line, control characters escaped, at most *limit* characters long."""
    head = text[: limit + 1]
    if not head.isprintable():
        head = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in head)
    return head if len(head) <= limit else head[: limit - 1] + "…"
