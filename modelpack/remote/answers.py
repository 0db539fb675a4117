"""What another machine answers: a no, or bytes of a file."""

from collections.abc import Iterator
from dataclasses import dataclass

from modelpack.errors import ModelpackError, shorten


class Refused(ModelpackError):
    """The server said no: *status* of HTTP, and *code* of MLflow, such as ``RESOURCE_DOES_NOT_EXIST``."""

    def __init__(self, server: object, what: str, *, status: int, code: str, message: str) -> None:
        self.status, self.code, self.said = status, code, message
        told = f"{shorten(code, 60)}: {shorten(message, 120)}" if code else f"HTTP status {status}"
        super().__init__(shorten(f"{shorten(str(server), 80)} refused {what}: {told}"))


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a file from *start* on, in *chunks*; *tag* changes when the file does, empty if unknown."""

    start: int
    tag: str
    chunks: Iterator[bytes]
