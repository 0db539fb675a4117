"""The verb ``register``: a model directory becomes the next version of a name."""

import click

from modelpack.cli._registry import open_registry, print_version, registry_option, tags_of
from modelpack.cli.output import as_json
from modelpack.resolve import locate
from modelpack.uris import ModelRef


@click.command()
@click.argument("ref")
@click.argument("name")
@click.option("--description", default="", help="What is special about this version.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of the version; repeatable.")
@click.option("--run-id", default="", help="The run that made it; otherwise the model's own.")
@registry_option
@as_json
def register(
    ref: str,
    name: str,
    *,
    description: str,
    tags: tuple[str, ...],
    run_id: str,
    uri: str | None,
    as_json: bool,
) -> None:
    """Copy the model REF into the registry, as the next version of NAME.

    REF is a path or a reference. The model is verified and never loaded. NAME is entered when it is new.
    """
    parsed = ModelRef.parse(ref)
    # The registry resolves its own references, which --registry may have chosen.
    place = parsed if parsed.scheme in ("file", "models") else locate(parsed)
    with open_registry(uri) as registry:
        version = registry.register(place, name, description=description, tags=tags_of(tags), run_id=run_id)
    print_version(version, as_json=as_json)
