"""The part that needs pyarrow, imported when it is used."""

import importlib
from typing import Any

from serving.codecs._arrow_missing import ArrowMissing


def columns_module() -> Any:
    """``serving.scoring.columns``; raises ArrowMissing."""
    try:
        return importlib.import_module("serving.scoring.columns")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pyarrow":
            raise
        raise ArrowMissing from error
