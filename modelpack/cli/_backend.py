"""What the verbs of a team server's database share: which database, opened when the verb runs."""

import importlib
import os
from typing import TYPE_CHECKING, Any

import click

from modelpack.errors import MissingDependency

if TYPE_CHECKING:
    from modelpack.sql import Address

backend_option = click.option(
    "--backend-store-uri",
    "uri",
    metavar="URI",
    help="sqlite:///FILE or postgresql://…; otherwise the registry's: the environment's, or "
    "~/.modelpack/registry.db.",
)
"""Gives the command an argument *uri*."""


def database_library() -> Any:
    """The module ``modelpack.sql``; by name: a verb's help must not cost a database library."""
    try:
        return importlib.import_module("modelpack.sql")
    except ModuleNotFoundError as error:
        if error.name != "sqlalchemy":
            raise
        raise MissingDependency("a database", package="sqlalchemy", extra="registry") from error


def address_of(uri: str | None) -> "Address":
    """The database of *uri*, or the registry's. Raises InvalidUri."""
    sql = database_library()
    found: Address = (
        sql.Address.find(None, environ=os.environ)
        if uri is None
        else sql.Address.of(uri, "--backend-store-uri")
    )
    return found
