"""One table: which error is which status and body."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from starlette.exceptions import HTTPException

from modelpack.errors import (
    MissingDependency,
    PredictionFailed,
    SchemaMismatch,
    StoreUnavailable,
    shorten,
)
from serving import contract, errors


@dataclass(frozen=True, slots=True)
class Problem:
    """What the caller is told. *message* None: say no more than that something failed here."""

    status: int
    code: str
    message: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    closes: bool = False

    def body(self, request_id: str, *, path: str = "") -> bytes:
        """The answer's body, in the shape of MLflow's errors; at a *path* of ``/v2`` in its protocol's."""
        message = self.message or "the server failed; its log tells more under this request id"
        if path == contract.V2 or path.startswith(f"{contract.V2}/"):
            return orjson.dumps({"error": message})
        return orjson.dumps({"error_code": self.code, "message": message, "request_id": request_id})


TABLE: dict[type[Exception], tuple[int, str]] = {
    errors.InvalidRequest: (400, "BAD_REQUEST"),
    SchemaMismatch: (400, "INVALID_PARAMETER_VALUE"),
    errors.UnsupportedMedia: (415, "BAD_REQUEST"),
    errors.UnsupportedEncoding: (415, "BAD_REQUEST"),
    errors.BodyTooLarge: (413, "BAD_REQUEST"),
    errors.BodyTooSlow: (408, "BAD_REQUEST"),
    errors.HostRefused: (403, "PERMISSION_DENIED"),
    errors.UnknownModel: (404, "RESOURCE_DOES_NOT_EXIST"),
    errors.Unavailable: (503, "TEMPORARILY_UNAVAILABLE"),
    errors.DeadlinePassed: (504, "DEADLINE_EXCEEDED"),
    errors.UnencodableResult: (500, "INTERNAL_ERROR"),
    StoreUnavailable: (503, "TEMPORARILY_UNAVAILABLE"),
    MissingDependency: (500, "INTERNAL_ERROR"),
}
"""Looked up along an error's ancestors, nearest first; what is not here is 500 ``INTERNAL_ERROR``.

The codes are MLflow 3.17's, which its clients know.
"""

_CLOSING = (errors.BodyTooLarge, errors.BodyTooSlow)

_ROUTING = {
    404: ("ENDPOINT_NOT_FOUND", "nothing is served at this path; /docs says what is"),
    405: ("BAD_REQUEST", "this path does not take this method; the Allow header says which it takes"),
}

_ABSOLUTE_PATH = re.compile(r"(?<![\w/.:])(?:[A-Za-z]:\\|/)(?:[\w.@+-]+[/\\])+[\w.@+-]*")


def problem_of(error: Exception, *, media_types: tuple[str, ...] = ()) -> Problem:
    """What to tell the caller about *error*."""
    if isinstance(error, HTTPException):
        code, message = _ROUTING.get(error.status_code, ("BAD_REQUEST", "this request cannot be served"))
        return Problem(error.status_code, code, message, dict(error.headers or {}))
    if isinstance(error, PredictionFailed) and error.blames_input:
        return Problem(400, "BAD_REQUEST", without_paths(str(error)))
    known = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), None)
    if known is None or known[0] == 500:
        return Problem(500, "INTERNAL_ERROR")
    closes = isinstance(error, _CLOSING)
    return Problem(*known, without_paths(str(error)), _headers(error, media_types), closes)


def is_fault(error: Exception) -> bool:
    """Whether *error* is the server's or the model's own, and belongs in the log with its traceback."""
    return problem_of(error).status == 500


def without_paths(message: str) -> str:
    """*message* on one line, without the places of files on this machine: they are nobody's business."""
    return shorten(_ABSOLUTE_PATH.sub("(a path)", message))


def _headers(error: Exception, media_types: tuple[str, ...]) -> dict[str, str]:
    if isinstance(error, errors.Unavailable):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, errors.UnsupportedMedia):
        return {"Accept": ", ".join(error.accept or media_types)}
    if isinstance(error, errors.UnsupportedEncoding):
        return {"Accept-Encoding": "gzip, identity"}
    return {}
