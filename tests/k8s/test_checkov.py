"""Checkov, which knows its rules better than we do, finds nothing in the manifests."""

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from k8s.bundle import bundle
from k8s.names import Image
from k8s.text import stream
from tests.k8s.making import DIGEST, workload
from tests.k8s.test_schemas import FULL

ROOT = Path(__file__).parents[2]
CHECKOV = ROOT / ".venv-checkov" / "bin" / "checkov"
NOWHERE = "http://127.0.0.1:9"
"""It asks a site of its maker's for nothing that is needed here."""

pytestmark = pytest.mark.long

Checks = dict[str, set[tuple[str, str]]]


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> Checks:
    """The checks that each file fails, and on what; under ``passed <file>`` the others."""
    if not CHECKOV.exists():
        reason = "checkov is not set up: make .venv-checkov"
        pytest.fail(reason) if os.environ.get("MODELPACK_TEST_REQUIRE_ALL") else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("manifests")
    image = Image.parse(f"registry.example.org/churn:v1@{DIGEST}")
    good = bundle(workload(**FULL, image=image, version=(1, 30)))
    (folder / "good.yaml").write_text(stream(good))
    (folder / "usual.yaml").write_text(stream(bundle(workload(image=image))))
    (folder / "bare.yaml").write_text(stream(_bare(good)))
    words = ["--directory", str(folder), "--framework", "kubernetes", "--skip-download", "--output", "json"]
    ended = subprocess.run(
        [str(CHECKOV), *words],
        env={**os.environ, "HTTPS_PROXY": NOWHERE, "HTTP_PROXY": NOWHERE, "LOG_LEVEL": "CRITICAL"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    results = json.loads(ended.stdout)["results"]
    assert not results.get("parsing_errors"), ended.stderr[-2000:]
    found: Checks = {}
    for kind, word in (("failed_checks", ""), ("passed_checks", "passed ")):
        for check in results[kind]:
            name = word + Path(check["file_path"]).name
            found.setdefault(name, set()).add((check["check_id"], check["resource"]))
    return found


def _bare(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same without what makes it safe."""
    bare = copy.deepcopy(objects)
    for one in bare:
        if one["kind"] == "Deployment":
            pod = one["spec"]["template"]["spec"]
            del pod["securityContext"], pod["automountServiceAccountToken"]
            for container in pod["containers"]:
                for key in ("securityContext", "resources", "livenessProbe", "readinessProbe"):
                    del container[key]
                container["image"] = "churn:latest"
    return bare


@pytest.mark.parametrize(("file", "least"), [("good.yaml", 90), ("usual.yaml", 85)])
def test_no_check_fails(checks: Checks, file: str, least: int) -> None:
    assert checks.get(file, set()) == set()
    assert len(checks[f"passed {file}"]) >= least


def test_control_what_is_taken_away_is_missed(checks: Checks) -> None:
    missed = {check for check, _ in checks["bare.yaml"]}
    print(sorted(missed))
    assert len(missed) >= 15
    assert {
        "CKV_K8S_8",
        "CKV_K8S_9",
        "CKV_K8S_14",
        "CKV_K8S_20",
        "CKV_K8S_22",
        "CKV_K8S_38",
        "CKV_K8S_43",
    } <= missed
