"""The verbs that serving adds to ``modelpack``."""

import os
from collections.abc import Callable
from typing import Any

import click

from serving.cli import flattened, option_of, part, serve
from serving.settings import OPTIONS, Settings

__all__ = ["predict", "serve"]


def _some_options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            command = option_of(OPTIONS[name])(command)
        return command

    return add


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
@_some_options("engine", "method", "coerce", "trust")
def predict(reference: str, source: str, target: str, kind: str, **given: Any) -> None:
    """Predict from a file, as the server would: bodies and answers are those of /invocations."""
    settings = Settings.read(flattened(given), os.environ)
    part("serving.scoring").score(reference, source, target, kind=kind, settings=settings)
