"""torch, from the folder that scripts/torch-environment.sh fills, for this process and its children."""

import os
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / ".venv-torch"


def require_torch() -> None:
    """Make torch importable, after all that is installed here. Skip, or fail where nothing may be missing."""
    if not (FOLDER / "torch").is_dir():
        reason = "torch is not set up: make .venv-torch"
        if os.environ.get("MODELPACK_TEST_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason, allow_module_level=True)
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))


def with_torch(environ: dict[str, str]) -> dict[str, str]:
    """*environ* for a child process that finds torch; of what both have, both have the same version."""
    return {**environ, "PYTHONPATH": str(FOLDER)}
