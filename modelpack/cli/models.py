"""The verb ``models``: what is registered, and what happened to it."""

import click

from modelpack.cli._registry import moment, open_registry, pairs, registry_option
from modelpack.cli.output import as_json, print_json, print_table
from modelpack.errors import shorten
from modelpack.registry.records import ModelVersion, Move, RegisteredModel

_PAGE = 1_000


@click.group()
def models() -> None:
    """List, show and delete registered models, and read their history."""


@models.command("list")
@click.option("--filter", "where", default="", help="For example: name LIKE 'churn%' AND tags.team = 'a'.")
@click.option(
    "--order-by", multiple=True, metavar="KEY [DESC]", help="name, last_updated_timestamp; repeatable."
)
@registry_option
@as_json
def list_(*, where: str, order_by: tuple[str, ...], uri: str | None, as_json: bool) -> None:
    """List registered models, all of them or those that a filter finds."""
    found: list[RegisteredModel] = []
    token: str | None = None
    with open_registry(uri) as registry:
        while True:
            page = registry.search_models(where, order_by=order_by, max_results=_PAGE, page_token=token)
            found += page
            token = page.next_token
            if token is None:
                break
    if as_json:
        print_json(found)
        return
    print_table(
        ["NAME", "LATEST", "STAGES", "ALIASES", "UPDATED (UTC)"],
        [
            [
                model.name,
                max((one.version for one in model.latest), default="-"),
                pairs({one.stage: one.version for one in model.latest if one.stage != "None"}),
                pairs(model.aliases),
                moment(model.updated),
            ]
            for model in found
        ],
    )


@models.command()
@click.argument("name")
@registry_option
@as_json
def show(name: str, *, uri: str | None, as_json: bool) -> None:
    """Show NAME and all its versions."""
    versions: list[ModelVersion] = []
    with open_registry(uri) as registry:
        model = registry.get_model(name)
        quoted = name.replace("'", "''")
        token: str | None = None
        while True:
            page = registry.search_versions(
                f"name = '{quoted}'", order_by=["version_number DESC"], max_results=_PAGE, page_token=token
            )
            versions += page
            token = page.next_token
            if token is None:
                break
    if as_json:
        print_json({"model": model, "versions": versions})
        return
    _print_model(model)
    print_table(
        ["VERSION", "STAGE", "ALIASES", "TAGS", "CREATED (UTC)", "BY", "DIGEST"],
        [
            [
                one.version,
                one.stage,
                ", ".join(one.aliases) or "-",
                pairs(one.tags),
                moment(one.created),
                one.user,
                one.digest,
            ]
            for one in versions
        ],
    )


@models.command()
@click.argument("name")
@click.option("--version", type=int, help="Delete this version only.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@registry_option
@as_json
def delete(name: str, *, version: int | None, yes: bool, uri: str | None, as_json: bool) -> None:
    """Delete NAME and all its versions, or one version. Files and history are kept."""
    what = shorten(name, 120) + (" and all its versions" if version is None else f" version {version}")
    with open_registry(uri) as registry:
        if version is None:
            registry.get_model(name)
        else:
            registry.get_version(name, version)
        if not yes:
            click.confirm(f"Delete {what} from the registry?", abort=True, err=True)
        if version is None:
            registry.delete_model(name)
        else:
            registry.delete_version(name, version)
    if as_json:
        print_json({"deleted": {"name": name, "version": version}})
    else:
        click.echo(f"Deleted {what}.")


@models.command()
@click.argument("name")
@click.option("--version", type=int, help="Moves of this version only.")
@registry_option
@as_json
def history(name: str, *, version: int | None, uri: str | None, as_json: bool) -> None:
    """Tell every move of a stage or an alias of NAME, oldest first."""
    with open_registry(uri) as registry:
        moves = registry.history(name, version=version)
    if as_json:
        print_json(moves)
        return
    print_table(["AT (UTC)", "BY", "MOVE", "FROM", "TO"], [_told(move) for move in moves])


def _print_model(model: RegisteredModel) -> None:
    click.echo(f"name         {shorten(model.name, 256)}")
    if model.description:
        click.echo(f"description  {shorten(model.description)}")
    click.echo(f"tags         {shorten(pairs(model.tags))}")
    click.echo(f"aliases      {shorten(pairs(model.aliases))}")
    click.echo(f"created      {moment(model.created)} UTC")
    click.echo(f"updated      {moment(model.updated)} UTC")
    click.echo()


def _told(move: Move) -> list[str]:
    nothing = "(deleted)" if move.kind == "stage" else "-"
    what = f"version {move.version}" if move.kind == "stage" else f"alias {move.alias}"
    return [moment(move.at), move.user, what, move.before or "-", move.after or nothing]
