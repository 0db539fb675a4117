"""``modelpack certify``: prove that a model's ONNX form answers as the model does."""

import os
from pathlib import Path
from typing import Any

import click

from modelpack import settings
from modelpack.certifying import certify as certify_directory
from modelpack.certifying import certify_version
from modelpack.cli._registry import open_registry, registry_option
from modelpack.cli.output import as_json, print_json, print_table
from modelpack.errors import InvalidModel, shorten
from modelpack.flavors.frameworks import framework
from modelpack.onnx.report import Report
from modelpack.proof import Effort
from modelpack.registry.records import ModelVersion
from modelpack.trust import Trust


@click.command(short_help="Prove that a model's fast ONNX form answers as the model does.")
@click.argument("ref")
@click.option("--method", "methods", multiple=True, help="What it is to answer; repeatable.")
@click.option(
    "--reference-data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV or Parquet file with the training data; rows are drawn like it.",
)
@click.option(
    "--rows", default=Effort().rows, show_default=True, type=click.IntRange(1), help="Rows compared."
)
@click.option("--seed", default=0, show_default=True, help="Draws the rows.")
@click.option("--trust", multiple=True, metavar="WORD", help="pickle, code or package.Class; repeatable.")
@click.option("--register", is_flag=True, help="Make a new version, if REF is models:/…")
@registry_option
@as_json
@click.pass_context
def certify(
    ctx: click.Context,
    ref: str,
    *,
    methods: tuple[str, ...],
    reference_data: Path | None,
    rows: int,
    seed: int,
    trust: tuple[str, ...],
    register: bool,
    uri: str | None,
    as_json: bool,
) -> None:
    """Give the model directory REF an ONNX form, and a report of how the two compare; exit 1 if a method
    is not certified.

    The directory changes in one step. A registered version never changes: certify before you register, or
    say --register to make a new version of it.
    """
    options: dict[str, Any] = {
        "methods": methods or None,
        "reference_data": None if reference_data is None else _read(reference_data),
        "effort": Effort(rows, seed),
        "trust": Trust.read(trust, environ=os.environ, home=settings.home(os.environ)),
    }
    made: ModelVersion | None = None
    if register:
        with open_registry(uri) as registry:
            report, made = certify_version(registry, ref, **options)
    else:
        report = certify_directory(ref, **options)
    if as_json:
        version = None if made is None else {"name": made.name, "version": made.version}
        print_json({**report.to_dict(), "version": version})
    else:
        _print(report, made)
    if len(report.certified) < len(report.methods):
        ctx.exit(1)


def _read(path: Path) -> Any:
    pandas = framework("pandas", extra="pandas")
    try:
        return pandas.read_parquet(path) if path.suffix == ".parquet" else pandas.read_csv(path)
    except (ValueError, OSError, ImportError) as error:
        raise InvalidModel(shorten(f"{path} cannot be read as a table: {error}")) from error


def _print(report: Report, made: ModelVersion | None) -> None:
    print_table(
        ["METHOD", "CERTIFIED", "ROWS", "WORST DIFFERENCE", "REASON"],
        (
            (name, "yes" if one.certified else "no", one.compared, f"{one.worst:.2g}", one.reason or "-")
            for name, one in report.methods.items()
        ),
    )
    if report.rows:
        click.echo(f"\nrows    {', '.join(f'{count} {kind}' for kind, count in report.rows.items())}")
    if report.candidate:
        click.echo(f"form    {report.candidate}")
    if report.first_difference:
        click.echo(f"parts   at {report.first_difference}")
    if made is not None:
        click.echo(f"version {made.version} of {made.name}")
