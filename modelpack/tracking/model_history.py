"""The tag in which a run's models are listed, as MLflow 2 and earlier know them."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from modelpack.errors import InvalidName
from modelpack.registry.names import is_storable
from modelpack.tracking.rows import require_active, run_row
from modelpack.tracking.tables import run_tags

HISTORY: Final = "mlflow.log-model.history"
_LARGEST: Final = 1 << 20
"""Characters of the whole list."""


def add_to_history(connection: Connection, run_id: str, text: str) -> None:
    """Add the model that the JSON *text* tells to the list of a run, unless it is there already.

    Raises InvalidName where it is no JSON object, or where the list grows too long.
    """
    model = _model(text)
    row = run_row(connection, run_id, lock=True)
    require_active("run", run_id, row)
    here = (run_tags.c.run == row.id, run_tags.c.key == HISTORY)
    known = connection.execute(select(run_tags.c.value).where(*here)).scalar_one_or_none()
    models = _list(known)
    if model in models:
        return
    value = msgspec.json.encode([*models, model]).decode()
    if len(value) > _LARGEST:
        raise InvalidName(f"the models of one run are described in at most {_LARGEST} characters")
    if known is None:
        connection.execute(insert(run_tags).values(run=row.id, key=HISTORY, value=value))
    else:
        connection.execute(update(run_tags).where(*here).values(value=value))


def _model(text: str) -> dict[str, Any]:
    try:
        model = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidName("the model is told as JSON: a client's log_model() does so") from error
    wanted = ("run_id", "artifact_path", "utc_time_created", "flavors")
    if not isinstance(model, dict) or not is_storable(text) or any(name not in model for name in wanted):
        raise InvalidName(f"the model is told as a JSON object with {', '.join(wanted)}")
    return model


def _list(known: str | None) -> list[Any]:
    """What is listed; a tag that somebody else has set may hold anything."""
    try:
        models = msgspec.json.decode(known) if known else []
    except (msgspec.DecodeError, RecursionError):
        return []
    return models if isinstance(models, list) else []
