"""Each kind of bucket is reached by its own library, which is named when it is missing."""

import subprocess
import sys

import pytest
from fsspec.registry import known_implementations

from modelpack.artifacts.buckets import PACKAGES


@pytest.mark.parametrize("scheme", sorted(PACKAGES))
def test_the_library_that_is_named_is_the_one_that_reaches_it(scheme: str) -> None:
    package, _ = PACKAGES[scheme]
    assert known_implementations[scheme]["class"].partition(".")[0] == package


@pytest.mark.parametrize(
    ("ref", "package", "extra"),
    [
        ("s3://b/m", "s3fs", "s3"),
        ("gs://b/m", "gcsfs", "gs"),
        ("abfss://c@a.dfs.core.windows.net/m", "adlfs", "azure"),
        ("runs:/a/m", "httpx2", "remote"),
    ],
)
def test_a_library_that_is_missing_is_named_with_its_pip_line(ref: str, package: str, extra: str) -> None:
    code = (
        f"import os, sys; sys.modules[{package!r}] = None\n"
        "os.environ['MLFLOW_TRACKING_URI'] = 'http://127.0.0.1:1' if 'httpx2' in sys.modules else ''\n"
        f"import modelpack; modelpack.open_model({ref!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert f'pip install "modelpack[{extra}]"' in done.stderr


def test_a_bucket_needs_no_http_client() -> None:
    code = (
        "import sys; sys.modules['httpx2'] = None; sys.modules['s3fs'] = None\n"
        "import modelpack; modelpack.open_model('s3://b/m')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert "s3fs" in done.stderr
    assert "httpx2" not in done.stderr
