"""A file of rows in, a file of predictions out, as the server would answer."""

import os
import sys
from pathlib import Path

from modelpack.errors import NotFound
from serving.codecs import CODECS
from serving.dataplane import answer
from serving.models import find, load
from serving.settings import Settings


def score(reference: str, source: str, target: str, *, kind: str, settings: Settings) -> None:
    """Write the answer of the model *reference* to the body in the file *source* into the file *target*.

    ``-`` stands for the standard streams; *kind* names a codec; engine, method, coerce and trust are those of
    *settings*. Raises what finding, loading and predicting do.
    """
    codec = CODECS[kind](coerce=settings.coerce, depth_limit=settings.depth_limit)
    body = _read(source)
    served = load(find(reference), settings, os.environ, learns="never")
    output = answer(served, codec, body).body + b"\n"
    if target == "-":
        sys.stdout.buffer.write(output)
        sys.stdout.flush()
    else:
        Path(target).write_bytes(output)


def _read(source: str) -> bytes:
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise NotFound("file", source, hint=error.strerror or "") from None
