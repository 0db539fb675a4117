"""Curves of metrics, thinned to what a screen can show, as JSON for the charts."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import or_, select
from starlette.responses import Response

from modelpack.errors import InvalidName, shorten
from modelpack.sql import Database
from modelpack.tracking.records import Metric
from modelpack.tracking.tables import latest, metrics, runs
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.rendering import HEADERS

MOST_RUNS: Final = 30
POINTS: Final = 1_000
"""In one answer, whatever the number of runs."""
MOST_READ: Final = 100_000
"""Points of one curve that are read."""

Point = tuple[float, float]

_LONGEST_NAME: Final = 80
_ODD: Final = {"nan": "NaN", "inf": "∞", "-inf": "-∞"}


def curved(database: Database, run_id: str) -> frozenset[str]:
    """The metrics of a run that have more points than the newest one."""
    # The first other point that is met settles it: no history is read to its end.
    other = select(metrics.c.key).where(
        metrics.c.run == latest.c.run,
        metrics.c.key == latest.c.key,
        or_(metrics.c.step != latest.c.step, metrics.c.at != latest.c.at),
    )
    run = select(runs.c.id).where(runs.c.run_id == run_id).scalar_subquery()
    with database.read() as connection:
        found = connection.execute(select(latest.c.key).where(latest.c.run == run, other.exists()))
        return frozenset(found.scalars())


def answer(ask: Ask) -> Response:
    """The metric *key* of some *runs*, over its steps, or over the seconds since its first point."""
    ids, key = ask.several("runs"), ask.one("key")
    if not ids or not key:
        raise InvalidName("curves are asked for by runs and by the key of a metric")
    if len(ids) > MOST_RUNS:
        raise InvalidName(f"at most {MOST_RUNS} runs are drawn at a time, not {len(ids)}")
    room = max(40, min(400, POINTS // len(ids)))
    curves = [_curve(ask, run_id, key, room) for run_id in ids]
    body = msgspec.json.encode({"key": key, "runs": curves})
    return Response(body, 200, dict(HEADERS), media_type="application/json")


def thin(points: Sequence[Point], room: int) -> list[Point]:
    """At most *room* of *points*, in order: both ends, and of each stretch the lowest and the highest."""
    if len(points) <= room:
        return list(points)
    stretches, inner = max(1, (room - 2) // 2), points[1:-1]
    found = [points[0]]
    for number in range(stretches):
        part = inner[number * len(inner) // stretches : (number + 1) * len(inner) // stretches]
        known = [point for point in part if math.isfinite(point[1])]
        if not known:
            found.append(part[0])
            continue
        ends = {min(known, key=lambda one: one[1]), max(known, key=lambda one: one[1])}
        found.extend(sorted(ends))
    return [*found, points[-1]]


def _curve(ask: Ask, run_id: str, key: str, room: int) -> dict[str, Any]:
    run = ask.parts.tracking.get_run(run_id)
    points = _points(ask, run_id, key)
    begun = min((point.timestamp for point in points), default=0)
    by_time = ask.one("by") == "time"
    pairs = [((one.timestamp - begun) / 1000 if by_time else one.step, one.value) for one in points]
    if by_time:
        pairs.sort(key=lambda pair: pair[0])
    seen = between(pairs, _place(ask, "from"), _place(ask, "to"))
    thinned = thin(seen, room)
    return {
        "id": run_id,
        "name": shorten(run.info.run_name, _LONGEST_NAME),
        "count": len(seen),
        "gaps": sum(not math.isfinite(y) for _, y in seen),
        "x": [_plain(x) for x, _ in thinned],
        "y": [_plain(y) for _, y in thinned],
        "odd": [(at, _ODD[str(y)]) for at, (_, y) in enumerate(thinned) if not math.isfinite(y)],
    }


def between(points: Sequence[Point], low: float, high: float) -> Sequence[Point]:
    """*points*, which are in order, from *low* to *high*, with one more at either end for lines to go to."""
    first = bisect_left(points, low, key=lambda point: point[0])
    last = bisect_right(points, high, key=lambda point: point[0])
    return points[max(0, first - 1) : last + 1]


def _place(ask: Ask, name: str) -> float:
    """The place on the axis that the query says; without one, the end of the world on that side."""
    end = -math.inf if name == "from" else math.inf
    try:
        found = float(ask.one(name) or end)
    except ValueError:
        return end
    return end if math.isnan(found) else found


def _points(ask: Ask, run_id: str, key: str) -> list[Metric]:
    found: list[Metric] = []
    token: str | None = None
    while len(found) < MOST_READ:
        some = ask.parts.tracking.metric_history(run_id, key, page_token=token)
        found.extend(some.items)
        token = some.next_token
        if token is None:
            break
    return found


def _plain(value: float) -> float | None:
    """*value* in digits enough for a screen; None for what no chart can show."""
    return float(f"{value:.7g}") if math.isfinite(value) else None


PAGES: Final = (Page("GET", "/curves", answer),)
