"""The columns of a run table: which there are, which were picked, what to ask the store to order by."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Table, select

from modelpack.sql import Database
from modelpack.tracking.records import Run
from modelpack.tracking.tables import latest, params, run_tags, runs

Kind = Literal["metrics", "params", "tags"]

KINDS: Final[dict[Kind, Table]] = {"metrics": latest, "params": params, "tags": run_tags}
MOST: Final = 30
"""Columns that may be picked."""

_LOOKED_AT: Final = 500
"""Runs, the newest, among which columns are looked for."""
_MOST_KEYS: Final = 150
"""Of one kind, that are offered."""
_OWN: Final = "mlflow."
"""Begins tags that tools set; nobody picks them by eye."""
_PICKED: Final[dict[Kind, int]] = {"metrics": 4, "params": 3}
"""How many are shown until somebody picks."""


@dataclass(frozen=True, slots=True)
class Column:
    """One thing that runs log; its name in an address and in the search grammar is ``metrics.f1``."""

    kind: Kind
    key: str

    @property
    def name(self) -> str:
        """As in an address."""
        return f"{self.kind}.{self.key}"

    @property
    def order(self) -> str:
        """As the search grammar has it."""
        return f"{self.kind}.`{self.key}`"

    def of(self, run: Run) -> Any:
        """What *run* has there; None for nothing."""
        held = {"metrics": run.data.metrics, "params": run.data.params, "tags": run.data.tags}
        return held[self.kind].get(self.key)

    @classmethod
    def parse(cls, name: str) -> "Column | None":
        """The column that *name* stands for in an address; None for what is none."""
        head, dot, key = name.partition(".")
        kind = next((one for one in KINDS if one == head), None)
        return cls(kind, key) if kind and dot and key and "`" not in key and "\0" not in key else None


def picked(names: Iterable[str]) -> list[Column]:
    """The columns that *names* stand for."""
    found = [column for name in names if (column := Column.parse(name)) is not None]
    return found[:MOST]


def offered(database: Database, experiment: str) -> dict[Kind, list[str]]:
    """The keys of each kind that the newest runs of *experiment* have logged."""
    newest = (
        select(runs.c.id)
        .where(runs.c.experiment == int(experiment))
        .order_by(runs.c.started.desc(), runs.c.run_id)
        .limit(_LOOKED_AT)
        .subquery()
    )
    found: dict[Kind, list[str]] = {}
    with database.read() as connection:
        for kind, table in KINDS.items():
            keys = select(table.c.key).distinct().where(table.c.run.in_(select(newest.c.id)))
            logged = connection.scalars(keys.order_by(table.c.key).limit(_MOST_KEYS)).all()
            found[kind] = [key for key in logged if not (kind == "tags" and key.startswith(_OWN))]
    return found


def usual(keys: dict[Kind, list[str]]) -> list[Column]:
    """The columns that are shown until somebody picks: the first metrics and params."""
    return [Column(kind, key) for kind, count in _PICKED.items() for key in keys[kind][:count]]


def names(columns: Sequence[Column]) -> list[str]:
    """As in an address."""
    return [column.name for column in columns]
