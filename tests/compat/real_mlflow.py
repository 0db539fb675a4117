"""Real MLflow, each version run in its own virtual environment."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
NEWEST = "3.17"
ENVIRONMENTS = {NEWEST: ".venv-mlflow3", "2.22": ".venv-mlflow222", "2.10": ".venv-mlflow210"}
"""Where each version is set up, by what it calls itself."""
CLIENTS = {**ENVIRONMENTS, "3.0": ".venv-mlflow30"}
"""The same with those that are only asked as clients of a server."""


def python_of(version: str = NEWEST) -> Path:
    """The Python that has MLflow *version*, whether it is there or not."""
    return ROOT / CLIENTS[version] / "bin" / "python"


def require_mlflow(version: str = NEWEST) -> None:
    """Skip, or fail where nothing may be missing, when the environment of *version* is not there."""
    if python_of(version).exists():
        return
    reason = f"real MLflow {version} is not set up: make {CLIENTS[version]}"
    if os.environ.get("MODELPACK_TEST_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def clean_environ(work: Path) -> Mapping[str, str]:
    """What a program of MLflow's gets: nothing of the caller's MLflow or Python, and a database in *work*."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "PYTHON"))}
    own = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{work}/mlflow.db",
        "GIT_PYTHON_REFRESH": "quiet",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
    }
    return kept | own


def run_in_mlflow(script: str, *arguments: str | Path, work: Path, version: str = NEWEST) -> Any:
    """What *script* (a name in ``scripts/``) prints on its last line, as JSON; it runs in *work*."""
    require_mlflow(version)
    done = subprocess.run(
        [python_of(version), "-W", "ignore", SCRIPTS / script, *arguments],
        cwd=work,
        env=clean_environ(work),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])
