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
    with open_registry(uri) as registry:
        # The registry resolves its own references, which --registry may have chosen; a server knows all.
        is_its_own = registry.is_remote or (
            parsed.scheme in ("file", "models") and parsed.logged_model is None
        )
        version = registry.register(
            parsed if is_its_own else locate(parsed),
            name,
            source="" if is_its_own else ref,
            run_id=run_id,
            description=description,
            tags=tags_of(tags),
        )
    print_version(version, as_json=as_json)
