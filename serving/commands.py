"""The verbs that serving adds to ``modelpack``."""

import click

from serving.cli import option_of, part, serve
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
    words = tuple(word for given in trust for word in given)
    part("serving.scoring").score(
        reference, source, target, kind=kind, coerce=coerce or "lossless", trust=words
    )
