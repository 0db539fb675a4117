"""Which registry is meant: an argument or the environment in, a database's URI or a server's address out."""

from collections.abc import Mapping
from typing import Final

from modelpack.remote.address import ServerAddress, is_server

VARIABLES: Final = ("MODELPACK_REGISTRY_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI")
"""Read in this order; the first that is set and not empty decides."""


def server_of(uri: str | None, environ: Mapping[str, str]) -> ServerAddress | None:
    """The server of *uri*, or of the first of VARIABLES that is set; None where that is not a server's."""
    if uri is not None:
        return ServerAddress.parse(uri, "the registry URI") if is_server(uri) else None
    for variable in VARIABLES:
        if text := environ.get(variable, ""):
            return ServerAddress.parse(text, variable) if is_server(text) else None
    return None
