"""What is logged in a run over HTTP: in MLflow's way, as often as a client asks, and nothing else."""

import json
from typing import Any

import pytest

from tests.modelpack.tracking.server.kit import Asking

INVALID, MISSING = "INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"
DATASET = {"name": "iris", "digest": "d1", "source_type": "http", "source": "{}"}


@pytest.fixture(scope="module")
def there(ask: Asking) -> str:
    """A run that takes nothing of what is tried on it."""
    return ask.run()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (0.25, 0.25),
        (3, 3.0),
        (0, 0.0),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("0.5", 0.5),
    ],
)
def test_a_metric_comes_back_as_it_was_logged(ask: Asking, given: Any, told: Any) -> None:
    run = ask.run()
    for _ in range(2):
        ask.post("runs/log-metric", run_id=run, key="m", value=given, timestamp="7", step="2")
    point = {"key": "m", "value": told, "timestamp": 7, "step": 2}
    assert ask.get("runs/get", run_id=run)["run"]["data"]["metrics"] == [point]
    assert ask.get("metrics/get-history", run_id=run, metric_key="m")["metrics"] == [point]


def test_a_param_may_be_logged_again_but_not_changed(ask: Asking) -> None:
    run = ask.run()
    for _ in range(2):
        ask.post("runs/log-parameter", run_id=run, key="depth", value="4")
        ask.post("runs/log-batch", run_id=run, params=[{"key": "depth", "value": "4"}])
    other = {"key": "depth", "value": "5"}
    assert ask.refused("runs/log-parameter", run_id=run, **other)[:2] == (400, INVALID)
    assert ask.refused("runs/log-batch", run_id=run, params=[other])[:2] == (400, INVALID)
    assert ask.get("runs/get", run_id=run)["run"]["data"]["params"] == [{"key": "depth", "value": "4"}]


def test_a_param_and_a_tag_may_be_empty_text_and_it_is_told(ask: Asking) -> None:
    run = ask.run()
    ask.post("runs/log-parameter", run_id=run, key="p")
    ask.post("runs/set-tag", run_id=run, key="t", value="")
    data = ask.get("runs/get", run_id=run)["run"]["data"]
    assert data["params"] == [{"key": "p", "value": ""}]
    assert {"key": "t", "value": ""} in data["tags"]


def test_a_tag_is_set_and_set_again_and_taken_away_once(ask: Asking) -> None:
    run = ask.run()
    for value in ("a", "b", "b"):
        ask.post("runs/set-tag", run_id=run, key="t", value=value)
    assert {"key": "t", "value": "b"} in ask.get("runs/get", run_id=run)["run"]["data"]["tags"]
    ask.post("runs/delete-tag", run_id=run, key="t")
    assert ask.refused("runs/delete-tag", run_id=run, key="t")[:2] == (404, MISSING)


def test_the_tag_of_the_name_renames_the_run(ask: Asking) -> None:
    run = ask.run()
    ask.post("runs/set-tag", run_id=run, key="mlflow.runName", value="better")
    assert ask.get("runs/get", run_id=run)["run"]["info"]["run_name"] == "better"


def test_a_batch_with_one_fault_logs_nothing(ask: Asking) -> None:
    run = ask.run()
    status, code, message = ask.refused(
        "runs/log-batch",
        run_id=run,
        params=[{"key": "p", "value": "1"}],
        metrics=[{"key": "m", "value": 1, "timestamp": 1}, {"key": "m", "timestamp": 1}],
    )
    assert (status, code) == (400, INVALID)
    assert "metrics[1].value" in message
    assert set(ask.get("runs/get", run_id=run)["run"]["data"]) == {"tags"}


def test_a_batch_of_a_thousand_points_is_taken_and_one_more_is_not(ask: Asking) -> None:
    run = ask.run()
    points = [{"key": "m", "value": step, "timestamp": 1, "step": step} for step in range(1_001)]
    ask.post("runs/log-batch", run_id=run, metrics=points[:1_000])
    assert ask.refused("runs/log-batch", run_id=run, metrics=points)[:2] == (400, INVALID)


def test_a_batch_over_a_megabyte_is_refused_before_it_is_read(ask: Asking) -> None:
    status, code, message = ask.refused(
        "runs/log-batch", run_id="x", tags=[{"key": "k", "value": "v" * 10**6}]
    )
    assert (status, code) == (400, INVALID)
    assert "1000000" in message


def test_a_model_is_added_once_to_the_history_of_a_run(ask: Asking) -> None:
    run = ask.run()
    models: list[dict[str, Any]] = [
        {"run_id": run, "artifact_path": path, "utc_time_created": "2026-01-01", "flavors": {"sklearn": {}}}
        for path in ("a", "b")
    ]
    for model in (models[0], models[0], models[1]):
        ask.post("runs/log-model", run_id=run, model_json=json.dumps(model))
    tags = {one["key"]: one["value"] for one in ask.get("runs/get", run_id=run)["run"]["data"]["tags"]}
    assert json.loads(tags["mlflow.log-model.history"]) == models


@pytest.mark.parametrize("text", ["", "x", "[]", '{"run_id": "1"}', "[" * 100_000, 5])
def test_what_tells_no_model_is_refused(ask: Asking, text: Any) -> None:
    assert ask.refused("runs/log-model", run_id=ask.run(), model_json=text)[:2] == (400, INVALID)


