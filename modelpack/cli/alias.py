"""The verb ``alias``: names for versions that can be moved."""

import click

from modelpack.cli._registry import expect_option, open_registry, registry_option
from modelpack.cli.output import as_json, print_json
from modelpack.registry.store import Expected


@click.group()
def alias() -> None:
    """Move or remove an alias, as in models:/NAME@ALIAS."""


@alias.command("set")
@click.argument("name")
@click.argument("alias")
@click.argument("version", type=int)
@expect_option
@registry_option
@as_json
def set_(name: str, alias: str, version: int, *, expect: Expected, uri: str | None, as_json: bool) -> None:
    """Let ALIAS of NAME mean VERSION from now on."""
    with open_registry(uri) as registry:
        registry.set_alias(name, alias, version, expected=expect)
    if as_json:
        print_json({"name": name, "alias": alias, "version": version})
    else:
        click.echo(f"models:/{name}@{alias} is version {version} now.")


@alias.command()
@click.argument("name")
@click.argument("alias")
@registry_option
@as_json
def delete(name: str, alias: str, *, uri: str | None, as_json: bool) -> None:
    """Let ALIAS of NAME mean nothing."""
    with open_registry(uri) as registry:
        registry.delete_alias(name, alias)
    if as_json:
        print_json({"name": name, "alias": alias, "version": None})
    else:
        click.echo(f"models:/{name}@{alias} means nothing now.")
