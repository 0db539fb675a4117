"""The table of servers, their protocols and their environments hold together."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from tests.benchmarks import __main__ as command
from tests.benchmarks.extent import FULL, QUICK, Extent
from tests.benchmarks.goals import BEST_PEER, GOALS
from tests.benchmarks.load import DRIVERS
from tests.benchmarks.preparing import Prepared, prepare
from tests.benchmarks.protocols import PROTOCOLS
from tests.benchmarks.runs import Plan, Visit
from tests.benchmarks.servers import HERE, ROOT, SERVERS, Server
from tests.benchmarks.subjects import SUBJECTS, Subject, churn
from tests.benchmarks.works import WORKS

ROWS = pd.DataFrame({"age": [1, 2], "paid": [0.5, 1.25], "plan": ["old", "né"]})
PLACES = {"bin", "model", "folder", "port", "other_port", "third_port", "workers", "services"}


@pytest.mark.parametrize("server", SERVERS.values(), ids=lambda server: server.name)
def test_a_server_is_described_in_words_that_are_known(server: Server) -> None:
    words = [*server.command, *server.variables.values()]
    assert {name for word in words for name in re.findall(r"{(\w+)}", word)} <= PLACES
    assert server.protocol in PROTOCOLS
    assert set(server.models) <= set(SUBJECTS)


@pytest.mark.parametrize("server", SERVERS.values(), ids=lambda server: server.name)
def test_a_server_is_told_to_stay_on_this_machine(server: Server) -> None:
    # serve listens on loopback unless it is told not to; the services say it in their own files.
    told = " ".join([*server.command, *server.variables.values()])
    file = next((word for word in server.command if word.endswith(".py")), "").rpartition("/")[2]
    if file:
        told += (ROOT / "tests" / "benchmarks" / "services" / file).read_text()
    assert server.kind == "ours" or "127.0.0.1" in told


def _locked(file: Path, package: str) -> set[str]:
    return set(re.findall(rf"^{package}==(\S+)", file.read_text(), re.MULTILINE))


@pytest.mark.parametrize("package", ["scikit-learn", "numpy", "pandas", "joblib"])
@pytest.mark.parametrize("name", sorted({one.environment for one in SERVERS.values()} - {HERE}))
def test_a_peer_predicts_with_the_libraries_that_we_have(name: str, package: str) -> None:
    folder = ROOT / "requirements"
    lock = "mlflow3.lock" if name == ".venv-mlflow3" else f"bench/{name.rpartition('/')[2]}.lock"
    assert _locked(folder / lock, package) == _locked(folder / "dev.lock", package) != set()


def test_a_split_body_has_names_and_rows() -> None:
    assert json.loads(PROTOCOLS["split"].encode(ROWS)) == {
        "dataframe_split": {
            "columns": ["age", "paid", "plan"],
            "data": [[1, 0.5, "old"], [2, 1.25, "né"]],
        }
    }


def test_a_v2_body_has_one_typed_tensor_a_column() -> None:
    told = json.loads(PROTOCOLS["v2-columns"].encode(ROWS))
    assert [(one["name"], one["datatype"], one["shape"]) for one in told["inputs"]] == [
        ("age", "INT64", [2, 1]),
        ("paid", "FP64", [2, 1]),
        ("plan", "BYTES", [2, 1]),
    ]
    assert told["inputs"][2]["data"] == ["old", "né"]


def test_a_v2_body_can_be_one_tensor() -> None:
    (told,) = json.loads(PROTOCOLS["v2-tensor"].encode(ROWS[["age", "paid"]]))["inputs"]
    assert np.reshape(told["data"], told["shape"]).tolist() == [[1.0, 0.5], [2.0, 1.25]]


@pytest.mark.parametrize(
    ("protocol", "answer"),
    [
        ("split", b'{"predictions": ["Yes", "No"]}'),
        ("v2-columns", b'{"outputs": [{"name": "predict", "shape": [2, 1], "data": ["Yes", "No"]}]}'),
        (
            "v2-columns",
            b'{"outputs": [{"data": ["WWVz", "Tm8="], "parameters": {"content_type": "base64"}}]}',
        ),
    ],
)
def test_labels_are_taken_from_an_answer(protocol: str, answer: bytes) -> None:
    assert PROTOCOLS[protocol].read(answer) == ["Yes", "No"]


@pytest.mark.parametrize("answer", [b"", b"nonsense", b"{}", b"[1]", b'{"predictions": 3}'])
def test_what_is_no_answer_is_a_value_error(answer: bytes) -> None:
    with pytest.raises(ValueError):
        PROTOCOLS["split"].read(answer)


def test_an_unknown_server_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as met:
        command.main(["--servers", "ours,theirs"])
    assert met.value.code == 2
    assert "no theirs; there are ours, " in capsys.readouterr().err


def test_without_wrk_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert command.main(["--servers", "empty"]) == 2
    assert "apt-get install wrk" in capsys.readouterr().err


def test_a_server_without_its_environment_is_left_out_with_a_reason() -> None:
    homeless = Server(
        name="homeless", kind="peer", environment=".venv-none", command=(), path="/", packages=()
    )
    able, absent = command._able([homeless, SERVERS["empty"]])
    assert able == [SERVERS["empty"]]
    assert absent == {"homeless": ".venv-none is not set up: make bench"}


def test_a_model_without_a_certificate_is_not_asked_of_the_proved_engine_and_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    absent: dict[str, str] = {}
    subject = Subject("churn", Pipeline([("none", "passthrough")]), ROWS, ROWS)
    prepared = {"churn": Prepared(subject, Path(), b"", [], uncertified="no proof")}
    asked = command._asked(prepared, named=True, absent=absent)
    assert not asked(SERVERS["ours-onnx"], WORKS["churn-1x16"])
    assert asked(SERVERS["ours-native"], WORKS["churn-1x16"])
    assert absent == {"ours-onnx with churn": "no proof"}
    assert "ours-onnx IS LEFT OUT with churn: no proof" in capsys.readouterr().err


@pytest.mark.parametrize(("named", "works"), [(False, ["churn-1x64"]), (True, list(WORKS))])
def test_a_server_for_one_thing_is_asked_more_when_works_are_named(named: bool, works: list[str]) -> None:
    subject = Subject("churn", Pipeline([("none", "passthrough")]), ROWS, ROWS)
    prepared = dict.fromkeys(SUBJECTS, Prepared(subject, Path(), b"", []))
    asked = command._asked(prepared, named=named, absent={})
    assert [name for name, work in WORKS.items() if asked(SERVERS["ours-native"], work)] == works


@pytest.mark.parametrize("extent", [FULL, QUICK])
def test_every_goal_can_be_judged_by_what_is_measured_without_asking_for_more(extent: Extent) -> None:
    usual = {work.name for work in WORKS.values() if work.usual}
    for goal in GOALS:
        at = SERVERS[goal.server].at or usual
        assert goal.server in extent.servers
        assert goal.work in at
        assert goal.against in {*extent.servers, BEST_PEER}


def test_what_the_time_does_not_allow_is_left_out_loudly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    visits = [Visit(1, SERVERS["empty"], (WORKS["churn-1x1"],))] * 2
    plan = Plan(driver=DRIVERS["python"], seconds=0.1, warm=0.1)
    assert command._run_all(visits, {}, plan, tmp_path, end=0.0) == []
    assert "THE TIME IS OVER: 2 of 2 starts are left out" in capsys.readouterr().err


def test_a_model_that_was_saved_without_proof_is_known_with_the_reason(tmp_path: Path) -> None:
    ready = prepare(churn(trees=2), tmp_path / "churn", [SERVERS["ours"]], certify=False)
    assert "may not answer predict" in ready.uncertified
