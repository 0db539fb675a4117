"""Where this person's models live."""

from collections.abc import Mapping
from pathlib import Path


def home(environ: Mapping[str, str]) -> Path:
    """``$MODELPACK_HOME``, or ``.modelpack`` in the person's own folder. It need not exist yet."""
    given = environ.get("MODELPACK_HOME")
    return Path(given).expanduser().absolute() if given else Path.home() / ".modelpack"