def test_inputs_are_noted_once(ask: Asking) -> None:
    run = ask.run()
    tags = [{"key": "mlflow.data.context", "value": "training"}]
    for _ in range(2):
        ask.post("runs/log-inputs", run_id=run, datasets=[{"tags": tags, "dataset": DATASET}])
    assert ask.get("runs/get", run_id=run)["run"]["inputs"] == {
        "dataset_inputs": [{"tags": tags, "dataset": DATASET}]
    }


def test_models_that_a_run_used_and_made_are_told_with_it(ask: Asking) -> None:
    run = ask.run()
    made = ask.post("logged-models", experiment_id="0", name="m", source_run_id=run)["model"]["info"][
        "model_id"
    ]
    for _ in range(2):
        ask.post("runs/log-inputs", run_id=run, models=[{"model_id": made}])
        ask.post("runs/outputs", run_id=run, models=[{"model_id": made, "step": 3}])
    told = ask.get("runs/get", run_id=run)["run"]
    assert told["inputs"] == {"model_inputs": [{"model_id": made}]}
    assert told["outputs"] == {"model_outputs": [{"model_id": made, "step": 3}]}


def test_a_point_may_tell_of_a_logged_model_and_its_data(ask: Asking) -> None:
    run = ask.run()
    made = ask.post("logged-models", experiment_id="0", name="m")["model"]["info"]["model_id"]
    more = {"model_id": made, "dataset_name": "iris", "dataset_digest": "d1"}
    ask.post("runs/log-metric", run_id=run, key="acc", value=0.5, timestamp=1, **more)
    ask.post("runs/log-batch", run_id=run, metrics=[{"key": "f1", "value": 0.6, "timestamp": 1, **more}])
    found = ask.get(f"logged-models/{made}")["model"]["data"]["metrics"]
    assert {(one["key"], one["value"], one["run_id"], one["dataset_name"]) for one in found} == {
        ("acc", 0.5, run, "iris"),
        ("f1", 0.6, run, "iris"),
    }


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("runs/log-metric", {"value": 1, "timestamp": 1}),
        ("runs/log-metric", {"key": "m", "timestamp": 1}),
        ("runs/log-metric", {"key": "m", "value": 1}),
        ("runs/log-metric", {"key": "m", "value": True, "timestamp": 1}),
        ("runs/log-metric", {"key": "m", "value": "many", "timestamp": 1}),
        ("runs/log-metric", {"key": "m", "value": "1_000", "timestamp": 1}),
        ("runs/log-metric", {"key": "m", "value": [1], "timestamp": 1}),
        ("runs/log-metric", {"key": ["m"], "value": 1, "timestamp": 1}),
        ("runs/log-metric", {"key": "m", "value": 1, "timestamp": -1}),
        ("runs/log-metric", {"key": "m", "value": 1, "timestamp": 1.5}),
        ("runs/log-metric", {"key": "m", "value": 1, "timestamp": 2**70}),
        ("runs/log-metric", {"key": "m", "value": 1, "timestamp": 1, "step": "x"}),
        ("runs/log-metric", {"key": "../m", "value": 1, "timestamp": 1}),
        ("runs/log-metric", {"key": "m", "value": 1, "timestamp": 1, "model_id": 5}),
        ("runs/log-metric", {"key": "m\nx", "value": 1, "timestamp": 1}),
        ("runs/log-parameter", {"value": "x"}),
        ("runs/log-parameter", {"key": "p", "value": "v" * 6_001}),
        ("runs/log-parameter", {"key": "p", "value": 5}),
        ("runs/log-parameter", {"key": "k" * 251, "value": "v"}),
        ("runs/log-parameter", {"key": "p<script>", "value": "v"}),
        ("runs/set-tag", {"key": "t", "value": "v" * 8_001}),
        ("runs/set-tag", {"key": "t", "value": "a\0"}),
        ("runs/log-batch", {"metrics": "x"}),
        ("runs/log-batch", {"metrics": [1]}),
        ("runs/log-batch", {"params": [{"key": "p", "value": "1"}, {"key": "p", "value": "1"}]}),
        ("runs/log-batch", {"params": [{"key": f"p{n}", "value": "1"} for n in range(101)]}),
        ("runs/log-batch", {"tags": [{"key": f"t{n}", "value": "1"} for n in range(101)]}),
        ("runs/log-inputs", {"datasets": [{}]}),
        ("runs/log-inputs", {"datasets": [{"dataset": {**DATASET, "digest": ""}}]}),
        ("runs/log-inputs", {"datasets": [{"dataset": {**DATASET, "name": 5}}]}),
        ("runs/log-inputs", {"datasets": [{"dataset": DATASET, "tags": [{"value": "v"}]}]}),
        ("runs/log-inputs", {"datasets": [{"dataset": DATASET, "tags": {}}]}),
        ("runs/log-inputs", {"datasets": [{"dataset": {**DATASET, "name": "n" * 501}}]}),
        ("runs/log-inputs", {"models": [{}]}),
    ],
)
def test_what_is_wrong_is_refused(ask: Asking, there: str, path: str, given: dict[str, Any]) -> None:
    assert ask.refused(path, run_id=there, **given)[:2] == (400, INVALID)


@pytest.mark.parametrize("path", ["log-metric", "log-parameter", "set-tag", "log-batch", "log-inputs"])
def test_a_run_that_there_is_not_is_missing(ask: Asking, path: str) -> None:
    given = {"key": "k", "value": "1", "timestamp": 1}
    assert ask.refused(f"runs/{path}", run_id="0" * 32, **given)[:2] == (404, MISSING)
    assert ask.refused(f"runs/{path}", **given)[:2] == (400, INVALID)
