"""The verb ``tag``: tags of a name, or of one version of it."""

import click

from modelpack.cli._registry import open_registry, registry_option
from modelpack.cli.output import as_json, print_json

_version = click.option("--version", type=int, help="Tag this version; otherwise the name as a whole.")


@click.group()
def tag() -> None:
    """Set or delete a tag of a registered name, or of one version."""


@tag.command("set")
@click.argument("name")
@click.argument("key")
@click.argument("value")
@_version
@registry_option
@as_json
def set_(name: str, key: str, value: str, *, version: int | None, uri: str | None, as_json: bool) -> None:
    """Give the tag KEY of NAME the VALUE."""
    with open_registry(uri) as registry:
        registry.set_tag(name, key, value, version=version)
    _print(name, key, value, version, as_json=as_json)


@tag.command()
@click.argument("name")
@click.argument("key")
@_version
@registry_option
@as_json
def delete(name: str, key: str, *, version: int | None, uri: str | None, as_json: bool) -> None:
    """Remove the tag KEY of NAME."""
    with open_registry(uri) as registry:
        registry.delete_tag(name, key, version=version)
    _print(name, key, None, version, as_json=as_json)


def _print(name: str, key: str, value: str | None, version: int | None, *, as_json: bool) -> None:
    if as_json:
        print_json({"name": name, "version": version, "key": key, "value": value})
        return
    bearer = name if version is None else f"{name} version {version}"
    click.echo(
        f"{bearer}: {key} is {value!r} now." if value is not None else f"{bearer}: {key} is not set now."
    )
