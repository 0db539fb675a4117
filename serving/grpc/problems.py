"""One table: which error is which status of gRPC."""

import grpc

from modelpack.errors import PredictionFailed, SchemaMismatch, StoreUnavailable
from serving import errors
from serving.problems import problem_of

TABLE: dict[type[Exception], grpc.StatusCode] = {
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    SchemaMismatch: grpc.StatusCode.INVALID_ARGUMENT,
    errors.UnknownModel: grpc.StatusCode.NOT_FOUND,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    StoreUnavailable: grpc.StatusCode.UNAVAILABLE,
    errors.BodyTooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.BodyTooSlow: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.DeadlinePassed: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""Looked up along an error's ancestors, nearest first; what is not here is INTERNAL."""

_FAILED = "the server failed; its log tells more under this request id"


def status_of(error: Exception) -> tuple[grpc.StatusCode, str]:
    """The status and the words for the caller; what failed inside is told to the log alone."""
    if isinstance(error, PredictionFailed) and error.blames_input:
        code = grpc.StatusCode.INVALID_ARGUMENT
    else:
        code = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), grpc.StatusCode.INTERNAL)
    if code is grpc.StatusCode.INTERNAL:
        return code, _FAILED
    return code, problem_of(error).message or _FAILED
