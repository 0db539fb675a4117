"""The verbs that serving adds to ``modelpack``."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec
from click.core import ParameterSource

from modelpack.cli.output import as_json
from modelpack.cli.stopping import stoppable
from modelpack.errors import shorten
from serving.bench.plan import CURVE, Plan
from serving.cli import flattened, option_of, part, serve
from serving.settings import OPTIONS, EngineName, Settings

__all__ = ["bench", "predict", "serve"]


def _some_options(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            command = option_of(OPTIONS[name])(command)
        return command

    return add


class _Params(click.ParamType[dict[str, Any]]):
    """A JSON object; ``@FILE`` holds one."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """Read *value*; a wrong one is wrong usage."""
        if isinstance(value, dict):
            return value
        try:
            text = Path(value[1:]).read_bytes() if value.startswith("@") else value
            params = msgspec.json.decode(text)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            self.fail(shorten(str(error), 160), param, ctx)
        if not isinstance(params, dict):
            self.fail('give a JSON object, such as {"threshold": 0.5}', param, ctx)
        return params


@click.command(short_help="Predict from a file of rows, as the server would.")
@click.option(
    "-m", "--model-uri", "reference", required=True, help="The model: models:/NAME/VERSION or a path."
)
@click.option(
    "-i", "--input-path", "source", default="-", help="A file of rows; - for standard input (default)."
)
@click.option(
    "-o",
    "--output-path",
    "target",
    default="-",
    help="Where to write; a file that is there is replaced. - for standard output (default).",
)
@click.option(
    "-t",
    "--content-type",
    "kind",
    type=click.Choice(["json", "csv", "parquet", "arrow"]),
    help="What the rows are, whatever the file's name ends with.",
)
@click.option("--params", type=_Params(), default="{}", help='Such as {"threshold": 0.5}; @FILE holds them.')
@click.option(
    "--chunk-rows",
    "rows",
    type=click.IntRange(0),
    default=65536,
    show_default=True,
    help="Rows of Parquet or Arrow for one call of the model; 0 for all.",
)
@_some_options("engine", "method", "coerce", "trust")
def predict(
    reference: str,
    source: str,
    target: str,
    kind: str | None,
    params: dict[str, Any],
    rows: int,
    **given: Any,
) -> None:
    """Predict from a file, as the server would: rows and answers are those of /invocations.

    By its ending a file holds json, csv (either with .gz behind it), parquet, or arrow (feather; arrows for a
    stream); what ends otherwise is JSON. Answers go to standard output as JSON. They are written whole or not
    at all. Exit codes: 0 done, 1 refused, 2 wrong usage.
    """
    settings = Settings.read(flattened(given), os.environ)
    scoring = part("serving.scoring")
    try:
        kinds = {"kind": scoring.Kind.of(source, kind), "into": scoring.Kind.of(target)}
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    job = scoring.Job(reference=reference, source=source, target=target, params=params, rows=rows, **kinds)
    with stoppable():
        scoring.score(job, settings)


class _Numbers(click.ParamType[tuple[int, ...]]):
    """Whole numbers from 1 up, with commas between them."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Read *value*; a wrong one is wrong usage."""
        words = value.split(",") if isinstance(value, str) else [str(one) for one in value]
        if not all(re.fullmatch("0*[1-9][0-9]{0,6}", word.strip(), re.ASCII) for word in words):
            self.fail("give whole numbers from 1 up, such as 1,16,64", param, ctx)
        return tuple(dict.fromkeys(int(word) for word in words))


@click.command()
@click.option(
    "-m", "--model-uri", "reference", required=True, help="The model: models:/NAME/VERSION or a path."
)
@click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(["auto", "native", "onnx"]),
    help="May be given again; without it native, and onnx where a report certifies it.",
)
@click.option("-w", "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
@click.option("-r", "--rows", type=_Numbers(), default="1,100", show_default=True, help="Rows in a request.")
@click.option(
    "-c",
    "--concurrency",
    type=_Numbers(),
    default="1,16,64",
    show_default=True,
    help="Requests under way at a time.",
)
@click.option(
    "-s",
    "--seconds",
    type=click.FloatRange(0.1, 3600),
    default=3.0,
    show_default=True,
    help="Of load for each pair of the two.",
)
@_some_options("method", "trust")
@click.option(
    "--report",
    "target",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write curves and figures as one HTML file, too; a report that is there is replaced. Without -c, "
    "at 1,2,4,8,16,32,64 requests at a time.",
)
@as_json
def bench(
    reference: str,
    engines: tuple[EngineName, ...],
    workers: int,
    rows: tuple[int, ...],
    concurrency: tuple[int, ...],
    seconds: float,
    target: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Measure how fast a model is served on this machine.

    It is served on a free port of the loopback address and asked the rows of its input example; every answer
    is compared with the model's own. Memory is what all processes of the server hold after the load.
    """
    settings = Settings.read(flattened(given), os.environ)
    if target is not None and not (target.parent.is_dir() and os.access(target.parent, os.W_OK)):
        raise click.UsageError(f"{target.parent} is no folder that can be written to.")
    is_left_out = click.get_current_context().get_parameter_source("concurrency") is ParameterSource.DEFAULT
    if target is not None and is_left_out:
        concurrency = CURVE
    plan = Plan(
        reference=reference,
        engines=tuple(dict.fromkeys(engines)),
        method=settings.method,
        trust=settings.trust,
        workers=workers,
        rows=rows,
        concurrency=concurrency,
        seconds=seconds,
    )
    part("serving.bench.show").show(plan, as_json=as_json, target=target)
