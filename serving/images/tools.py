"""Parts that need more than the toolkit: found when they are used, else named with what installs them."""

import importlib
from typing import Any

from modelpack.errors import MissingDependency


def tool(module: str, job: str) -> Any:
    """The module called *module*, for *job*; raises MissingDependency."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingDependency(job, package=str(error.name), extra="docker") from error
