"""The guide's scripts run as they stand there, but for the line that imports."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from modelpack.tracking import MlflowClient
from tests.shared import shared

NAMES = ("ml_pipeline", "model_registry", "batch_inference")


def script(name: str) -> str:
    """The guide's script *name*, importing us instead of MLflow, and told no server."""
    texts = [file.read_text("utf-8") for file in sorted(shared("seeds").iterdir())]
    found = next(
        match
        for text in texts
        if (match := re.search(rf"```python\n# {name}\.py\n(.*?)```", text, re.DOTALL))
    )
    lines = found[1].replace('mlflow.set_tracking_uri("http://localhost:5000")', "").splitlines()
    return "\n".join(_ours(line) for line in lines)


def _ours(line: str) -> str:
    if re.match(r"\s*import mlflow$", line):
        return line.replace("import mlflow", "import modelpack as mlflow")
    return re.sub(r"^(\s*(?:import|from) )mlflow\b", r"\1modelpack", line)


@pytest.mark.long
def test_the_whole_story_is_told(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPACK_CERTIFY_ROWS", "0")
    (tmp_path / "data").mkdir()
    chance = np.random.default_rng(7)
    customers = pd.DataFrame(chance.normal(size=(40, 6)), columns=list("abcdef")).assign(
        customer_id=range(40)
    )
    customers.to_csv(tmp_path / "data" / "customers_to_score.csv", index=False)
    said = {}
    for name in NAMES:
        file = tmp_path / f"{name}.py"
        file.write_text(script(name))
        done = subprocess.run(
            [sys.executable, "-W", "ignore", file],
            cwd=tmp_path,
            env={**os.environ, "MODELPACK_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        said[name] = done.stdout
    assert said["ml_pipeline"].count("completed with F1 Score") == 3
    assert "version 1 transitioned to Production" in said["model_registry"]
    assert "Version 1: Stage=Production" in said["model_registry"]
    with MlflowClient() as client:
        experiment = client.get_experiment_by_name("customer-churn-prediction")
        assert experiment is not None
        best, *_ = client.search_runs([experiment.experiment_id], order_by=["metrics.f1_score DESC"])
        assert f"Best run: {best.info.run_id}" in said["model_registry"]
        (version,) = client.get_latest_versions("churn-prediction-model", ["Production"])
        assert version.run_id == best.info.run_id
        (audit,) = client.search_runs(["0"], "tags.job_type = 'batch_inference'")
        assert audit.data.params == {"model_name": "churn-prediction-model", "input_records": "40"}
        scored = pd.read_csv(tmp_path / "data" / "churn_predictions.csv")
        assert audit.data.metrics["predicted_churns"] == scored["churn_prediction"].sum()
        assert [one.path for one in client.list_artifacts(audit.info.run_id)] == ["churn_predictions.csv"]
