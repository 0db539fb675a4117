"""One experiment: its runs as a table, filtered, ordered, in pages."""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from modelpack.errors import InvalidFilter
from modelpack.registry.claims import token_of
from modelpack.registry.records import Page as Found
from modelpack.report.scale import as_number
from modelpack.tracking.records import Run, ViewType
from modelpack.tracking.sql_logged_models import SqlLoggedModels
from modelpack.tracking.ui import columns
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.columns import Column
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.paging import Pager, here
from modelpack.tracking.ui.rendering import page

SIZE: Final = 50

_ATTRIBUTES: Final = {"run_name": "Run", "status": "Status", "start_time": "Started", "user_id": "User"}
_DOWN_FIRST: Final = ("metrics", "start_time")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column that the table can be ordered by: *sorted* is ARIA's word for how it is now."""

    label: str
    address: str
    sorted: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Sort:
    """What the table is ordered by: an attribute or a Column's name; empty for the newest first."""

    by: str = ""
    down: bool = False

    @classmethod
    def of(cls, ask: Ask) -> "Sort":
        """What *ask* says; what is no order is none."""
        by = ask.one("sort")
        if by not in _ATTRIBUTES and Column.parse(by) is None:
            return cls()
        return cls(by, ask.one("down") == "1")

    @property
    def order_by(self) -> list[str]:
        """As the search grammar has it."""
        if not self.by:
            return []
        column = Column.parse(self.by)
        return [f"{column.order if column else f'attributes.{self.by}'}{' DESC' if self.down else ''}"]

    def head(self, ask: Ask, by: str, label: str, kind: str = "") -> Head:
        """The head of the column *by*: what a click on it does, and how it is ordered now."""
        is_by = by == self.by or (not self.by and by == "start_time")
        down = self.down if self.by else True
        down_next = not down if is_by else by.partition(".")[0] in _DOWN_FIRST
        address = here(ask, sort=by, down="1" if down_next else None, page=None)
        return Head(label, address, ("descending" if down else "ascending") if is_by else "none", kind)


def show(ask: Ask) -> Response:
    """The table, with what is wrong with the filter beside it."""
    experiment = ask.parts.tracking.get_experiment(ask.path["experiment"])
    pager, sort = Pager.of(ask, SIZE), Sort.of(ask)
    is_deleted = ask.one("view") == "deleted"
    wrong = ""
    found: Found[Run] = Found(())
    try:
        found = ask.parts.tracking.search_runs(
            [experiment.experiment_id],
            ask.one("where"),
            view=ViewType.DELETED_ONLY if is_deleted else ViewType.ACTIVE_ONLY,
            order_by=sort.order_by,
            max_results=SIZE,
            page_token=token_of(pager.offset),
        )
    except InvalidFilter as error:
        wrong = str(error)
    models = SqlLoggedModels(ask.parts.database)
    offered = columns.offered(ask.parts.database, experiment.experiment_id)
    # The mark tells a table without columns from one where nobody has picked any.
    chosen = columns.picked(ask.several("column")) if ask.one("picked") else columns.usual(offered)
    return page(
        "experiment.html",
        ask,
        status=400 if wrong else 200,
        experiment=experiment,
        runs=found.items,
        where=ask.one("where"),
        wrong=wrong,
        view="deleted" if is_deleted else "active",
        columns=chosen,
        picked=set(columns.names(chosen)),
        offered=_with_chosen(offered, chosen),
        kept=[(name, value) for name in ("sort", "down", "view") for value in ask.query.get(name, ())],
        attributes={by: sort.head(ask, by, label) for by, label in _ATTRIBUTES.items()},
        heads=[sort.head(ask, one.name, one.key, one.kind) for one in chosen],
        numeric={place for place, one in enumerate(chosen) if _is_numeric(one, found)},
        pager=pager.before(found.next_token),
        has_models=bool(models.search([experiment.experiment_id], max_results=1).items),
        has_any=bool(found.items) or bool(ask.one("where")) or is_deleted or pager.number > 1,
    )


def _with_chosen(
    offered: dict[columns.Kind, list[str]], chosen: list[Column]
) -> dict[columns.Kind, list[Column]]:
    return {
        kind: [Column(kind, key) for key in keys]
        + [column for column in chosen if column.kind == kind and column.key not in keys]
        for kind, keys in offered.items()
    }


def _is_numeric(column: Column, found: Found[Run]) -> bool:
    """Whether all that is shown of *column* are numbers, which are read from the right."""
    values = [value for run in found.items if (value := column.of(run)) is not None]
    return all(as_number(value) is not None or isinstance(value, float) for value in values)


PAGES: Final = (Page("GET", "/experiments/{experiment}", show),)
