"""The verb ``promote``: a version moves to a stage."""

import click

from modelpack.cli._registry import expect_option, open_registry, print_version, registry_option
from modelpack.cli.output import as_json
from modelpack.registry.store import Expected


@click.command()
@click.argument("name")
@click.argument("version", type=int)
@click.argument("stage")
@click.option("--archive-existing", is_flag=True, help="Move the others of that stage to Archived, at once.")
@expect_option
@registry_option
@as_json
def promote(
    name: str,
    version: int,
    stage: str,
    *,
    archive_existing: bool,
    expect: Expected,
    uri: str | None,
    as_json: bool,
) -> None:
    """Move VERSION of NAME to STAGE: None, Staging, Production or Archived."""
    with open_registry(uri) as registry:
        moved = registry.promote(name, version, stage, archive_existing=archive_existing, expected=expect)
    print_version(moved, as_json=as_json)
