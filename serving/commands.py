"""The verbs that serving adds to ``modelpack``."""

import os
import sys
from pathlib import Path

import click

from modelpack.errors import NotFound
from serving.cli import option_of, serve
from serving.codecs import CODECS
from serving.dataplane import answer
from serving.models import find, load
from serving.settings import OPTIONS, Coerce

__all__ = ["predict", "serve"]


@click.command()
@click.option(
    "-m", "--model-uri", "reference", required=True, help="The model: models:/NAME/VERSION or a path."
)
@click.option(
    "-i", "--input-path", "source", default="-", help="A file of rows; - for standard input (default)."
)
@click.option(
    "-o", "--output-path", "target", default="-", help="Where to write; - for standard output (default)."
)
@click.option(
    "-t", "--content-type", "kind", type=click.Choice(["json", "csv"]), default="json", show_default=True
)
@option_of(OPTIONS["coerce"])
@option_of(OPTIONS["trust"])
def predict(
    reference: str,
    source: str,
    target: str,
    kind: str,
    coerce: Coerce | None,
    trust: tuple[tuple[str, ...], ...],
) -> None:
    """Predict from a file, as the server would: bodies and answers are those of /invocations."""
    codec = CODECS[kind](coerce=coerce or "lossless", depth_limit=OPTIONS["depth_limit"].default)
    body = _read(source)
    served = load(find(reference), tuple(word for words in trust for word in words), os.environ)
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
