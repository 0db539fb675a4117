"""What other processes do to a registry in the tests."""

import resource
from pathlib import Path

from modelpack import Registry
from modelpack.errors import StoreUnavailable
from modelpack.sql import Address, Database


def open_database(uri: str) -> str:
    """Open *uri*, made if need be, and answer the version of its tables."""
    database = Database(Address.find(uri, environ={}))
    with database.read() as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM modelpack_schema").scalar_one()
    database.close()
    return str(version)


def register(uri: str, root: Path, model: Path, name: str) -> int:
    """Register *model*, and answer its number."""
    with Registry(uri, artifacts=root) as registry:
        return registry.register(model, name).version


def register_on_a_full_disk(uri: str, root: Path, model: Path, name: str) -> str:
    """Register *model* where no file may grow beyond 100,000 bytes, and answer what was said."""
    with Registry(uri, artifacts=root) as registry:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            registry.register(model, name)
        except StoreUnavailable as error:
            return str(error)
        return "registered"
