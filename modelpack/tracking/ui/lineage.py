"""What leads from a thing to another: the run of a version, the models of a run, the versions of either."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

from modelpack.errors import NotFound
from modelpack.registry.records import ModelVersion
from modelpack.tracking.records import LoggedModel, Run
from modelpack.tracking.sql_logged_models import SqlLoggedModels
from modelpack.tracking.ui.asking import Ask

MOST: Final = 50
"""Of one kind on a page."""


@dataclass(frozen=True, slots=True)
class Linked:
    """A logged model that a run has made at *step*, or has used."""

    model: LoggedModel
    how: Literal["made it", "used it"]
    step: int | None = None


def run_of(ask: Ask, run_id: str) -> Run | None:
    """The run *run_id*; None where none is named, or it is not here."""
    if run_id:
        with suppress(NotFound):
            return ask.parts.tracking.get_run(run_id)
    return None


def model_of(ask: Ask, model_id: str) -> LoggedModel | None:
    """The logged model *model_id*; None where none is named, or it is not here."""
    if model_id:
        with suppress(NotFound):
            return SqlLoggedModels(ask.parts.database).get(model_id, deleted=True)
    return None


def models_of(ask: Ask, run: Run) -> tuple[list[Linked], int]:
    """The logged models that *run* has made and used, and how many more there are than are told."""
    made = {one.model_id: one.step for one in run.outputs.model_outputs}
    used = [one.model_id for one in run.inputs.model_inputs if one.model_id not in made]
    links = [
        *(_linked(ask, one, "made it", step) for one, step in list(made.items())[:MOST]),
        *(_linked(ask, one, "used it", None) for one in used[:MOST]),
    ]
    return [one for one in links if one is not None], max(0, len(made) - MOST) + max(0, len(used) - MOST)


def _linked(ask: Ask, model_id: str, how: Literal["made it", "used it"], step: int | None) -> Linked | None:
    model = model_of(ask, model_id)
    return None if model is None else Linked(model, how, step)


def versions_of_run(ask: Ask, run: Run) -> Sequence[ModelVersion]:
    """The registered versions that came from *run*."""
    return _versions(ask, f"run_id = '{run.info.run_id}'")


def versions_of_model(ask: Ask, model: LoggedModel) -> Sequence[ModelVersion]:
    """The registered versions that came from the logged *model*."""
    return _versions(ask, f"model_id = '{model.model_id}'")


def _versions(ask: Ask, where: str) -> Sequence[ModelVersion]:
    registry = ask.parts.registry(ask.caller.name)
    return registry.search_versions(where, order_by=(), max_results=MOST, page_token=None).items
