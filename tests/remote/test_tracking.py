"""Runs are tracked to real MLflow servers as to our own database; the guide's scripts run against one."""

import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from modelpack.errors import AlreadyExists, Conflict, InvalidFilter, InvalidName, NotFound
from modelpack.tracking import Dataset, DatasetInput, Metric, MlflowClient, Param, RunTag, ViewType
from tests.modelpack.tracking.test_guide import NAMES, script
from tests.remote.conftest import Enter
from tests.remote.servers import Server, Servers

pytestmark = [pytest.mark.mlflow, pytest.mark.postgres]


@pytest.fixture
def client(server: Server) -> Iterator[MlflowClient]:
    """A client of each of the servers, which the environment names."""
    with MlflowClient(server.url) as opened:
        yield opened


@pytest.fixture
def experiment(client: MlflowClient, request: pytest.FixtureRequest) -> str:
    """A new experiment."""
    return client.create_experiment(request.node.name, tags={"of": "tests"})


def test_what_is_logged_comes_back(client: MlflowClient, experiment: str, tmp_path: Path) -> None:
    run = client.create_run(experiment, run_name="first", tags={"team": "growth"})
    run_id = run.info.run_id
    points = [Metric("loss", 0.5, 10, 1), Metric("loss", 0.25, 11, 2)]
    for _ in range(2):
        client.log_batch(run_id, points, [Param("depth", "4")], [RunTag("note", "x")])
    # Once only: MLflow 2.22 fails at the same NaN again.
    client.log_batch(run_id, [Metric("nan", math.nan, 12)])
    client.log_metric(run_id, "f1", np.float64(0.5), step=3)
    client.log_text(run_id, "hello", "texts/greeting.txt")
    client.log_inputs(
        run_id,
        [
            DatasetInput(
                dataset=Dataset(name="customers", digest="1f0a", source_type="local", source="{}"),
                tags={"mlflow.data.context": "training"},
            )
        ],
    )
    client.set_terminated(run_id)
    found = client.get_run(run_id)
    assert (found.info.status, found.info.run_name) == ("FINISHED", "first")
    assert found.info.end_time is not None
    assert found.data.params == {"depth": "4"}
    assert {"team": "growth", "note": "x"}.items() <= found.data.tags.items()
    assert math.isnan(found.data.metrics["nan"])
    assert {key: value for key, value in found.data.metrics.items() if key != "nan"} == {
        "loss": 0.25,
        "f1": 0.5,
    }
    assert client.get_metric_history(run_id, "loss") == points
    assert found.inputs.dataset_inputs[0].dataset.name == "customers"
    assert [one.path for one in client.list_artifacts(run_id)] == ["texts"]
    file = client.download_artifacts(run_id, "texts/greeting.txt", tmp_path)
    assert Path(file).read_text() == "hello"


def test_experiments_and_runs_are_found_hidden_and_shown(client: MlflowClient, experiment: str) -> None:
    for depth in range(3):
        run = client.create_run(experiment)
        client.log_batch(run.info.run_id, [Metric("f1", depth / 10, 1)], [Param("depth", str(depth))])
    best, *_ = client.search_runs([experiment], "metrics.f1 > 0.05", order_by=["metrics.f1 DESC"])
    assert best.data.params == {"depth": "2"}
    page = client.search_runs([experiment], max_results=2)
    assert len(page) == 2
    assert len(client.search_runs([experiment], max_results=2, page_token=page.token)) == 1
    client.delete_run(best.info.run_id)
    assert len(client.search_runs([experiment])) == 2
    assert len(client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)) == 1
    with pytest.raises(Conflict):
        client.log_param(best.info.run_id, "late", 1)
    client.restore_run(best.info.run_id)
    name = client.get_experiment(experiment).name
    found = client.get_experiment_by_name(name)
    assert found is not None
    assert found.tags == {"of": "tests"}
    assert name in [one.name for one in client.search_experiments(filter_string="tags.of = 'tests'")]
    client.delete_experiment(experiment)
    assert client.get_experiment(experiment).lifecycle_stage == "deleted"
    with pytest.raises(AlreadyExists):
        client.create_experiment(name)


REFUSED: list[tuple[str, Callable[[MlflowClient, str, str], object], type[Exception]]] = [
    ("no run", lambda c, e, r: c.get_run("0" * 32), NotFound),
    ("no experiment", lambda c, e, r: c.get_experiment("987654"), NotFound),
    ("a param that changes", lambda c, e, r: c.log_param(r, "depth", 5), Conflict),
    ("a metric of text", lambda c, e, r: c.log_metric(r, "m", "x"), InvalidName),  # type: ignore[arg-type]
    ("a filter of nonsense", lambda c, e, r: c.search_runs([e], "colour = 'red'"), InvalidFilter),
    ("a tag that is not there", lambda c, e, r: c.delete_tag(r, "absent"), NotFound),
    ("a status that is none", lambda c, e, r: c.update_run(r, "DONE"), InvalidName),
]


def test_a_no_is_one_of_our_errors(client: MlflowClient, experiment: str) -> None:
    run_id = client.create_run(experiment).info.run_id
    client.log_param(run_id, "depth", 4)
    for name, act, error in REFUSED:
        with pytest.raises(error) as caught:
            act(client, experiment, run_id)
        assert len(str(caught.value)) <= 300, name
    assert client.get_experiment_by_name("absent") is None


@pytest.mark.long
def test_the_guides_scripts_run_against_a_real_server(
    mlflow_servers: Servers, enter: Enter, tmp_path: Path
) -> None:
    server = mlflow_servers.proxied
    enter(server.environ)
    (tmp_path / "data").mkdir()
    chance = np.random.default_rng(7)
    customers = pd.DataFrame(chance.normal(size=(40, 6)), columns=list("abcdef")).assign(
        customer_id=range(40)
    )
    customers.to_csv(tmp_path / "data" / "customers_to_score.csv", index=False)
    said = {}
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(script(name))
        done = subprocess.run(
            [sys.executable, "-W", "ignore", f"{name}.py"],
            cwd=tmp_path,
            env={**os.environ, "MLFLOW_TRACKING_URI": server.url, "MODELPACK_CERTIFY_ROWS": "0"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        said[name] = done.stdout
    assert "Version 1: Stage=Production" in said["model_registry"]
    with MlflowClient(server.url) as client:
        (version,) = client.get_latest_versions("churn-prediction-model", ["Production"])
        assert f"Best run: {version.run_id}" in said["model_registry"]
        (audit,) = client.search_runs(["0"], "tags.job_type = 'batch_inference'")
        assert audit.data.params["input_records"] == "40"
        assert [one.path for one in client.list_artifacts(audit.info.run_id)] == ["churn_predictions.csv"]
