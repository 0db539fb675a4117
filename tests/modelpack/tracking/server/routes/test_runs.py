"""Runs over HTTP, as MLflow's clients ask for them."""

from typing import Any

import pytest

from tests.modelpack.tracking.server.kit import Asking

INVALID, MISSING = "INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"


def test_a_run_begins_running_with_a_name_and_a_place_behind_the_proxy(ask: Asking) -> None:
    run = ask.post("runs/create", experiment_id="0", start_time="5", user_id="me")["run"]
    info = run["info"]
    assert info["run_id"] == info["run_uuid"]
    assert info["artifact_uri"] == f"mlflow-artifacts:/runs/0/{info['run_id']}/artifacts"
    assert (info["status"], info["start_time"], info["user_id"]) == ("RUNNING", 5, "me")
    assert "end_time" not in info
    assert run["data"]["tags"] == [{"key": "mlflow.runName", "value": info["run_name"]}]
    assert run["inputs"] == {}


def test_a_run_without_a_time_began_in_1970_as_with_mlflow(ask: Asking) -> None:
    assert ask.post("runs/create", experiment_id="0")["run"]["info"]["start_time"] == 0


@pytest.mark.parametrize("field", ["run_id", "run_uuid"])
def test_a_run_is_found_by_both_names_of_its_id(ask: Asking, field: str) -> None:
    run = ask.run(run_name="by id")
    assert ask.get("runs/get", **{field: run})["run"]["info"]["run_name"] == "by id"


@pytest.mark.parametrize(("given", "told"), [("FINISHED", "FINISHED"), (4, "FAILED"), (5, "KILLED")])
def test_a_run_ends_with_a_status_by_name_or_number(ask: Asking, given: Any, told: str) -> None:
    run = ask.run()
    info = ask.post("runs/update", run_id=run, status=given, end_time=9, run_name="renamed")["run_info"]
    assert (info["status"], info["end_time"], info["run_name"]) == (told, 9, "renamed")


def test_a_deleted_run_takes_nothing_until_it_is_restored(ask: Asking) -> None:
    run = ask.run()
    ask.post("runs/delete", run_id=run)
    assert ask.get("runs/get", run_id=run)["run"]["info"]["lifecycle_stage"] == "deleted"
    assert ask.refused("runs/set-tag", run_id=run, key="k", value="v")[:2] == (400, INVALID)
    assert ask.refused("runs/delete", run_id=run)[:2] == (404, MISSING)
    ask.post("runs/restore", run_id=run)
    ask.post("runs/set-tag", run_id=run, key="k", value="v")


def test_runs_are_searched_by_what_was_logged(ask: Asking) -> None:
    made = ask.post("experiments/create", name="searched")["experiment_id"]
    for place in range(3):
        run = ask.run(experiment_id=made, run_name=f"r{place}")
        ask.post("runs/log-metric", run_id=run, key="f1", value=place / 10, timestamp=1)
    given = {"experiment_ids": [made], "filter": "metrics.f1 >= 0.1", "order_by": ["metrics.f1 DESC"]}
    first = ask.post("runs/search", max_results=1, **given)
    assert [one["info"]["run_name"] for one in first["runs"]] == ["r2"]
    rest = ask.post("runs/search", max_results=1, page_token=first["next_page_token"], **given)
    assert [one["info"]["run_name"] for one in rest["runs"]] == ["r1"]
    assert "next_page_token" not in rest
    assert ask.post("runs/search", experiment_ids=[made], filter="metrics.f1 > 5") == {}
    assert ask.post("runs/search", experiment_ids=[made], run_view_type="DELETED_ONLY") == {}


@pytest.mark.parametrize(
    ("path", "given", "status", "code"),
    [
        ("runs/create", {"experiment_id": "999"}, 404, MISSING),
        ("runs/create", {"experiment_id": 0}, 400, INVALID),
        ("runs/create", {"experiment_id": "0", "start_time": "soon"}, 400, INVALID),
        ("runs/create", {"experiment_id": "0", "start_time": True}, 400, INVALID),
        ("runs/create", {"experiment_id": "0", "start_time": -1}, 400, INVALID),
        ("runs/create", {"experiment_id": "0", "start_time": 2**63}, 400, INVALID),
        ("runs/create", {"experiment_id": "0", "start_time": "9" * 5_000}, 400, INVALID),
        ("runs/update", {}, 400, INVALID),
        ("runs/update", {"run_id": "nobody"}, 404, MISSING),
        ("runs/update", {"run_id": "../x"}, 404, MISSING),
        ("runs/search", {"experiment_ids": "0", "max_results": 50_001}, 400, INVALID),
        ("runs/search", {"experiment_ids": [0]}, 400, INVALID),
        ("runs/search", {"experiment_ids": ["0"], "filter": "metrics.a = 'x'"}, 400, INVALID),
        ("runs/search", {"experiment_ids": ["0"], "filter": "a" * 100_000}, 400, INVALID),
        ("runs/search", {"experiment_ids": ["0"], "order_by": ["metrics.a; DROP TABLE x"]}, 400, INVALID),
        ("runs/search", {"experiment_ids": ["0"], "order_by": ["metrics.a"] * 10_000}, 400, INVALID),
        ("runs/search", {"experiment_ids": ["0"] * 100_000}, 400, INVALID),
        ("runs/search", {"experiment_ids": ["0"], "page_token": "eyJvZmZzZXQiOiAtMX0="}, 400, INVALID),
    ],
)
def test_what_is_wrong_is_refused_with_its_code(
    ask: Asking, path: str, given: dict[str, Any], status: int, code: str
) -> None:
    assert ask.refused(path, **given)[:2] == (status, code)


def test_a_status_that_there_is_not_is_refused(ask: Asking) -> None:
    run = ask.run()
    wrong: list[Any] = ["BOGUS", 0, 6, True, [], 1.5]
    for status in wrong:
        assert ask.refused("runs/update", run_id=run, status=status)[:2] == (400, INVALID)
