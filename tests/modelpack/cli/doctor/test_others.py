"""Servers, trust, variables, processors and programs, as they are found."""

import re
import socket
import time
from pathlib import Path

import pytest

import modelpack
from modelpack.cli.doctor import machine, server, trusted, variables
from modelpack.cli.doctor.finding import Finding, Patient
from modelpack.cli.doctor.waiting import within
from modelpack.errors import StoreUnavailable, Untrusted
from tests.modelpack.remote.faulty import Fault, serve

ROOT = Path(modelpack.__file__).parents[1]


def test_what_is_waited_for_in_vain_is_left_behind() -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match=r"nobody does not answer within 0\.1 s"):
        within(0.1, lambda: time.sleep(5), "nobody")
    assert time.monotonic() - began < 3
    assert within(5, lambda: 7, "somebody") == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0, "somebody")


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        uri = f"http://ada:secret@127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        (found,) = server.look(Patient(environ={"MLFLOW_TRACKING_URI": uri}, deadline=0.5))
    assert time.monotonic() - began < 5
    assert found.state == "problem"
    assert "does not answer within 0.5 s" in found.told
    assert "secret" not in found.told


@pytest.mark.parametrize(
    ("fault", "state", "said"),
    [
        (Fault(body=b"{}"), "ok", "(of runs and of registered models) answered in "),
        (Fault(status=401, body=b"who?"), "problem", "MLFLOW_TRACKING_USERNAME"),
        (Fault(status=302, body=b""), "problem", "another place"),
        (Fault(body=b"<html>"), "problem", "is it an MLflow server?"),
    ],
)
def test_what_a_server_answers_is_told(tmp_path: Path, fault: Fault, state: str, said: str) -> None:
    with serve(tmp_path) as asked:
        asked.faults["registered-models/search"] = [fault]
        (found,) = server.look(Patient(environ={"MLFLOW_TRACKING_URI": asked.url}))
    assert found.state == state
    assert said in found.told


@pytest.mark.parametrize(
    ("environ", "trust", "state", "said"),
    [
        ({}, None, "ok", "plain data alone"),
        ({"MODELPACK_TRUST": "pickle"}, None, "warning", "pickle (from MODELPACK_TRUST)"),
        ({}, "code = true\n", "warning", "trust.toml)"),
        ({"MODELPACK_TRUST": "a.B,c.*"}, None, "ok", "a.B, c.* (from MODELPACK_TRUST)"),
        (
            {"MODELPACK_TRUST": "pickle", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
            None,
            "ok",
            "plain data alone; pickles and code need a word each time (from MODELPACK_TRUST, MLFLOW_ALLOW_P",
        ),
    ],
)
def test_trust_is_told_with_its_origin(
    tmp_path: Path, environ: dict[str, str], trust: str | None, state: str, said: str
) -> None:
    if trust is not None:
        (tmp_path / "trust.toml").write_text(trust)
        (tmp_path / "trust.toml").chmod(0o600)
    (found,) = trusted.look(Patient(environ={"MODELPACK_HOME": str(tmp_path), **environ}))
    assert found.state == state
    assert said in found.told


def test_a_policy_that_others_may_write_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "trust.toml").write_text("")
    (tmp_path / "trust.toml").chmod(0o666)
    with pytest.raises(Untrusted, match="written by others"):
        list(trusted.look(Patient(environ={"MODELPACK_HOME": str(tmp_path)})))


def test_every_variable_that_is_read_anywhere_is_known() -> None:
    read = set()
    for package in ("modelpack", "serving", "k8s"):
        for path in (ROOT / package).rglob("*.py"):
            if "doctor" not in path.parts:
                read |= set(re.findall(r"\b(?:MODELPACK|MLFLOW)(?:_[A-Z0-9]+)+\b", path.read_text("utf-8")))
    # A word of a C header, and the beginning of several.
    assert len(read) > 30
    unknown = read - variables.SHOWN - variables.HIDDEN - {"MODELPACK_MODEL_H"}
    assert unknown == set(), "enter these in modelpack/cli/doctor/variables.py"


