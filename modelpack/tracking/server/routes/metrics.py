"""The history of a metric: of one run, or of several side by side."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from modelpack.errors import InvalidName
from modelpack.tracking.records import Metric
from modelpack.tracking.server.call import Call, Endpoint, missing
from modelpack.tracking.server.routes.runs import run_id_of
from modelpack.tracking.server.telling import told_metric, told_page

_PAGE: Final = 25_000
_MOST: Final = 1_000_000
"""Points in one answer to a client that does not know of pages."""
_MOST_RUNS: Final = 100
_MOST_STEPS: Final = 2_500


def get_history(call: Call) -> Mapping[str, Any]:
    """Every point of a metric, by pages if the caller says how large they are."""
    run_id, key = run_id_of(call), call.required("metric_key")
    page = call.parts.tracking.metric_history(
        run_id,
        key,
        max_results=_most(call.whole("max_results", _MOST), _MOST),
        page_token=call.text("page_token") or None,
    )
    return told_page("metrics", map(told_metric, page), page.next_token)


def get_history_bulk(call: Call) -> Mapping[str, Any]:
    """The first points of a metric in several runs."""
    most = min(_most(call.whole("max_results", _PAGE), _MOST), _PAGE)
    run_ids, key = _several(call, "run_id"), call.required("metric_key")
    points = [
        told_metric(point, run_id=run_id)
        for run_id in sorted(run_ids)
        for point in call.parts.tracking.metric_history(run_id, key, max_results=most)
    ]
    return told_page("metrics", points[:most], None)


def get_history_bulk_interval(call: Call) -> Mapping[str, Any]:
    """A metric of several runs between two steps, thinned out evenly where there are many."""
    most = _most(call.whole("max_results", _MOST_STEPS), _MOST_STEPS)
    run_ids, key = _several(call, "run_ids"), call.required("metric_key")
    first, last = call.optional_whole("start_step"), call.optional_whole("end_step")
    if (first is None) != (last is None):
        raise InvalidName("If either start step or end step are specified, both must be specified.")
    if first is not None and last is not None and first > last:
        raise InvalidName(f"end_step must not be less than start_step: {last} is less than {first}.")
    found = {
        run_id: [
            one
            for one in _history(call, run_id, key)
            if first is None or last is None or first <= one.step <= last
        ]
        for run_id in run_ids
    }
    wanted = _thinned(sorted({one.step for points in found.values() for one in points}), most)
    told = []
    for run_id, points in found.items():
        ends = {points[0].step, points[-1].step} if points else set()
        told += [told_metric(one, run_id=run_id) for one in points if one.step in wanted or one.step in ends]
    return told_page("metrics", told, None)


def _history(call: Call, run_id: str, key: str) -> Iterator[Metric]:
    token: str | None = None
    while True:
        page = call.parts.tracking.metric_history(run_id, key, max_results=_PAGE, page_token=token)
        yield from page
        token = page.next_token
        if token is None:
            return


def _thinned(steps: Sequence[int], most: int) -> frozenset[int]:
    """At most *most* of *steps*, the first and the last among them."""
    if len(steps) <= most:
        return frozenset(steps)
    gap = (len(steps) - 1) / max(most - 1, 1)
    return frozenset(steps[round(place * gap)] for place in range(most))


def _several(call: Call, name: str) -> Sequence[str]:
    run_ids = call.texts(name)
    if not run_ids:
        raise missing(name)
    if len(run_ids) > _MOST_RUNS:
        raise InvalidName(f"at most {_MOST_RUNS} runs are asked for at a time, not {len(run_ids)}")
    return list(dict.fromkeys(run_ids))


def _most(given: int, limit: int) -> int:
    if not 1 <= given <= limit:
        raise InvalidName(f"max_results is a number from 1 to {limit}, not {given}")
    return given


_INTERVAL: Final = "metrics/get-history-bulk-interval"

ENDPOINTS = (
    Endpoint("GET", "metrics/get-history", get_history, "read"),
    Endpoint("GET", "metrics/get-history-bulk", get_history_bulk, "read"),
    Endpoint("GET", _INTERVAL, get_history_bulk_interval, "read"),
    # MLflow counts this one alone to another version of its API.
    Endpoint("GET", f"/api/2.11/mlflow/{_INTERVAL}", get_history_bulk_interval, "read"),
    Endpoint("GET", f"/ajax-api/2.11/mlflow/{_INTERVAL}", get_history_bulk_interval, "read"),
)
