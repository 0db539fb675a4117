"""The verb ``token``: who may ask a team server."""

import importlib
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from modelpack.cli._backend import address_of, backend_option, database_library
from modelpack.cli._registry import moment
from modelpack.cli.output import as_json, print_json, print_table
from modelpack.errors import shorten

if TYPE_CHECKING:
    from modelpack.tracking.server.tokens import Token, Tokens

_SECONDS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LONGEST: Final = 100 * 365 * 86_400
_SPAN = re.compile(r"(\d{1,9})([mhdw])", re.ASCII)


@click.group()
def token() -> None:
    """Make, list and revoke the tokens that a team server with --require-auth asks for."""


def _span(context: click.Context, option: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    found = _SPAN.fullmatch(text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise click.BadParameter(
            f"{shorten(text, 40)!r} is no span of time; write 30m, 12h, 90d or 52w", context, option
        )
    return seconds


@token.command()
@click.option("--user", required=True, help="Whose it is: the name that the history of moves tells.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(["read", "write", "admin"]),
    multiple=True,
    required=True,
    help="What it opens; write includes read, admin includes both.",
)
@click.option("--label", default="", help="What it is for, such as: the nightly job.")
@click.option(
    "--expires", "span", metavar="SPAN", callback=_span, help="After 30m, 12h, 90d, 52w; otherwise never."
)
@backend_option
@as_json
def create(
    *, user: str, scopes: tuple[str, ...], label: str, span: int | None, uri: str | None, as_json: bool
) -> None:
    """Make a token, and print it: this once, for only its hash is kept."""
    expires = None if span is None else time.time_ns() // 1_000_000 + span * 1_000
    with _tokens(uri, create=True) as tokens:
        made, secret = tokens.create(user, scopes, label, expires)
    if as_json:
        print_json({**_told(made), "token": secret})
        return
    click.echo(secret)
    ends = "never ends" if made.expires is None else f"ends {moment(made.expires)} UTC"
    click.echo(
        f"{made.id} of {shorten(made.user, 80)} {ends}; the token above is not shown again. "
        "MLflow's clients take it as MLFLOW_TRACKING_TOKEN.",
        err=True,
    )


@token.command("list")
@backend_option
@as_json
def list_(*, uri: str | None, as_json: bool) -> None:
    """List all tokens, also those that open nothing any more."""
    with _tokens(uri, create=False) as tokens:
        found = tokens.list()
    if as_json:
        print_json([_told(one) for one in found])
        return
    now = time.time_ns() // 1_000_000
    print_table(
        ["ID", "USER", "SCOPES", "STATE", "CREATED (UTC)", "EXPIRES (UTC)", "LAST USED (UTC)", "LABEL"],
        [
            [
                one.id,
                one.user,
                ", ".join(_scopes(one)),
                "revoked" if one.revoked is not None else "open" if one.holds(now) else "expired",
                moment(one.created),
                "never" if one.expires is None else moment(one.expires),
                "never" if one.used is None else moment(one.used),
                one.label or "-",
            ]
            for one in found
        ],
    )


@token.command()
@click.argument("which", metavar="ID|USER")
@backend_option
@as_json
def revoke(which: str, *, uri: str | None, as_json: bool) -> None:
    """Let the token ID, or all tokens of USER, open nothing any more. Servers heed it within 5 seconds."""
    with _tokens(uri, create=False) as tokens:
        revoked = tokens.revoke(which)
    if as_json:
        print_json([_told(one) for one in revoked])
        return
    for one in revoked:
        click.echo(f"Revoked {one.id} of {shorten(one.user, 80)}.")


@contextmanager
def _tokens(uri: str | None, *, create: bool) -> "Iterator[Tokens]":
    address, sql = address_of(uri), database_library()
    # By name: it costs the database library, which a verb's help must not.
    module: Any = importlib.import_module("modelpack.tracking.server.tokens")
    with closing(sql.Database(address, create=create)) as database:
        yield module.Tokens(database)


def _scopes(one: "Token") -> list[str]:
    return [scope for scope in ("read", "write", "admin") if scope in one.scopes]


def _told(one: "Token") -> dict[str, Any]:
    return {
        "id": one.id,
        "user": one.user,
        "label": one.label,
        "scopes": _scopes(one),
        "created": one.created,
        "expires": one.expires,
        "used": one.used,
        "revoked": one.revoked,
    }
