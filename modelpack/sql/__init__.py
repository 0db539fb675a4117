"""One SQL database, embedded or shared: its address, its transactions, its schema."""

from modelpack.errors import MissingDependency

try:
    import sqlalchemy as _sqlalchemy  # noqa: F401 - asked here once, so that all below may take it as given
except ModuleNotFoundError as error:
    raise MissingDependency("a registry", package="sqlalchemy", extra="registry") from error

from modelpack.sql.address import Address
from modelpack.sql.database import Database
from modelpack.sql.schema import Schema

__all__ = ["Address", "Database", "Schema"]
