"""``modelpack doctor``: all of it is told, nothing is made, nothing secret is shown."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import modelpack
from modelpack.cli.doctor import verb as doctor
from modelpack.cli.doctor.finding import Finding, Patient, worst
from modelpack.errors import StoreUnavailable
from tests.modelpack.cli.conftest import Verb
from tests.modelpack.small import saved


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine has set is not looked at."""
    for name in list(os.environ):
        if name.startswith(("MODELPACK_", "MLFLOW_", "DOCKER_")) or name.endswith("_NUM_THREADS"):
            monkeypatch.delenv(name)


@pytest.fixture
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is installed takes long to look at, and is not the subject."""
    monkeypatch.delitem(doctor.CHECKS, "versions")


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Everything below *folder*, with what changes when it is written to."""
    found = [(path, path.lstat()) for path in sorted(folder.rglob("*"))]
    return {str(path): (one.st_mtime_ns, one.st_size, one.st_mode) for path, one in found}


def test_a_person_sees_a_line_for_each_thing_and_how_many_are_wrong(verb: Verb, tmp_path: Path) -> None:
    told = verb("doctor")
    assert told.code == 0, told.out
    lines = told.out.splitlines()
    states = {line.split()[0] for line in lines[:-2] if line[0] != " "}
    assert {"ok"} <= states <= {"ok", "warning"}
    assert re.search(rf"^ok +modelpack +{re.escape(modelpack.__version__)}", told.out, re.MULTILINE)
    assert f"{tmp_path / 'home'} is not there yet" in " ".join(told.out.split())
    assert "registry.db (from the default) is not there yet" in " ".join(told.out.split())
    assert lines[-1].endswith("0 problem")


@pytest.mark.usefixtures("_few")
def test_a_program_gets_json_and_an_exit_code(verb: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPACK_CACHE_BYTES", "many")
    told = verb("doctor", "--json")
    assert told.code == 1
    assert told.json["state"] == "problem"
    assert all(set(one) == {"check", "state", "told", "do"} for one in told.json["findings"])
    (problem,) = [one for one in told.json["findings"] if one["state"] == "problem"]
    assert (problem["check"], problem["told"]) == (
        "cache",
        "MODELPACK_CACHE_BYTES is 'many', and no number of bytes",
    )


def test_nothing_is_made(verb: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert verb("doctor", "--verify").code == 0
    assert tree(tmp_path) == {}


@pytest.mark.usefixtures("_few")
def test_nothing_changes_beside_a_registry_that_is_in_use_or_not(verb: Verb, tmp_path: Path) -> None:
    model = saved(tmp_path / "model")
    home = tmp_path / "home"
    with closing(modelpack.Registry()) as registry:
        registry.register(model, "small")
        before = tree(tmp_path)
        assert verb("doctor", "--verify").code == 0
        assert tree(tmp_path) == before
    before = tree(tmp_path)
    told = verb("doctor")
    assert told.code == 0
    assert f"registry sqlite:///{home}/registry.db (from the default), schema" in " ".join(told.out.split())
    assert tree(tmp_path) == before


SECRETS = {
    "MLFLOW_TRACKING_URI": "http://ada:hunter2pass@127.0.0.1:9/x?token=querysecret",
    "MLFLOW_REGISTRY_URI": "http://ada:hunter2@pass@127.0.0.1:9",
    "MLFLOW_TRACKING_USERNAME": "ada-username",
    "MLFLOW_TRACKING_PASSWORD": "tracking-password",
    "MLFLOW_TRACKING_TOKEN": "tracking-token",
    "MODELPACK_REGISTRY_URI": "postgresql://ada:p/w@rd:x@127.0.0.1:9/db?password=dsnsecret",
    "MODELPACK_TOKEN": "not-known-here",
    "AWS_SECRET_ACCESS_KEY": "aws-secret",
    "MLFLOW_S3_ENDPOINT_URL": "http://key:s3secret@host",
    "MLFLOW_SOMETHING_NEW": "future-secret",
    "DOCKER_HOST": "tcp://user:dockersecret@127.0.0.1:9",
    "MLFLOW_MODEL_URI": "s3://bucket/model?sig=signature",
    "OMP_NUM_THREADS": "postgresql://ada:ompsecret@host/db",
}
SECRET_TEXTS = (
    "hunter2", "querysecret", "ada-username", "tracking-password", "tracking-token", "p/w", "rd:x",
    "signature",
    "not-known-here", "aws-secret", "s3secret", "future-secret", "dockersecret", "dsnsecret", "ompsecret",
)  # fmt: skip


@pytest.mark.usefixtures("_few")
@pytest.mark.parametrize("words", [[], ["--json"]])
def test_no_secret_is_shown(verb: Verb, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    told = verb("doctor", *words)
    shown = told.out + told.err
    assert [text for text in SECRET_TEXTS if text in shown] == []
    assert "MLFLOW_TRACKING_TOKEN is set" in shown
    assert "MODELPACK_REGISTRY_URI=postgresql://…@127.0.0.1:9/db?…" in shown
    monkeypatch.setenv("MODELPACK_REGISTRY_URI", "postgresql://ada:x@127.0.0.1:9/db?password=dsnsecret")
    told = verb("doctor", *words)
    assert "dsnsecret" not in told.out
    assert "the database postgresql+psycopg://ada:***@127.0.0.1:9/db cannot" in " ".join(told.out.split())
    for variable in ("MLFLOW_TRACKING_URI", "MODELPACK_REGISTRY_URI"):
        monkeypatch.setenv(variable, "http://ada:hunter2pass@")
        assert "hunter2" not in verb("doctor", *words).out


def test_a_check_that_fails_is_a_problem_and_hides_neither_the_others_nor_a_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unforeseen(patient: Patient) -> Iterator[Finding]:
        yield Finding("a", "ok", f"before {patient.environ['A_TOKEN']}")
        raise RuntimeError("with abcdef12 in it")

    def foreseen(_: Patient) -> Iterator[Finding]:
        raise StoreUnavailable("no abcdef12 here")
        yield

    def fine(_: Patient) -> list[Finding]:
        return [Finding("c", "warning", "fine", "call abcdef12")]

    monkeypatch.setattr(doctor, "CHECKS", {"a": unforeseen, "b": foreseen, "c": fine})
    found = doctor.examine(Patient(environ={"A_TOKEN": "abcdef12"}))
    assert found == [
        Finding("a", "ok", "before …"),
        Finding("a", "problem", "cannot be looked at: RuntimeError"),
        Finding("b", "problem", "no … here"),
        Finding("c", "warning", "fine", "call …"),
    ]
    assert worst(found) == "problem"
    assert worst(found[-1:]) == "warning"
    assert worst([]) == "ok"


def test_its_help_and_its_run_need_no_database_and_no_http_library(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('sqlalchemy', 'alembic', 'httpx2', 'pandas', 'sklearn'): sys.modules[name] = None\n"
        "from modelpack.cli import main; main(sys.argv[1:])"
    )
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MODELPACK_HOME": str(tmp_path / "home")}

    def run(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", code, "doctor", *words],
            env={**environ, **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    done = run("--json", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.returncode == 1, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    (server,) = [one for one in found if one["check"] == "server"]
    assert "httpx2" in server["told"]
    done = run("--json")
    assert done.returncode == 0, done.stderr
    (registry,) = [one for one in json.loads(done.stdout)["findings"] if one["check"] == "registry"]
    assert registry["state"] == "warning"
    assert list(tmp_path.iterdir()) == []
