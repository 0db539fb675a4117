"""What the verbs of the registry share: which registry, which expectation, how a version is shown."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

import modelpack
from modelpack.cli.output import print_json, print_table
from modelpack.errors import InvalidName, shorten
from modelpack.registry.records import ModelVersion
from modelpack.registry.store import NOT_GIVEN, Expected

if TYPE_CHECKING:
    from modelpack.registry.client import Registry

registry_option = click.option(
    "--registry",
    "uri",
    metavar="URI",
    help="sqlite:///FILE, postgresql://…, or http://… of an MLflow server; otherwise the environment's, "
    "or ~/.modelpack/registry.db.",
)
"""Gives the command an argument *uri*."""


def open_registry(uri: str | None) -> "Registry":
    """The registry of *uri*, or the environment's."""
    # By the package's face: a verb's help must not cost a database library, nor fail without one.
    return modelpack.Registry(uri)


def _expected(context: click.Context, option: click.Parameter, text: str | None) -> Expected:
    if text is None:
        return NOT_GIVEN
    if text.lower() == "none":
        return None
    if text.isascii() and text.isdigit() and len(text) < 11:
        return int(text)
    raise click.BadParameter(f"{shorten(text, 40)!r} is neither a version nor 'none'", context, option)


expect_option = click.option(
    "--expect",
    metavar="V|none",
    callback=_expected,
    help="Only if this version holds it now; 'none': only if no version does.",
)
"""Gives the command an argument *expect*."""


def tags_of(texts: Sequence[str]) -> dict[str, str]:
    """``--tag key=value``, any number of times."""
    tags = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise InvalidName(f"--tag wants KEY=VALUE, not {shorten(text, 60)!r}")
        tags[key] = value
    return tags


def print_version(version: ModelVersion, *, as_json: bool) -> None:
    """One version: all of it as JSON, or what a person looks for."""
    if as_json:
        print_json(version)
        return
    print_table(
        ["NAME", "VERSION", "STAGE", "ALIASES", "DIGEST"],
        [[version.name, version.version, version.stage, ", ".join(version.aliases) or "-", version.digest]],
    )


def moment(milliseconds: int) -> str:
    """A time for a person: UTC, to the second."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def pairs(mapping: Mapping[str, object]) -> str:
    """``key=value`` pairs in one cell."""
    return ", ".join(f"{key}={value}" for key, value in mapping.items()) or "-"
