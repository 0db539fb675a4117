"""One table: which error is which status and body."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from starlette.exceptions import HTTPException

from modelpack import errors
from modelpack.errors import shorten
from modelpack.tracking.server import refusals
from modelpack.tracking.server.errors import Forbidden, Immutable, NotImplementedHere, StoreFull, TooLarge

_LONGEST: Final = 400
"""Characters of a message; what a caller sent is quoted in it, never repeated at length."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What the caller is told. *message* None: say no more than that something failed here."""

    status: int
    code: str
    message: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    closes: bool = False
    """Whether the connection ends with it, for there is more to come that nobody wants."""

    def body(self, request_id: str) -> bytes:
        """The answer's body, in the shape of MLflow's errors."""
        message = self.message or f"the server failed; its log tells more under the request id {request_id}"
        return msgspec.json.encode({"error_code": self.code, "message": message})


TABLE: Final[dict[type[Exception], tuple[int, str]]] = {
    errors.NotFound: (404, "RESOURCE_DOES_NOT_EXIST"),
    errors.AlreadyExists: (400, "RESOURCE_ALREADY_EXISTS"),
    errors.InvalidName: (400, "INVALID_PARAMETER_VALUE"),
    errors.InvalidFilter: (400, "INVALID_PARAMETER_VALUE"),
    errors.InvalidUri: (400, "INVALID_PARAMETER_VALUE"),
    errors.InvalidModel: (400, "INVALID_PARAMETER_VALUE"),
    errors.InvalidSchema: (400, "INVALID_PARAMETER_VALUE"),
    errors.SchemaMismatch: (400, "INVALID_PARAMETER_VALUE"),
    errors.Conflict: (400, "INVALID_PARAMETER_VALUE"),
    errors.Unsupported: (400, "INVALID_PARAMETER_VALUE"),
    errors.Untrusted: (403, "PERMISSION_DENIED"),
    errors.StoreUnavailable: (503, "TEMPORARILY_UNAVAILABLE"),
    StoreFull: (507, "RESOURCE_EXHAUSTED"),
    Immutable: (409, "INVALID_STATE"),
    Forbidden: (403, "PERMISSION_DENIED"),
    TooLarge: (413, "INVALID_PARAMETER_VALUE"),
    NotImplementedHere: (501, "NOT_IMPLEMENTED"),
    refusals.BadRequest: (400, "BAD_REQUEST"),
    refusals.UnsupportedMedia: (415, "BAD_REQUEST"),
    refusals.TooSlow: (408, "BAD_REQUEST"),
    refusals.Elsewhere: (403, "PERMISSION_DENIED"),
    refusals.Unauthenticated: (401, "UNAUTHENTICATED"),
    refusals.TooManyAttempts: (429, "REQUEST_LIMIT_EXCEEDED"),
    refusals.Leaving: (503, "TEMPORARILY_UNAVAILABLE"),
}
"""Looked up along an error's ancestors, nearest first; what is not here is 500 ``INTERNAL_ERROR``.

The codes are MLflow 3.17's, which its clients know. They ask again for minutes after a 500 or a 503.
"""

_CLOSING: Final = (TooLarge, refusals.TooSlow, refusals.UnsupportedMedia)

_ROUTING: Final = {
    404: ("ENDPOINT_NOT_FOUND", "nothing is served at this path"),
    405: ("BAD_REQUEST", "this path does not take this method; the Allow header says which it takes"),
}

_ABSOLUTE_PATH = re.compile(r"(?<![\w/.:])(?:[A-Za-z]:\\|/)(?:[\w.@+-]+[/\\])+[\w.@+-]*")


def problem_of(error: Exception) -> Problem:
    """What to tell the caller about *error*."""
    if isinstance(error, HTTPException):
        code, message = _ROUTING.get(error.status_code, ("BAD_REQUEST", "this request cannot be served"))
        return Problem(error.status_code, code, message, dict(error.headers or {}))
    known = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), None)
    if known is None:
        return Problem(500, "INTERNAL_ERROR")
    return Problem(*known, _without_paths(str(error)), _headers(error), isinstance(error, _CLOSING))


def _without_paths(message: str) -> str:
    """*message* on one line, without the places of files on this machine: they are nobody's business."""
    return shorten(_ABSOLUTE_PATH.sub("(a path)", message), _LONGEST)


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, refusals.Unauthenticated):
        # Basic, so that a browser asks its user; programs send either.
        return {"WWW-Authenticate": 'Basic realm="modelpack", charset="UTF-8"'}
    if isinstance(error, refusals.TooManyAttempts):
        return {"Retry-After": str(error.seconds)}
    return {}
