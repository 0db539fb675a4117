"""Which program began a run, and as whom: the tags that MLflow's clients set too."""

import getpass
import sys
from contextlib import suppress
from pathlib import Path

USER = "mlflow.user"
NAME = "mlflow.source.name"
TYPE = "mlflow.source.type"


def source_tags() -> dict[str, str]:
    """Tags for a run that begins now; those that cannot be told are left out.

    The commit is not among them: asking for it would run a program in the folder that the script is in.
    """
    tags = {NAME: _program(), TYPE: "LOCAL"}
    with suppress(KeyError, OSError):
        tags[USER] = getpass.getuser()
    return tags


def _program() -> str:
    name = sys.argv[0] if sys.argv and sys.argv[0] not in ("", "-c", "-m") else sys.executable
    return str(Path(name).absolute())[:1000] if name else "python"
