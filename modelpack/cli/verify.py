"""``modelpack verify``: hold the files of a model against its manifest."""

from typing import Any

import click

from modelpack.cli.output import as_json, print_json, print_table
from modelpack.directory import layout
from modelpack.directory.reader import findings
from modelpack.resolve import locate


@click.command(short_help="Name every file of a model that was changed, is missing or is extra.")
@click.argument("ref")
@as_json
@click.pass_context
def verify(ctx: click.Context, ref: str, *, as_json: bool) -> None:
    """Name every file of the model REF that was changed, is missing or is extra; exit 1 if there is one.

    Reads every byte and runs nothing. A model that was written without a manifest, by MLflow for one, has
    nothing to be held against.
    """
    path = locate(ref)
    found = findings(path)
    has_manifest = (path / layout.MANIFEST).is_file()
    if as_json:
        told: dict[str, Any] = {
            "path": str(path),
            "has_manifest": has_manifest,
            "findings": [{"finding": what, "file": name} for what, name in found],
        }
        print_json(told)
    elif found:
        print_table(["FINDING", "FILE"], found)
    elif has_manifest:
        click.echo("Every file is as it was saved.")
    else:
        click.echo(f"There is no {layout.MANIFEST}: nothing to hold the files against.")
    if found:
        ctx.exit(1)
