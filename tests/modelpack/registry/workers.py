"""What other processes do to a registry in the tests."""

from modelpack.sql import Address, Database


def open_database(uri: str) -> str:
    """Open *uri*, made if need be, and answer the version of its tables."""
    database = Database(Address.find(uri, environ={}))
    with database.read() as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM modelpack_schema").scalar_one()
    database.close()
    return str(version)
