"""Histories of metrics over HTTP."""

from typing import Any

import pytest

from tests.modelpack.tracking.server.kit import Asking

INVALID, MISSING = "INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"
INTERVAL = "/api/2.11/mlflow/metrics/get-history-bulk-interval"


@pytest.fixture(scope="module")
def runs(ask: Asking) -> list[str]:
    """Two runs with a metric at the steps 0 to 99, and 50 to 149."""
    found = []
    for first in (0, 50):
        run = ask.run()
        steps = range(first, first + 100)
        points = [{"key": "loss", "value": 1 / (step + 1), "timestamp": step, "step": step} for step in steps]
        ask.post("runs/log-batch", run_id=run, metrics=points)
        found.append(run)
    return found


def test_a_history_comes_whole_or_by_pages(ask: Asking, runs: list[str]) -> None:
    whole = ask.get("metrics/get-history", run_id=runs[0], metric_key="loss")
    assert [one["step"] for one in whole["metrics"]] == list(range(100))
    assert "next_page_token" not in whole
    paged: list[Any] = []
    token = ""
    while True:
        page = ask.get(
            "metrics/get-history", run_id=runs[0], metric_key="loss", max_results=30, page_token=token
        )
        paged += page["metrics"]
        token = page.get("next_page_token", "")
        if not token:
            break
    assert paged == whole["metrics"]


def test_a_metric_that_was_never_logged_has_no_history(ask: Asking, runs: list[str]) -> None:
    assert ask.get("metrics/get-history", run_id=runs[0], metric_key="nothing") == {}


def test_histories_of_several_runs_come_together(ask: Asking, runs: list[str]) -> None:
    found = ask.get("metrics/get-history-bulk", run_id=runs, metric_key="loss", max_results=3)["metrics"]
    first = 0 if min(runs) == runs[0] else 50
    assert [(one["run_id"], one["step"]) for one in found] == [(min(runs), first + n) for n in range(3)]


def test_an_interval_of_several_runs_is_cut_at_its_ends(ask: Asking, runs: list[str]) -> None:
    found = ask.get(INTERVAL, run_ids=runs, metric_key="loss", start_step=98, end_step=101)["metrics"]
    assert [(one["run_id"], one["step"]) for one in found] == [
        *((runs[0], step) for step in (98, 99)),
        *((runs[1], step) for step in (98, 99, 100, 101)),
    ]


def test_many_steps_are_thinned_out_and_each_run_keeps_its_ends(ask: Asking, runs: list[str]) -> None:
    found = ask.get(INTERVAL, run_ids=runs, metric_key="loss", max_results=10)["metrics"]
    for run, ends in zip(runs, [(0, 99), (50, 149)], strict=True):
        steps = [one["step"] for one in found if one["run_id"] == run]
        assert (steps[0], steps[-1]) == ends
        assert len(steps) <= 12
    assert ask.get(INTERVAL, run_ids=runs, metric_key="loss", max_results=1)["metrics"]


@pytest.mark.parametrize(
    "path", [INTERVAL, INTERVAL.replace("/api/", "/ajax-api/"), "metrics/get-history-bulk-interval"]
)
def test_the_interval_is_told_wherever_mlflow_has_it(ask: Asking, runs: list[str], path: str) -> None:
    assert len(ask.get(path, run_ids=runs[:1], metric_key="loss")["metrics"]) == 100


@pytest.mark.parametrize(
    ("path", "given", "status", "code"),
    [
        ("metrics/get-history", {"metric_key": "m"}, 400, INVALID),
        ("metrics/get-history", {"run_id": "0" * 32, "metric_key": "m"}, 404, MISSING),
        ("metrics/get-history", {"run_id": "0" * 32}, 400, INVALID),
        ("metrics/get-history", {"run_id": "0" * 32, "metric_key": "m", "max_results": 0}, 400, INVALID),
        ("metrics/get-history", {"run_id": "0" * 32, "metric_key": "m", "page_token": "?"}, 400, INVALID),
        ("metrics/get-history-bulk", {"metric_key": "m"}, 400, INVALID),
        ("metrics/get-history-bulk", {"run_id": ["x"] * 101, "metric_key": "m"}, 400, INVALID),
        (INTERVAL, {"run_ids": "0" * 32}, 400, INVALID),
        (INTERVAL, {"run_ids": "0" * 32, "metric_key": "m", "start_step": 1}, 400, INVALID),
        (INTERVAL, {"run_ids": "0" * 32, "metric_key": "m", "start_step": 2, "end_step": 1}, 400, INVALID),
        (INTERVAL, {"run_ids": "0" * 32, "metric_key": "m", "max_results": 2_501}, 400, INVALID),
    ],
)
def test_what_is_wrong_is_refused_with_its_code(
    ask: Asking, path: str, given: dict[str, Any], status: int, code: str
) -> None:
    assert ask.refused_get(path, **given)[:2] == (status, code)
