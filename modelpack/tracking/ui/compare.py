"""Runs side by side: what differs, as a table, as plots and as curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from modelpack.errors import InvalidName
from modelpack.report.numbers import number
from modelpack.tracking.records import Run
from modelpack.tracking.ui import drawing
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.columns import Column
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.paging import here
from modelpack.tracking.ui.rendering import page

MOST_RUNS: Final = 30
MOST_ROWS: Final = 400
CHARTS: Final = 6
AXES: Final = 8
_USUAL_AXES: Final = 5

Value = str | float | None


@dataclass(frozen=True, slots=True)
class Row:
    """What each run has logged under one key."""

    column: Column
    values: tuple[Value, ...]

    @property
    def differs(self) -> bool:
        """Whether two runs have other values, or one has none."""
        return len({repr(value) for value in self.values}) > 1

    @property
    def told(self) -> list[str | None]:
        """The values as text."""
        return [number(value) if isinstance(value, float) else value for value in self.values]


def show(ask: Ask) -> Response:
    """The runs that were picked."""
    ids = list(dict.fromkeys(one for text in ask.several("runs") for one in text.split(",") if one))
    if len(ids) > MOST_RUNS:
        raise InvalidName(f"at most {MOST_RUNS} runs are compared at a time, not {len(ids)}; pick fewer")
    runs = [ask.parts.tracking.get_run(one) for one in ids]
    if len(runs) < 2:
        return page("compare_none.html", ask, runs=runs)
    rows = _rows(runs)
    only_different = ask.one("show") != "all"
    drawable = [row for row in rows if row.column.kind != "tags"]
    scatter, x, y = _scatter(ask, drawable)
    axes = _axes(ask, drawable)
    shared = [row.column.key for row in rows if row.column.kind == "metrics"]
    return page(
        "compare.html",
        ask,
        runs=runs,
        ids=ids,
        rows=[row for row in rows if row.differs or not only_different][:MOST_ROWS],
        same=sum(not row.differs for row in rows),
        only_different=only_different,
        other_view=here(ask, show="all" if only_different else None),
        drawable=drawable,
        scatter=scatter,
        x=x,
        y=y,
        axes=axes,
        axis_names={row.column.name for row in axes},
        parallel=drawing.parallel([(row.column.key, row.values) for row in axes], len(runs)),
        charts_=shared[:CHARTS],
        more_charts=max(0, len(shared) - CHARTS),
        height=drawing.HEIGHT,
        width=drawing.WIDTH,
        frame=(drawing.LEFT, drawing.TOP, drawing.WIDTH - drawing.RIGHT, drawing.HEIGHT - drawing.BOTTOM),
        axis_top=drawing.AXIS_TOP,
    )


def _rows(runs: Sequence[Run]) -> list[Row]:
    found: list[Row] = []
    for run_keys in (
        [Column("params", key) for key in sorted({key for run in runs for key in run.data.params})],
        [Column("metrics", key) for key in sorted({key for run in runs for key in run.data.metrics})],
        [
            Column("tags", key)
            for key in sorted({key for run in runs for key in run.data.tags if not key.startswith("mlflow.")})
        ],
    ):
        found += [Row(column, tuple(column.of(run) for run in runs)) for column in run_keys]
    return found


def _scatter(ask: Ask, rows: Sequence[Row]) -> tuple[drawing.Scatter | None, str, str]:
    """The plot of the two columns that were picked, or of the first that differ; and which these are."""
    known = {row.column.name: row for row in rows}
    differing = _telling(rows)
    usual_x = next((row for row in differing if row.column.kind == "params"), None)
    usual_y = next((row for row in differing if row.column.kind == "metrics" and row is not usual_x), None)
    x = known.get(ask.one("x"), usual_x or (differing[0] if differing else None))
    y = known.get(ask.one("y"), usual_y or (differing[-1] if differing else None))
    if x is None or y is None:
        return None, "", ""
    plot = drawing.scatter((x.column.key, x.values), (y.column.key, y.values))
    return plot, x.column.name, y.column.name


def _axes(ask: Ask, rows: Sequence[Row]) -> list[Row]:
    """The columns that were picked as axes, or the first params and metrics that differ."""
    known = {row.column.name: row for row in rows}
    picked = [known[name] for name in ask.several("axis") if name in known]
    if picked:
        return picked[:AXES]
    differing = _telling(rows)
    params = [row for row in differing if row.column.kind == "params"][:_USUAL_AXES]
    metrics = [row for row in differing if row.column.kind == "metrics"]
    return [*params, *metrics[: max(1, _USUAL_AXES + 1 - len(params))]]


def _telling(rows: Sequence[Row]) -> list[Row]:
    """Those that differ in more than one run: a point alone tells little. All, where there are none."""
    shared = [row for row in rows if row.differs and sum(one is not None for one in row.values) > 1]
    return shared or list(rows)


PAGES: Final = (Page("GET", "/compare", show),)
