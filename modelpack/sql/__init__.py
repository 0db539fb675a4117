"""One SQL database, embedded or shared: its address, its transactions, its schema."""

from modelpack.sql.address import Address
from modelpack.sql.database import Database
from modelpack.sql.schema import Schema

__all__ = ["Address", "Database", "Schema"]
