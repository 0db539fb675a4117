"""The table of servers, their protocols and their environments hold together."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks.protocols import PROTOCOLS
from tests.benchmarks.servers import HERE, ROOT, SERVERS, Server
from tests.benchmarks.subjects import SUBJECTS

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
