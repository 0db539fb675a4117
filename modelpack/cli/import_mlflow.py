"""The verb ``import-mlflow``: what is registered with MLflow, into a registry of ours."""

import os
from pathlib import Path

import click

from modelpack import importing
from modelpack.cli._registry import open_registry
from modelpack.cli.output import as_json, print_json, print_table


@click.command("import-mlflow", short_help="Copy a registry of MLflow's into one of ours.")
@click.argument("source", metavar="SRC")
@click.argument("destination", metavar="DST")
@click.option("--name", "names", multiple=True, help="Only this model; repeatable.")
@click.option(
    "--files",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of this machine that versions of SRC may lie in, besides its own; repeatable.",
)
@as_json
@click.pass_context
def import_mlflow(
    ctx: click.Context,
    source: str,
    destination: str,
    *,
    names: tuple[str, ...],
    folders: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Copy the registered models of SRC into the registry DST: versions under their numbers, with stages,
    aliases, tags and files.

    SRC is http://… of an MLflow server, sqlite:///FILE of one, or a folder mlruns; it is only read. DST is
    sqlite:///FILE or postgresql://…. What came before is not touched: run it again after a break, or for what
    is new. Exit 1 if something could not come; the table says what, and why.
    """
    outcomes = []
    opened = importing.open_source(source, environ=os.environ, folders=folders)
    try:
        with open_registry(destination) as registry:
            for outcome in importing.copy_models(opened, registry, names=names):
                outcomes.append(outcome)
                if not as_json and outcome.result == "imported":
                    click.echo(f"imported {outcome.name} version {outcome.version}", err=True)
    finally:
        opened.close()
    if as_json:
        print_json(outcomes)
    else:
        print_table(
            ["NAME", "VERSION", "RESULT", "REASON"],
            [[one.name, one.version or "-", one.result, one.reason or "-"] for one in outcomes],
        )
    if any(one.result == "not imported" for one in outcomes):
        ctx.exit(1)
