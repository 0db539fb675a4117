"""What a team logged through its server is there for who has its database and its artifact root."""

from pathlib import Path

import pytest

from modelpack.errors import NotFound
from modelpack.registry import Registry
from modelpack.resolve import locate
from modelpack.tracking import MlflowClient
from tests.modelpack.registry.directories import DOCUMENT, contents, write_model
from tests.modelpack.tracking.server.kit import Asking, served

FILES = "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> str:
    """The database of a team, whose root the environment names."""
    monkeypatch.setenv("MODELPACK_ARTIFACT_ROOT", str(tmp_path / "files"))
    uri = f"sqlite:///{tmp_path / 'server.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert home.parent == tmp_path
    return uri


def test_runs_models_and_versions_are_read_and_added_to(uri: str, tmp_path: Path) -> None:
    with served(tmp_path) as client:
        ask = Asking(client)
        run = ask.run()
        for name, content in (("MLmodel", DOCUMENT.encode()), ("x.bin", b"weights")):
            client.put(f"{FILES}/runs/0/{run}/artifacts/model/{name}", content=content)
        ask.post("registered-models/create", name="kept")
        for source in (f"runs:/{run}/model", "s3://elsewhere/model", f"runs:/{run}/nothing"):
            ask.post("model-versions/create", name="kept", source=source, run_id=run)
        with MlflowClient(uri) as local:
            assert [one.path for one in local.list_artifacts(run, "model")] == [
                "model/MLmodel",
                "model/x.bin",
            ]
            assert Path(local.download_artifacts(run, "model/x.bin", tmp_path)).read_bytes() == b"weights"
            local.log_text(run, "hello", "notes/x.txt")
            version = local.create_model_version("kept", f"runs:/{run}/model")
            assert (version.version, version.run_id) == ("4", run)
            fresh = local.create_run("0").info.run_id
            local.log_artifacts(fresh, write_model(tmp_path / "mine"), "model")
        with Registry(uri) as registry:
            place = registry.path(registry.get_version("kept", 1))
            assert contents(place)["x.bin"] == b"weights"
            for number, said in ((2, "s3://elsewhere/model"), (3, f"runs:/{run}/nothing")):
                with pytest.raises(NotFound) as caught:
                    registry.path(registry.get_version("kept", number))
                assert said in str(caught.value)
        assert locate(f"runs:/{run}/model") == tmp_path / "files" / "runs" / "0" / run / "artifacts" / "model"
        assert locate("models:/kept/1") == place
        assert client.get(f"{FILES}/runs/0/{run}/artifacts/notes/x.txt").text == "hello"
        listed = ask.get("artifacts/list", run_id=fresh)
        assert listed["root_uri"] == f"mlflow-artifacts:/runs/0/{fresh}/artifacts"
        brought = {"name": "kept", "source": f"runs:/{fresh}/model", "run_id": fresh}
        told = ask.post("model-versions/create", **brought)["model_version"]["modelpack"]["location"]
        assert told.startswith("models/sha256/")
