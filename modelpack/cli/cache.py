"""The verb ``cache``: models that were fetched from elsewhere, and how to be rid of them."""

import os
import re
import time
from collections.abc import Callable

import click

from modelpack.artifacts.cache import Cache, Kept
from modelpack.cli._registry import moment
from modelpack.cli.output import as_json, print_json, print_table

_SIZE = re.compile(r"(\d{1,15})\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
_POWERS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


def _size(context: click.Context, option: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter("write a number of bytes, such as 500M or 20G", context, option)
    return int(found[1]) << _POWERS[found[2].upper()]


@click.group()
def cache() -> None:
    """Show and empty the cache of models that were fetched from servers and buckets."""


@cache.command("ls")
@as_json
def ls(*, as_json: bool) -> None:
    """List the models in the cache, the one that was used last first."""
    entries = Cache.open(os.environ).entries()
    if as_json:
        print_json([_told(one) for one in entries])
        return
    _print(entries)
    click.echo(f"\n{sum(one.size for one in entries)} bytes in all.")


@cache.command()
@click.option("--unused-for", "days", type=click.FloatRange(0), metavar="DAYS", help="Not used for so long.")
@click.option(
    "--to", "size", callback=_size, metavar="SIZE", help="The least used, until SIZE is left: 500M, 20G."
)
@click.option("--all", "everything", is_flag=True, help="All of them.")
@as_json
def prune(*, days: float | None, size: int | None, everything: bool, as_json: bool) -> None:
    """Remove models from the cache. What a process uses stays; what is asked for again is fetched again."""
    opened = Cache.open(os.environ)
    wanted = _wanted(opened, days, size, everything=everything)
    gone = opened.prune(wanted)
    if as_json:
        print_json([_told(one) for one in gone])
        return
    _print(gone)
    click.echo(f"\nRemoved {len(gone)} models, {sum(one.size for one in gone)} bytes.")


def _wanted(
    cache: Cache, days: float | None, size: int | None, *, everything: bool
) -> Callable[[Kept], bool]:
    if sum((days is not None, size is not None, everything)) != 1:
        raise click.UsageError("say which: --unused-for DAYS, --to SIZE or --all")
    if days is not None:
        since = time.time() - days * 24 * 3600
        return lambda one: one.used < since
    if size is not None:
        excess, held = set(), 0
        for one in cache.entries():
            held += one.size
            if held > size:
                excess.add(one.digest)
        return lambda one: one.digest in excess
    return lambda _: True


def _told(one: Kept) -> dict[str, object]:
    return {
        "digest": one.digest,
        "path": str(one.path),
        "bytes": one.size,
        "used": round(one.used * 1000),
        "sources": list(one.sources),
        "in_use": one.in_use,
    }


def _print(entries: list[Kept]) -> None:
    print_table(
        ["DIGEST", "BYTES", "USED (UTC)", "IN USE", "FROM"],
        [
            [
                one.digest,
                one.size,
                moment(round(one.used * 1000)),
                "yes" if one.in_use else "-",
                ", ".join(one.sources) or "-",
            ]
            for one in entries
        ],
    )
