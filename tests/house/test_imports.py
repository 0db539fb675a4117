"""Importing the toolkit is light."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = [
    "sklearn",
    "pandas",
    "scipy",
    "starlette",
    "uvicorn",
    "gunicorn",
    "sqlalchemy",
    "alembic",
    "skops",
    "cloudpickle",
    "onnxruntime",
    "onnx",
    "torch",
    "xgboost",
    "lightgbm",
    "catboost",
    "statsmodels",
    "httpx2",
    "pyarrow",
    "docker",
]


def _modules_after(statement: str) -> set[str]:
    code = (
        f"import sys, json\n{statement}\nprint(json.dumps(sorted(m.partition('.')[0] for m in sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "statement",
    [
        "import modelpack",
        "import modelpack.cli",
        "from modelpack.cli import cli, run; run(cli, ['--help'], name='modelpack')",
        "from modelpack import open_model, Signature, Trust",
        "from modelpack import save, load, load_predictor, infer_signature",
    ],
)
def test_no_framework_is_loaded_by(statement: str) -> None:
    assert not _modules_after(statement) & set(HEAVY)


def test_the_list_of_verbs_needs_no_library_of_an_extra() -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(sys.argv[1:])); "
        "from modelpack.cli import main; main(['--help'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *HEAVY, "orjson", "grpc", "uv"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "doctor" in done.stdout


def test_the_list_of_heavy_modules_is_not_blind() -> None:
    assert "pandas" in _modules_after("import modelpack, pandas") & set(HEAVY)


@pytest.mark.parametrize(("given", "wanted"), [(None, "1"), ("0", "0")])
def test_the_runtime_is_told_not_to_call_its_makers_unless_the_operator_says_so(
    given: str | None, wanted: str
) -> None:
    environ = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    if given is not None:
        environ["ORT_DISABLE_TELEMETRY"] = given
    code = "import modelpack.onnx.session, os; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, env=environ
    )
    assert done.stdout.strip() == wanted
