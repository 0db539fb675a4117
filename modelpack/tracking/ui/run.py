"""One run: what went in, what came out, how it went."""

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from modelpack.errors import InvalidName, ModelpackError, NotFound
from modelpack.tracking.records import Metric, Run
from modelpack.tracking.ui import shelf
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.curves import curved
from modelpack.tracking.ui.lineage import models_of, run_of, versions_of_run
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.paging import Pager, with_query
from modelpack.tracking.ui.rendering import HEADERS, page, redirect
from modelpack.tracking.ui.telling import Told, segment

CHARTS: Final = 12
"""On one page."""
MOST: Final = 300
"""Metrics that a page tells of."""

_OWN: Final = "mlflow."
_NOTE: Final = "mlflow.note.content"
_PARENT: Final = "mlflow.parentRunId"
_KINDS: Final = ("params", "tags")


def show(ask: Ask) -> Response:
    """All that is known of it."""
    tracking = ask.parts.tracking
    run = tracking.get_run(ask.path["run"])
    tags = run.data.tags
    points = sorted(run.data.points, key=lambda point: point.key)
    wanted = ask.one("metric").lower()
    listed = [point for point in points if wanted in point.key.lower()]
    pager = Pager.of(ask, CHARTS)
    drawable = curved(ask.parts.database, run.info.run_id)
    curves = [point for point in listed if point.key in drawable]
    charted = curves[pager.offset : pager.offset + CHARTS]
    files, trouble = _files(ask, run)
    linked, more_linked = models_of(ask, run)
    return page(
        "run.html",
        ask,
        run=run,
        experiment=tracking.get_experiment(run.info.experiment_id),
        metrics=listed[:MOST],
        more_metrics=max(0, len(listed) - MOST),
        any_metrics=bool(points),
        wanted=ask.one("metric"),
        charted=charted,
        pager=pager.before("more" if len(curves) > pager.offset + CHARTS else None),
        params=Told.of(run.data.params),
        tags=Told.of({key: value for key, value in tags.items() if not key.startswith(_OWN)}),
        own_tags=Told.of(
            {key: value for key, value in tags.items() if key.startswith(_OWN) and key != _NOTE}
        ),
        note=tags.get(_NOTE, ""),
        parent=run_of(ask, tags.get(_PARENT, "")),
        children=_children(ask, run),
        linked=linked,
        more_linked=more_linked,
        versions=versions_of_run(ask, run),
        files=files,
        trouble=trouble,
        folder="",
    )


def show_metric(ask: Ask) -> Response:
    """Every point of one metric, as a curve and as a table."""
    run = ask.parts.tracking.get_run(ask.path["run"])
    key = ask.one("key")
    if key not in run.data.metrics:
        raise NotFound("metric of this run", key, known=sorted(run.data.metrics))
    history = ask.parts.tracking.metric_history(run.info.run_id, key, max_results=25_000)
    pager = Pager.of(ask, 200)
    shown: Sequence[Metric] = history.items[pager.offset : pager.offset + 200]
    has_more = len(history.items) > pager.offset + 200
    return page(
        "metric.html",
        ask,
        run=run,
        experiment=ask.parts.tracking.get_experiment(run.info.experiment_id),
        key=key,
        points=shown,
        pager=pager.before("more" if has_more else None),
        is_cut=history.next_token is not None,
    )


def show_value(ask: Ask) -> Response:
    """One param or tag, whole, as plain text."""
    run = ask.parts.tracking.get_run(ask.path["run"])
    kind, key = ask.one("of"), ask.one("key")
    held = {"params": run.data.params, "tags": run.data.tags}.get(kind)
    if held is None:
        raise InvalidName("a run has params and tags")
    if key not in held:
        raise NotFound(f"{kind} of this run", key)
    headers = {**HEADERS, "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(
        held[key].encode("utf-8", "replace"), 200, headers, media_type="text/plain; charset=utf-8"
    )


def ask_delete(ask: Ask) -> Response:
    """Ask whether it is meant."""
    run = ask.parts.tracking.get_run(ask.path["run"])
    experiment = ask.parts.tracking.get_experiment(run.info.experiment_id)
    return page("run_asked.html", ask, run=run, experiment=experiment)


def delete(ask: Ask) -> Response:
    """Hide it."""
    ask.parts.tracking.delete_run(ask.path["run"])
    return _back(ask, "deleted")


def restore(ask: Ask) -> Response:
    """Show it again."""
    ask.parts.tracking.restore_run(ask.path["run"])
    return _back(ask, "restored")


def _back(ask: Ask, told: str) -> Response:
    return redirect(with_query(f"/runs/{segment(ask.path['run'])}", told=told))


def _files(ask: Ask, run: Run) -> tuple[list[shelf.File], str]:
    """What lies at the root of its files, or why that cannot be told."""
    try:
        return shelf.files_in(ask.parts, run.info.artifact_uri, ""), ""
    except ModelpackError as error:
        return [], str(error)


def _children(ask: Ask, run: Run) -> Sequence[Run]:
    where = f"tags.`{_PARENT}` = '{run.info.run_id}'"
    return ask.parts.tracking.search_runs([run.info.experiment_id], where, max_results=50).items


PAGES: Final = (
    Page("GET", "/runs/{run}", show),
    Page("GET", "/runs/{run}/metric", show_metric),
    Page("GET", "/runs/{run}/value", show_value),
    Page("GET", "/runs/{run}/delete", ask_delete, "write"),
    Page("POST", "/runs/{run}/delete", delete, "write"),
    Page("POST", "/runs/{run}/restore", restore, "write"),
)