def test_a_name_that_nobody_reads_is_told_with_the_nearest() -> None:
    environ = {"MODELPACK_REGISTY_URI": "x", "MLFLOW_NEW": "y", "MODELPACK_EMPTY": "", "PATH": "/bin"}
    assert list(variables.look(Patient(environ=environ))) == [
        Finding("variable", "ok", "MLFLOW_NEW is set"),
        Finding(
            "variable",
            "warning",
            "MODELPACK_REGISTY_URI is set, and nothing here reads it",
            "did you mean MODELPACK_REGISTRY_URI?",
        ),
    ]


def test_a_collector_is_told_and_its_key_is_a_secret() -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://user:open-sesame@collector:4318",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=sesame%20street,Authorization=Bearer%20s-e-s-a-m-e",
    }
    assert list(variables.look(Patient(environ=environ))) == [
        Finding("variable", "ok", "OTEL_EXPORTER_OTLP_ENDPOINT=https://…@collector:4318"),
        Finding("variable", "ok", "OTEL_EXPORTER_OTLP_HEADERS is set"),
    ]
    hidden = variables.secrets(environ)
    for secret in ("open-sesame", "sesame street", "sesame%20street", "s-e-s-a-m-e"):
        assert variables.scrubbed(f"it said {secret}.", hidden) == "it said …."


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://host:5000/x", "http://host:5000/x"),
        ("http://u:p@host", "http://…@host"),
        ("postgresql://u:p/w@x@host/db?password=y", "postgresql://…@host/db?…"),
        ("a=http://u:p@h b=http://v:q@i", "a=http://…@h b=http://…@i"),
        ("plain", "plain"),
    ],
)
def test_an_address_is_shown_without_who_asks(value: str, shown: str) -> None:
    assert variables.masked(value) == shown


def _control_group(root: Path, **files: str) -> Path:
    group = root / "sys" / "fs" / "cgroup"
    group.mkdir(parents=True)
    for name, text in files.items():
        (group / name.replace("_", ".")).write_text(text)
    return root


def test_the_share_of_a_container_is_told(tmp_path: Path) -> None:
    root = _control_group(tmp_path, cpu_max="50000 100000\n", memory_max=f"{256 << 20}\n")
    patient = Patient(environ={"OMP_NUM_THREADS": "1", "PATH": ""}, root=root)
    found = {one.check: one for one in machine.look(patient)}
    assert found["processors"].told.startswith("0.5 of ")
    assert found["processors"].state == "ok"
    assert found["memory"].told.startswith("256.0 MiB, the limit of the control group")
    many = Patient(environ={"OMP_NUM_THREADS": "8"}, root=root)
    told = next(one for one in machine.look(many) if one.check == "processors")
    assert (told.state, "OMP_NUM_THREADS=1" in told.do) == ("warning", True)


def test_programs_that_are_not_here_are_no_problem(tmp_path: Path) -> None:
    found = {one.check: one for one in machine.look(Patient(environ={"PATH": str(tmp_path)}))}
    assert found["uv"].told.startswith("not on PATH")
    assert {one.state for one in found.values()} == {"ok"}
    assert "kubectl" not in found


def test_an_engine_that_is_named_and_silent_is_a_warning(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as engine:
        place = tmp_path / "engine.sock"
        engine.bind(str(place))
        engine.listen()
        environ = {"PATH": "", "DOCKER_HOST": f"unix://{place}"}
        told = [one for one in machine.look(Patient(environ=environ)) if one.check == "docker"]
        assert told[0].told.endswith(f"an engine listens at {place}")
    told = [one for one in machine.look(Patient(environ=environ)) if one.check == "docker"]
    assert told[0].state == "warning"
