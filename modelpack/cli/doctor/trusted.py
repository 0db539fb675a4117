"""What loading a model may do on this machine without a word on the command line."""

import os
from collections.abc import Iterator

from modelpack import settings
from modelpack.cli.doctor.finding import Finding, Patient
from modelpack.errors import shorten
from modelpack.trust import FILE, VARIABLE, Trust

_TAKES_AWAY = ("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "MLFLOW_ALLOW_MODEL_CODE_EXECUTION")


def look(patient: Patient) -> Iterator[Finding]:
    """The policy in effect, and where it is from. A policy that cannot be read is an error of its reading."""
    home = settings.home(patient.environ)
    trust = Trust.read(environ=patient.environ, home=home)
    words = [word for word, is_given in (("pickle", trust.pickle), ("code", trust.code)) if is_given]
    from_where = [str(home / FILE)] if os.path.lexists(home / FILE) else []
    from_where += [name for name in (VARIABLE, *_TAKES_AWAY) if patient.environ.get(name)]
    told = ", ".join([*words, *trust.types]) or "plain data alone; pickles and code need a word each time"
    told = shorten(f"{told}{' (from ' + ', '.join(from_where) + ')' if from_where else ''}", 240)
    if words:
        yield Finding(
            "trust",
            "warning",
            f"{told}: every model that is loaded may run code",
            "say --trust where a model needs it instead",
        )
    else:
        yield Finding("trust", "ok", told)
