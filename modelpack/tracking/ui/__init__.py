"""The pages of the team server, made on the server."""

from modelpack.tracking.ui.mounting import routes

__all__ = ["routes"]
