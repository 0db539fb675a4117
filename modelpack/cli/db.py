"""The verb ``db``: the tables of a database, and bringing older ones up to this version."""

import click

from modelpack.cli._backend import address_of, backend_option, database_library
from modelpack.cli.output import as_json, print_json


@click.group()
def db() -> None:
    """Look at the tables of the registry and the runs, and bring them up to this version."""


@db.command()
@backend_option
@as_json
def status(*, uri: str | None, as_json: bool) -> None:
    """Tell which schema the tables have, and which one this version wants. Nothing is changed."""
    address, sql = address_of(uri), database_library()
    wanted, found = sql.Schema().head, sql.Database.schema_of(address)
    if as_json:
        print_json({"database": str(address), "schema": found, "wanted": wanted})
        return
    click.echo(f"{address} (from {address.origin})")
    click.echo(_told(found, wanted))


@db.command()
@backend_option
@as_json
def upgrade(*, uri: str | None, as_json: bool) -> None:
    """Bring the tables up to this version, or make them. Stop their other users, and back them up, first.

    Doing so again changes nothing, and several may do so at once.
    """
    address, sql = address_of(uri), database_library()
    before = sql.Database.schema_of(address)
    sql.Database(address, upgrade=True).close()
    after = sql.Database.schema_of(address)
    if as_json:
        print_json({"database": str(address), "before": before, "after": after})
    elif before is None:
        click.echo(f"{address} has tables now, of schema {after}.")
    elif before == after:
        click.echo(f"{address} had schema {after} already.")
    else:
        click.echo(f"{address} went from schema {before} to {after}.")


def _told(found: str | None, wanted: str) -> str:
    if found is None:
        return f"There are no tables yet; this version makes schema {wanted} when it is first used."
    if found == wanted:
        return f"The tables have schema {found}, which this version wants."
    if found < wanted:
        return (
            f"The tables have schema {found}, and this version wants {wanted}; stop their other users, "
            "back them up, then run: modelpack db upgrade"
        )
    return f"The tables have schema {found}, of a newer modelpack; this one knows {wanted}."
