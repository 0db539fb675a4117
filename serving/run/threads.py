"""How many threads the arrays' own libraries may start: a worker's share of the processors."""

import math
from collections.abc import MutableMapping

from modelpack.processors import processors
from serving.settings import Settings

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def threads_of(settings: Settings) -> int:
    """Predictions at one time in one process: as *settings* say, or its share of the processors."""
    return settings.threads or max(1, math.ceil(processors() / settings.workers))


def share_of(settings: Settings) -> int:
    """Threads for one prediction, so that all together do not want more processors than there are."""
    return max(1, math.floor(processors() / settings.workers / threads_of(settings)))


def limit_libraries(settings: Settings, environ: MutableMapping[str, str]) -> None:
    """Set in *environ*, where the operator has not, how many threads a library may use for one call.

    They read it once, when they are loaded: do this before numpy is imported.
    """
    share = str(share_of(settings))
    for name in VARIABLES:
        environ.setdefault(name, share)
