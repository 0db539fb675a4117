"""What a version may be made of, and what it may not: nothing else is read, asked or written down."""

import json
import socket
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modelpack.directory import open_directory
from tests.modelpack.registry.directories import DOCUMENT, contents, write_model
from tests.modelpack.tracking.server.kit import Asking, refusal, served

FILES = "/api/2.0/mlflow-artifacts/artifacts"
SECRET = "the canary's secret"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server's root is, as ``files``, and beside it a model that is none of the server's."""
    folder = tmp_path_factory.mktemp("sources")
    write_model(folder / "outside")
    (folder / "outside" / "secret.txt").write_text(SECRET)
    return folder


@pytest.fixture(scope="module")
def ask(folder: Path) -> Iterator[Asking]:
    with served(folder) as client:
        yield Asking(client)


@pytest.fixture
def model(ask: Asking, request: pytest.FixtureRequest) -> str:
    """A registered model of its own for each test."""
    name = f"of {abs(hash(request.node.nodeid))}"
    ask.post("registered-models/create", name=name)
    return name


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """Hears whether anybody is asked for anything."""
    with closing(socket.create_server(("127.0.0.1", 0))) as ear:
        ear.setblocking(False)
        yield ear


@pytest.fixture(scope="module")
def run(ask: Asking) -> str:
    """A run with a model and a folder that is none."""
    run_id = ask.run()
    upload(ask, f"runs/0/{run_id}/artifacts/model", files_of_a_model())
    upload(ask, f"runs/0/{run_id}/artifacts/notes", {"a.txt": b"a"})
    return run_id


def files_of_a_model(content: bytes = b"weights") -> dict[str, bytes]:
    return {"MLmodel": DOCUMENT.encode(), "model.skops": content, "data/names.txt": b"a\nb\n"}


def upload(ask: Asking, path: str, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        assert ask.client.put(f"{FILES}/{path}/{name}", content=content).status_code == 200


def create(ask: Asking, name: str, source: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = ask.post("model-versions/create", name=name, source=source, **more)[
        "model_version"
    ]
    return found


def uri_of(ask: Asking, name: str, version: str = "1") -> str:
    return str(ask.get("model-versions/get-download-uri", name=name, version=version)["artifact_uri"])


def fetched(ask: Asking, uri: str) -> dict[str, bytes]:
    """Every file below *uri*, as a client walks through its lists."""
    found: dict[str, bytes] = {}
    root = uri.removeprefix("mlflow-artifacts:/")

    def walk(below: str) -> None:
        path = f"{root}/{below}".strip("/")
        for one in ask.client.get(FILES, params={"path": path}).json().get("files", ()):
            name = f"{below}/{one['path']}".strip("/")
            if one["is_dir"]:
                walk(name)
            else:
                found[name] = ask.client.get(f"{FILES}/{root}/{name}").content

    walk("")
    return found


def test_the_files_of_a_run_are_kept_for_good_and_come_back_as_they_were_logged(
    ask: Asking, model: str, run: str
) -> None:
    version = create(ask, model, f"mlflow-artifacts:/runs/0/{run}/artifacts/model", run_id=run)
    uri = uri_of(ask, model)
    assert (version["run_id"], uri[:32]) == (run, "mlflow-artifacts:/models/sha256/")
    kept = fetched(ask, uri)
    manifest = json.loads(kept.pop("modelpack.manifest.json"))
    assert kept == files_of_a_model()
    assert manifest["digest"] == version["modelpack"]["digest"]
    upload(ask, f"runs/0/{run}/artifacts/model", {"model.skops": b"changed since"})
    assert fetched(ask, uri)["model.skops"] == b"weights"
    upload(ask, f"runs/0/{run}/artifacts/model", files_of_a_model())


@pytest.mark.parametrize(
    "source",
    [
        "mlflow-artifacts:/runs/0/{run}/artifacts/model/",
        "mlflow-artifacts:///runs/0/{run}/artifacts/model",
        "mlflow-artifacts://127.0.0.1:5000/runs/0/{run}/artifacts/model",
        "mlflow-artifacts://localhost:5000/runs/0/{run}/artifacts/model",
        "MLFLOW-ARTIFACTS:/runs/0/{run}/artifacts/model",
        "runs:/{run}/model",
    ],
)
def test_the_same_files_have_several_names_and_are_kept_once(
    ask: Asking, model: str, run: str, source: str
) -> None:
    create(ask, model, source.format(run=run), run_id=run)
    create(ask, model, f"mlflow-artifacts:/runs/0/{run}/artifacts/model", run_id=run)
    assert uri_of(ask, model) == uri_of(ask, model, "2")
    assert "models/sha256/" in uri_of(ask, model)


def test_a_logged_model_is_kept_by_its_id(ask: Asking, model: str, run: str) -> None:
    logged = ask.post("logged-models", experiment_id="0", name="m", source_run_id=run)["model"]["info"]
    upload(ask, logged["artifact_uri"].removeprefix("mlflow-artifacts:/"), files_of_a_model())
    source = f"models:/{logged['model_id']}"
    for given in ({"model_id": logged["model_id"]}, {}, {"model_id": logged["model_id"], "run_id": run}):
        version = create(ask, model, source, **given)
        assert (version["source"], version["run_id"]) == (source, run)
    assert uri_of(ask, model) == uri_of(ask, model, "3")
    by_place = create(ask, model, logged["artifact_uri"], model_id=logged["model_id"])
    assert uri_of(ask, model, by_place["version"]) == uri_of(ask, model)


def test_a_version_is_copied_with_its_files_and_its_run(ask: Asking, model: str, run: str) -> None:
    create(ask, model, f"runs:/{run}/model", run_id=run)
    ask.post("registered-models/alias", name=model, alias="good", version="1")
    for source in (
        f"models:/{model}/1",
        f"models:/{model}@good",
        f"models:/{model}/latest",
        f"models:/{model}/None",
    ):
        copy = create(ask, model, source)
        assert copy["source"].startswith(f"models:/{model}/")
        assert copy["run_id"] == run
        assert uri_of(ask, model, copy["version"]) == uri_of(ask, model)


@pytest.mark.parametrize(
    "source",
    [
        "s3://bucket/models/churn",
        "gs://bucket/models/churn",
        "abfss://container@account.dfs.core.windows.net/models",
        "wasbs://container@account.blob.core.windows.net/models",
    ],
)
def test_a_place_in_another_bucket_is_written_down_and_never_read(
    ask: Asking, model: str, source: str
) -> None:
    version = create(ask, model, source)
    assert (version["source"], uri_of(ask, model)) == (source, source)
    assert "digest" not in version.get("modelpack", {})
    status, _, said = refusal(
        ask.client.get(
            "/model-versions/get-artifact", params={"name": model, "version": "1", "path": "MLmodel"}
        )
    )
    assert status == 400
    assert "not below this server's artifact root" in said


@pytest.mark.parametrize("path", ["notes", "nothing/yet"])
def test_what_is_no_model_or_not_there_yet_is_written_down(
    ask: Asking, model: str, run: str, path: str
) -> None:
    place = f"mlflow-artifacts:/runs/0/{run}/artifacts/{path}"
    create(ask, model, place, run_id=run)
    assert uri_of(ask, model) == place


def test_a_prompt_has_no_files_and_no_place_is_one(ask: Asking, model: str) -> None:
    tags = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    assert create(ask, model, "dummy-source", tags=tags)["source"] == "dummy-source"
    assert ask.refused("model-versions/create", name=model, source="dummy-source")[0] == 400


REFUSED = [
    "file:///etc",
    "file:///etc/passwd",
    "/etc",
    "/",
    "{outside}",
    "file://{outside}",
    "{root}/runs/0/{run}/artifacts/model",
    "file://{root}/runs/0/{run}/artifacts/model",
    "../../../etc",
    "./../../etc",
    "a/../../b",
    "..\\..\\etc",
    "file:\\\\\\etc",
    "C:\\Windows",
    "C:/Windows",
    "\\\\host\\share",
    "file://{root}/../../../../etc",
    "http://127.0.0.1:{port}/api/2.0/mlflow-artifacts/artifacts/../../../etc",
    "http://127.0.0.1:{port}/model",
    "https://127.0.0.1:{port}/model",
    "ftp://127.0.0.1:{port}/model",
    "mlflow-artifacts://h:1/..%2f..%2f..%2fetc",
    "mlflow-artifacts://h:1/runs/0/{run}/artifacts/model",
    "mlflow-artifacts://127.0.0.1:{port}/runs/0/{run}/artifacts/model",
    "mlflow-artifacts://me@127.0.0.1:5000/runs/0/{run}/artifacts/model",
    "mlflow-artifacts://127.0.0.1:5000:80/runs/0/{run}/artifacts/model",
    "mlflow-artifacts://[/x",
    "mlflow-artifacts:/runs/0/{run}/artifacts/../../../../../etc",
    "mlflow-artifacts:/runs/0/{run}/artifacts/model/../../../../../outside",
    "mlflow-artifacts:/runs/0/{run}/artifacts/%2e%2e/%2e%2e",
    "mlflow-artifacts:/runs/0/{run}/artifacts/%252e%252e/x",
    "mlflow-artifacts:/runs/0/{run}/artifacts/..%2fx",
    "mlflow-artifacts:/runs/0/{run}/artifactsX",
    "mlflow-artifacts:/runs/0/{run}",
    "mlflow-artifacts:/runs/0",
    "mlflow-artifacts:/runs",
    "mlflow-artifacts:/",
    "mlflow-artifacts:",
    "mlflow-artifacts:/runs/0/{other}/artifacts/model",
    "mlflow-artifacts:/models/sha256/ab/abcd",
    "mlflow-artifacts:/runs/0/{run}/artifacts/model#/../../x",
    "mlflow-artifacts:/runs/0/{run}/artifacts/model?/../../x",
    "mlflow-artifacts:/.modelpack-uploads/x",
    "file:/etc",
    "FILE:///etc",
    "file://localhost/etc",
    "file://./etc",
    "//etc",
    "local:///etc",
    ":///etc",
    " ",
    "\t",
    "s3://b/models/../../other",
    "s3://b/%2e%2e/x",
    "s3://b/..%2fx",
    "s3://b/x#/../../etc",
    "s3://b/x?/../../etc",
    "s3://b//x",
    "s3:///x",
    "s3://user:secret@b/x",
    "s3://b\\x",
    "gs://b/./x",
    "http://h/x#/../../../../etc/passwd",
    "http://h/x?/../../../../etc",
    "runs:/{other}/model",
    "runs://host/x",
    "runs://{run}/model",
    "runs:/{run}/../..",
    "runs:/{run}/..%2f..%2fx",
    "runs:/{run}/%252e%252e",
    "runs:/{run}",
    "runs:/nobody/model",
    "models:/m-00000000000000000000000000000000",
    "models://host/x/1",
    "models:/../../etc",
    "models:/x/1/../../etc",
    "dbfs:/x",
    "dbfs://host/x",
    "data:text/plain,x",
    "gopher://127.0.0.1:{port}/x",
    "jar:file:///etc!/x",
    "s3+http://127.0.0.1:{port}/x",
    "x" * 5000,
    "s3://b/" + "x/" * 3000 + "y",
    "s3://b/a\nb",
    "s3://b/a\0b",
]


@pytest.mark.parametrize("source", REFUSED, ids=lambda source: repr(source)[:40])
def test_nothing_else_becomes_a_version(
    ask: Asking, run: str, folder: Path, listener: socket.socket, source: str
) -> None:
    given = source.format(
        run=run,
        other=_other(ask),
        root=folder / "files",
        outside=folder / "outside",
        port=listener.getsockname()[1],
    )
    _refuse(ask, given, run_id=run)
    _refuse(ask, given)
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize("values", [["true"], ["TRUE"], ["true", "true"], ["false", "true"]], ids=str)
def test_a_prompt_is_no_way_round(ask: Asking, run: str, folder: Path, values: list[str]) -> None:
    tags = [{"key": "mlflow.prompt.is_prompt", "value": value} for value in values]
    for source in (
        "/etc",
        f"file://{folder / 'outside'}",
        "../../x",
        "http://h/x",
        "mlflow-artifacts:/runs/0",
    ):
        _refuse(ask, source, run_id=run, tags=tags)


def _refuse(ask: Asking, source: str, **more: Any) -> None:
    if not ask.client.get("/api/2.0/mlflow/registered-models/get", params={"name": "never"}).is_success:
        ask.post("registered-models/create", name="never")
    status, code, said = ask.refused("model-versions/create", name="never", source=source, **more)
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE"), (status, said)
    assert SECRET not in said
    assert "model_versions" not in ask.get("model-versions/search", filter="name = 'never'")


def _other(ask: Asking) -> str:
    """A run that has a model, and is not the one that is named."""
    known = ask.post("runs/search", experiment_ids=["0"], filter="tags.other = 'yes'").get("runs", ())
    if known:
        return str(known[0]["info"]["run_id"])
    run_id = ask.run(tags=[{"key": "other", "value": "yes"}])
    upload(ask, f"runs/0/{run_id}/artifacts/model", files_of_a_model())
    return run_id


@pytest.mark.parametrize("run_id", ["", "0" * 32, "../../etc", "%2e%2e"])
def test_files_of_a_run_are_not_taken_in_the_name_of_another(
    ask: Asking, model: str, run: str, run_id: str
) -> None:
    source = f"mlflow-artifacts:/runs/0/{run}/artifacts/model"
    assert ask.refused("model-versions/create", name=model, source=source, run_id=run_id)[0] == 400
    logged = ask.post("logged-models", experiment_id="0")["model"]["info"]
    given = {"source": logged["artifact_uri"], "model_id": "m-" + "1" * 32}
    assert ask.refused("model-versions/create", name=model, **given)[0] == 400
    other = {"source": f"models:/{logged['model_id']}", "model_id": "m-" + "1" * 32}
    assert ask.refused("model-versions/create", name=model, **other)[0] == 400


def test_no_link_in_a_run_leads_out_of_it(ask: Asking, model: str, folder: Path) -> None:
    run_id = ask.run()
    artifacts = folder / "files" / "runs" / "0" / run_id / "artifacts"
    upload(ask, f"runs/0/{run_id}/artifacts/good", files_of_a_model())
    (artifacts / "link").symlink_to(folder / "outside")
    upload(ask, f"runs/0/{run_id}/artifacts/inner", files_of_a_model())
    (artifacts / "inner" / "data" / "x").symlink_to(folder / "outside" / "secret.txt")
    upload(ask, f"runs/0/{run_id}/artifacts/hard", files_of_a_model())
    (artifacts / "hard" / "data" / "x").hardlink_to(folder / "outside" / "secret.txt")
    upload(ask, f"runs/0/{run_id}/artifacts/document", {"x": b""})
    (artifacts / "document" / "MLmodel").symlink_to(folder / "outside" / "MLmodel")
    for path in ("link", "link/data", "inner", "hard", "document"):
        for source in (f"runs:/{run_id}/{path}", f"mlflow-artifacts:/runs/0/{run_id}/artifacts/{path}"):
            status, _, said = ask.refused("model-versions/create", name=model, source=source, run_id=run_id)
            assert (status, SECRET in said, str(folder) in said) == (400, False, False), said
    assert create(ask, model, f"runs:/{run_id}/good", run_id=run_id)["version"] == "1"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("MLmodel", b"flavors: !!python/object/apply:os.system ['touch /tmp/poc']\n"),
        ("MLmodel", b"not: [a document"),
        ("MLmodel", b"\xff\xfe\0"),
        ("modelpack.manifest.json", b"{}"),
    ],
)
def test_a_model_that_is_not_what_was_saved_is_refused_and_none_of_it_is_run(
    ask: Asking, model: str, name: str, content: bytes
) -> None:
    run_id = ask.run()
    upload(ask, f"runs/0/{run_id}/artifacts/model", files_of_a_model() | {name: content})
    status, code, _ = ask.refused(
        "model-versions/create", name=model, source=f"runs:/{run_id}/model", run_id=run_id
    )
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    assert "model_versions" not in ask.get("model-versions/search", filter=f"name = '{model}'")


def test_what_is_kept_is_whole_private_and_verified(ask: Asking, model: str, run: str, folder: Path) -> None:
    create(ask, model, f"runs:/{run}/model", run_id=run)
    place = folder / "files" / uri_of(ask, model).removeprefix("mlflow-artifacts:/")
    directory = open_directory(place)
    assert directory.findings() == []
    assert contents(place)["model.skops"] == b"weights"
    for path in (place, *place.rglob("*"), *list(place.parents)[:3]):
        assert stat.S_IMODE(path.stat().st_mode) & 0o027 == 0


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", "mlflow-artifacts:/runs/{id}"),
        ("mlflow-artifacts:/team/churn/", "mlflow-artifacts:/team/churn"),
        ("mlflow-artifacts://localhost:5000/team", "mlflow-artifacts:/team"),
        ("s3://bucket/team/", "s3://bucket/team"),
        ("gs://bucket", "gs://bucket"),
    ],
)
def test_an_experiment_may_keep_its_files_below_the_root_or_in_a_bucket(
    ask: Asking, given: str, kept: str
) -> None:
    made = ask.post("experiments/create", name=f"at {given}", artifact_location=given)["experiment_id"]
    told = ask.get("experiments/get", experiment_id=made)["experiment"]["artifact_location"]
    assert told == kept.format(id=made)


@pytest.mark.parametrize(
    "location",
    [
        "/etc",
        "file:///etc",
        "./mlruns",
        "http://h/x#/../../../../etc/passwd",
        "http://h/x?/../../../../etc",
        "http://169.254.169.254/latest",
        "s3://b/../x",
        "s3://b/x#y",
        "s3://b/%2e%2e/x",
        "mlflow-artifacts:/../x",
        "mlflow-artifacts:/%2e%2e/x",
        "mlflow-artifacts:/models/sha256",
        "mlflow-artifacts:/Models",
        "mlflow-artifacts:/",
        "mlflow-artifacts://other:5000/x",
        "mlflow-artifacts:/x?y",
        "mlflow-artifacts:/x#y",
        "runs:/a/b",
        "models:/a/1",
        "ftp://h/x",
        " ",
    ],
)
def test_an_experiment_keeps_its_files_nowhere_else(ask: Asking, location: str) -> None:
    status, code, _ = ask.refused("experiments/create", name=f"no {location}", artifact_location=location)
    assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
    missing = ask.client.get(
        "/api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": f"no {location}"}
    )
    assert missing.status_code == 404
