"""The rows of a file, or of standard input, held to a signature."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, cast

from modelpack.errors import NotFound, shorten
from modelpack.schema import Signature
from serving.codecs import CODECS, Codec, Payload
from serving.errors import InvalidRequest
from serving.scoring.kinds import COLUMNAR, Kind
from serving.settings import Settings

STANDARD = "-"
"""The name of standard input or output."""


class _FileCodec(Protocol):
    def decode_file(self, source: Path | bytes, signature: Signature, rows: int) -> Iterator[Payload]: ...


def payloads(
    source: str, kind: Kind, signature: Signature, *, rows: int, settings: Settings
) -> Iterator[Payload]:
    """What is in the file *source*: of columns so many *rows* at a time, of text all at once.

    Coerce and depth limit are those of *settings*. Raises NotFound, InvalidRequest and SchemaMismatch.
    """
    codec: Codec = CODECS[kind.format](coerce=settings.coerce, depth_limit=settings.depth_limit)
    if kind.format in COLUMNAR:
        place = Path(source)
        # What is no plain file, a pipe say, can be read once and forward only.
        whole = _read(source) if source == STANDARD or not place.is_file() else None
        yield from cast("_FileCodec", codec).decode_file(place if whole is None else whole, signature, rows)
        return
    body = _read(source)
    yield codec.decode(_unpacked(body) if kind.packed else body, signature)


def _read(source: str) -> bytes:
    if source == STANDARD:
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise NotFound("file", source, hint=error.strerror or "") from None


def _unpacked(body: bytes) -> bytes:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidRequest(shorten(f"the file is not packed by gzip: {error}")) from None
