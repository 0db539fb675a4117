"""The guide's scripts against our server: by MLflow's own package as they stand, and by ours."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from modelpack.tracking import MlflowClient
from tests.compat.real_mlflow import NEWEST, require_mlflow
from tests.modelpack.tracking.test_guide import NAMES, script
from tests.shared import shared
from tests.team.clients import run_client
from tests.team.conftest import Enter
from tests.team.servers import Team, team_server

pytestmark = [pytest.mark.mlflow, pytest.mark.postgres, pytest.mark.long]


def as_it_stands(name: str, url: str) -> str:
    """The guide's script *name*, unchanged but for where the server is."""
    texts = [file.read_text("utf-8") for file in sorted(shared("seeds").iterdir())]
    pattern = rf"```python\n# {name}\.py\n(.*?)```"
    found = next(match for text in texts if (match := re.search(pattern, text, re.DOTALL)))
    return found[1].replace("http://localhost:5000", url)


def write_customers(folder: Path) -> None:
    """What the last script reads."""
    (folder / "data").mkdir()
    chance = np.random.default_rng(7)
    customers = pd.DataFrame(chance.normal(size=(40, 6)), columns=list("abcdef"))
    customers.assign(customer_id=range(40)).to_csv(folder / "data" / "customers_to_score.csv", index=False)


def require_told(said: Mapping[str, str], server: Team, folder: Path) -> None:
    """That the story was told to its end, and the server knows all of it."""
    assert said["ml_pipeline"].count("completed with F1 Score") == 3
    assert "Version 1: Stage=Production" in said["model_registry"]
    with MlflowClient(server.url) as client:
        experiment = client.get_experiment_by_name("customer-churn-prediction")
        assert experiment is not None
        best, *others = client.search_runs([experiment.experiment_id], order_by=["metrics.f1_score DESC"])
        assert len(others) == 2
        assert f"Best run: {best.info.run_id}" in said["model_registry"]
        (version,) = client.get_latest_versions("churn-prediction-model", ["Production"])
        assert version.run_id == best.info.run_id
        (audit,) = client.search_runs(["0"], "tags.job_type = 'batch_inference'")
        assert audit.data.params == {"model_name": "churn-prediction-model", "input_records": "40"}
        scored = pd.read_csv(folder / "data" / "churn_predictions.csv")
        assert audit.data.metrics["predicted_churns"] == scored["churn_prediction"].sum()
        assert [one.path for one in client.list_artifacts(audit.info.run_id)] == ["churn_predictions.csv"]
    assert server.failures() == []


@pytest.mark.parametrize(
    "versions",
    [
        pytest.param(("2.10", "2.10", "2.10"), id="2.10"),
        pytest.param(("2.22", "2.22", "2.22"), id="2.22"),
        pytest.param(("3.0", "3.0", "3.0"), id="3.0"),
        # The newest one logs no forest: with this skops and scikit-learn it trusts none of its own trees,
        # wherever it would keep them. What others logged it promotes and scores.
        pytest.param(("3.0", NEWEST, NEWEST), id="3.17"),
    ],
)
def test_the_guide_is_run_as_it_stands_by_mlflow(
    versions: Sequence[str], tmp_path: Path, enter: Enter
) -> None:
    for version in set(versions):
        require_mlflow(version)
    write_customers(tmp_path)
    with team_server(tmp_path, f"sqlite:///{tmp_path}/team.db", str(tmp_path / "files")) as server:
        enter(server.environ)
        said = {}
        for name, version in zip(NAMES, versions, strict=True):
            file = tmp_path / f"{name}.py"
            file.write_text(as_it_stands(name, server.url))
            said[name] = run_client(file, work=tmp_path, environ=server.environ, version=version)
        require_told(said, server, tmp_path)


@pytest.mark.parametrize("where", ["plain", "guarded"])
def test_the_guide_is_run_by_our_package(
    request: pytest.FixtureRequest, tmp_path: Path, enter: Enter, where: str
) -> None:
    server: Team = request.getfixturevalue(where)
    enter(server.environ)
    write_customers(tmp_path)
    said = {}
    for name in NAMES:
        file = tmp_path / f"{name}.py"
        file.write_text(script(name))
        done = subprocess.run(
            [sys.executable, "-W", "ignore", file],
            cwd=tmp_path,
            env=dict(os.environ),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2_000:]
        said[name] = done.stdout
    require_told(said, server, tmp_path)
