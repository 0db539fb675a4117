"""Which datasets the runs of some experiments have used, and for what."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, and_, select

from modelpack.errors import InvalidFilter
from modelpack.tracking.tables import datasets, experiments, input_tags, inputs, runs

MOST: Final = 1_000
"""Of what is found; and of the experiments that are looked through."""

_CONTEXT: Final = "mlflow.data.context"


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """A dataset of an experiment. *context* is what runs used it for, such as ``training``, or empty."""

    experiment_id: str
    name: str
    digest: str
    context: str


def search_datasets(connection: Connection, experiment_ids: Sequence[str]) -> list[DatasetSummary]:
    """Datasets of the living among these experiments, by name; at most MOST. Raises InvalidFilter."""
    if len(experiment_ids) > MOST:
        raise InvalidFilter(f"at most {MOST} experiments are searched at a time")
    asked = [int(one) for one in experiment_ids if one.isascii() and one.isdigit() and len(one) < 10]
    used_for = and_(
        input_tags.c.run == inputs.c.run,
        input_tags.c.dataset == inputs.c.dataset,
        input_tags.c.key == _CONTEXT,
    )
    found = (
        select(datasets.c.experiment, datasets.c.name, datasets.c.digest, input_tags.c.value)
        .distinct()
        .join_from(datasets, inputs, inputs.c.dataset == datasets.c.id)
        .join(runs, runs.c.id == inputs.c.run)
        .join(experiments, experiments.c.id == datasets.c.experiment)
        .outerjoin(input_tags, used_for)
        .where(
            datasets.c.experiment.in_(asked),
            runs.c.lifecycle == "active",
            experiments.c.lifecycle == "active",
        )
        .order_by(datasets.c.name, datasets.c.digest, datasets.c.experiment, input_tags.c.value)
        .limit(MOST)
    )
    return [
        DatasetSummary(str(experiment), name, digest, context or "")
        for experiment, name, digest, context in connection.execute(found)
    ]
