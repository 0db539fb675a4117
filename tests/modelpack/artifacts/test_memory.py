"""With the operator's word, a server that is down does not keep a known model from being used."""

import json
from pathlib import Path

import pytest

import modelpack
from modelpack.errors import StoreUnavailable
from serving.models import find
from tests.modelpack.registry.directories import contents, write_model
from tests.modelpack.remote.faulty import Fault, Faulty
from tests.serving.kit import serving

REFERENCES = ["models:/wine@champion", "mlflow-artifacts:/m", f"models:/m-{'1' * 32}"]


def answers(server: Faulty) -> None:
    """Let *server* know one version and one logged model, both at ``m``."""
    version = {"name": "wine", "version": "3", "source": "mlflow-artifacts:/m", "current_stage": "None"}
    info = {"model": {"info": {"artifact_uri": "mlflow-artifacts:/m"}}}
    for name, told in (
        ("registered-models/alias", {"model_version": version}),
        ("model-versions/get", {"model_version": version}),
        ("get-download-uri", {"artifact_uri": "mlflow-artifacts:/m"}),
        (f"m-{'1' * 32}", info),
    ):
        server.faults[name] = [Fault(body=json.dumps(told).encode())] * 20


def fails(server: Faulty) -> None:
    """Let *server* be down from now on."""
    server.faults = {"": [Fault(status=503)] * 1_000}


@pytest.fixture(autouse=True)
def environ(served: Faulty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Names *served*, with little patience."""
    told = {
        "MODELPACK_HOME": str(tmp_path / "home"),
        "MODELPACK_PATIENCE": "0.2",
        "MLFLOW_TRACKING_URI": served.url,
        "MODELPACK_USE_CACHED": "1",
    }
    for name in ("MODELPACK_REGISTRY_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    return told


@pytest.mark.parametrize("ref", REFERENCES)
def test_what_it_meant_last_is_used_while_the_server_is_down(ref: str, served: Faulty) -> None:
    written = write_model(served.folder / "m")
    answers(served)
    modelpack.open_model(ref)
    fails(served)
    assert contents(modelpack.open_model(ref).path) == contents(written)


@pytest.mark.parametrize("ref", REFERENCES)
def test_without_the_operators_word_it_fails(
    ref: str, served: Faulty, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_model(served.folder / "m")
    answers(served)
    modelpack.open_model(ref)
    fails(served)
    monkeypatch.delenv("MODELPACK_USE_CACHED")
    with pytest.raises(StoreUnavailable, match="503"):
        modelpack.open_model(ref)


def test_a_copy_that_was_damaged_since_is_not_used(served: Faulty) -> None:
    write_model(served.folder / "m")
    place = modelpack.open_model("mlflow-artifacts:/m").path
    fails(served)
    (place / "model.skops").write_bytes(b"weighty")
    with pytest.raises(StoreUnavailable, match="damaged"):
        modelpack.open_model("mlflow-artifacts:/m")


def test_what_another_server_meant_is_not_used(served: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(served.folder / "m")
    modelpack.open_model("mlflow-artifacts:/m")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{served.url}/another")
    fails(served)
    with pytest.raises(StoreUnavailable):
        modelpack.open_model("mlflow-artifacts:/m")


def test_a_server_starts_from_what_it_has(served: Faulty, environ: dict[str, str], tmp_path: Path) -> None:
    modelpack.save(lambda data: data, served.folder / "m", input_example=[[1.0]])
    answers(served)
    find("models:/wine@champion")
    fails(served)
    allowed = {**environ, "MODELPACK_TRUST": "pickle"}
    with serving(tmp_path / "server", "-m", "models:/wine@champion", environ=allowed) as process:
        assert process.score({"inputs": [[2.0]]})[0] == 200
