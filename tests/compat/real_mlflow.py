"""Real MLflow, run in its own virtual environment."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-mlflow3" / "bin" / "python"
SCRIPTS = Path(__file__).parent / "scripts"


def require_mlflow() -> None:
    """Skip, or fail where nothing may be missing, when MLflow's environment is not there."""
    if PYTHON.exists():
        return
    reason = "real MLflow is not set up: make .venv-mlflow3"
    if os.environ.get("MODELPACK_TEST_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def run_in_mlflow(script: str, *arguments: str | Path, work: Path) -> Any:
    """What *script* (a name in ``scripts/``) prints on its last line, as JSON; it runs in *work*."""
    require_mlflow()
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "PYTHON"))}
    done = subprocess.run(
        [PYTHON, "-W", "ignore", SCRIPTS / script, *arguments],
        cwd=work,
        env={**clean, "MLFLOW_TRACKING_URI": f"sqlite:///{work}/mlflow.db", "GIT_PYTHON_REFRESH": "quiet"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])
