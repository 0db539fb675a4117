"""What a client of real MLflow's saw of a server, without what differs from one time to the next."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

work, mine = Path(sys.argv[1]), sys.argv[2]
"""A folder to work in, and a name that nobody else bears on the server."""
MAJOR = int(mlflow.__version__.partition(".")[0])
client = MlflowClient()

seen: dict[str, object] = {}
_names: dict[str, str] = {mine: "<mine>"}
_experiments: dict[str, str] = {}
_TIMES = frozenset(
    {
        "creation_time",
        "last_update_time",
        "start_time",
        "end_time",
        "creation_timestamp",
        "last_updated_timestamp",
    }
)
_THIS_CENTURY = 1_600_000_000_000
_PATIENCE = 5.0


def known(value: str, name: str) -> str:
    """Show *value* as *name* from now on."""
    _names[value] = f"<{name}>"
    return value


def known_experiment(value: str, name: str) -> str:
    """Show the experiment *value* as *name*; its id is too short to be looked for in texts."""
    _experiments[value] = f"<{name}>"
    return value


def id_of(name: str) -> str:
    """What is shown as *name*."""
    return next(one for one, shown in _names.items() if shown == f"<{name}>")


def plain(value: object, key: str = "") -> object:
    """*value* as JSON, with the names that are known."""
    if type(value).__module__.startswith("mlflow") and hasattr(value, "__iter__"):
        value = list(value) if isinstance(value, list) else dict(value)
    if isinstance(value, dict):
        return {str(plain(one)): plain(value[one], str(one)) for one in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    if key in _TIMES and isinstance(value, int):
        return "a time" if value > _THIS_CENTURY else value
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return "NaN" if np.isnan(value) else float(value)
    text = str(value)
    if key == "experiment_id":
        return _experiments.get(text, text)
    for one in sorted(_names, key=len, reverse=True):
        text = text.replace(one, _names[one])
    return text


def saw(name: str, value: object) -> None:
    """Tell that *value* was seen."""
    assert name not in seen, name
    seen[name] = plain(value)


def refused(name: str, act: Callable[[], object]) -> str:
    """Tell how *act* was refused; answers what was said.

    It must not take long, and does where a server answers 500: clients ask again then.
    """
    began = time.monotonic()
    try:
        act()
    except MlflowException as error:
        took = time.monotonic() - began
        assert took < _PATIENCE, (name, took)
        saw(f"refused: {name}", error.error_code)
        return error.message
    raise AssertionError(f"not refused: {name}")
