"""Frameworks, imported where a flavor needs one."""

import importlib
from typing import Any

from modelpack.errors import MissingDependency


def framework(module: str, *, package: str | None = None, extra: str | None = None) -> Any:
    """The module *module*, imported now; raises MissingDependency with the line that installs *package*."""
    top = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != top:
            raise
        raise MissingDependency("this model", package=package or top, extra=extra) from error
