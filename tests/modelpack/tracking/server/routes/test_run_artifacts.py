"""Files by the run, the logged model or the version that has them: the same files, by the same rules."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from modelpack.sql import Address, Database
from modelpack.tracking.server.call import Caller
from tests.modelpack.registry.directories import DOCUMENT
from tests.modelpack.tracking.server.kit import Asking, refusal, served

FILES = "/api/2.0/mlflow-artifacts/artifacts"
UPLOAD = "/ajax-api/2.0/mlflow/upload-artifact"
SECRET = b"the canary's secret"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("of-runs")
    (folder / "canary").write_bytes(SECRET)
    return folder


@pytest.fixture(scope="module")
def ask(folder: Path) -> Iterator[Asking]:
    with served(folder) as client:
        yield Asking(client)


@pytest.fixture(scope="module")
def run(ask: Asking) -> str:
    """A run with a model in it, which is version 1 of ``kept``; version 2 is somebody else's."""
    run_id = ask.run()
    for name, content in (("MLmodel", DOCUMENT.encode()), ("data/x.txt", b"xyz")):
        ask.client.put(f"{FILES}/runs/0/{run_id}/artifacts/model/{name}", content=content)
    ask.post("registered-models/create", name="kept")
    ask.post("model-versions/create", name="kept", source=f"runs:/{run_id}/model", run_id=run_id)
    ask.post("model-versions/create", name="kept", source="s3://elsewhere/model")
    return run_id


def listed(ask: Asking, **given: str) -> dict[str, Any]:
    answer = ask.client.get("/api/2.0/mlflow/artifacts/list", params=given)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def move(folder: Path, run_id: str, location: str) -> None:
    """Let the database say that the files of a run are at *location*."""
    database = Database(Address.of(f"sqlite:///{folder / 'server.db'}", "the test"))
    moved = text("UPDATE modelpack_runs SET location = :location WHERE run_id = :run")
    database.write(lambda connection: connection.execute(moved, {"location": location, "run": run_id}))
    database.close()


def test_what_a_run_has_is_listed_from_its_own_root(ask: Asking, run: str) -> None:
    told = ask.get("artifacts/list", run_id=run)
    assert told == {
        "root_uri": f"mlflow-artifacts:/runs/0/{run}/artifacts",
        "files": [{"path": "model", "is_dir": True}],
    }
    assert listed(ask, run_uuid=run, path="model/")["files"] == [
        {"path": "model/MLmodel", "is_dir": False, "file_size": len(DOCUMENT)},
        {"path": "model/data", "is_dir": True},
    ]


@pytest.mark.parametrize("path", ["model/MLmodel", "nowhere"])
def test_what_is_no_folder_has_nothing_in_it(ask: Asking, run: str, path: str) -> None:
    assert "files" not in listed(ask, run_id=run, path=path)


def test_a_long_list_comes_in_pages(ask: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelpack.tracking.server.routes.run_artifacts._ON_A_PAGE", 2)
    run_id = ask.run()
    for name in "edcba":
        ask.client.put(f"{FILES}/runs/0/{run_id}/artifacts/{name}", content=b"1")
    seen, token = [], ""
    while token is not None:
        page = ask.get("artifacts/list", run_id=run_id, page_token=token)
        seen.append("".join(one["path"] for one in page["files"]))
        token = page.get("next_page_token")
    assert seen == ["ab", "cd", "e"]


def test_the_files_of_a_logged_model_are_listed_and_sent(ask: Asking) -> None:
    info = ask.post("logged-models", experiment_id="0")["model"]["info"]
    place = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
    ask.client.put(f"{FILES}/{place}/data/x.txt", content=b"xyz")
    base = f"logged-models/{info['model_id']}/artifacts"
    assert ask.get(f"{base}/directories")["files"] == [{"path": "data", "is_dir": True}]
    assert ask.get(f"{base}/directories", artifact_directory_path="data")["files"][0]["path"] == "data/x.txt"
    sent = ask.client.get(f"/ajax-api/2.0/mlflow/{base}/files", params={"artifact_file_path": "data/x.txt"})
    assert sent.content == b"xyz"


def test_one_file_of_a_run_or_of_a_version_is_an_attachment(ask: Asking, run: str) -> None:
    for address, given in (
        ("/get-artifact", {"run_id": run, "path": "model/data/x.txt"}),
        ("/get-artifact", {"run_uuid": run, "path": "model/data/x.txt"}),
        ("/model-versions/get-artifact", {"name": "kept", "version": "1", "path": "data/x.txt"}),
    ):
        answer = ask.client.get(address, params=given, headers={"Range": "bytes=1-"})
        assert (answer.status_code, answer.content) == (206, b"yz")
        assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("address", "given", "status"),
    [
        ("/get-artifact", {"run_id": "0" * 32, "path": "x"}, 404),
        ("/get-artifact", {"path": "x"}, 400),
        ("/get-artifact", {"run_id": "RUN"}, 400),
        ("/get-artifact", {"run_id": "RUN", "path": "nothing"}, 404),
        ("/model-versions/get-artifact", {"name": "kept", "version": "9", "path": "x"}, 404),
        ("/model-versions/get-artifact", {"name": "kept", "version": "one", "path": "x"}, 404),
        ("/model-versions/get-artifact", {"name": "kept", "version": "2", "path": "x"}, 400),
        ("/model-versions/get-artifact", {"name": "kept", "version": "1"}, 400),
        ("/ajax-api/2.0/mlflow/logged-models/m-1/artifacts/files", {"artifact_file_path": "x"}, 404),
    ],
)
def test_what_is_not_there_is_said_so(
    ask: Asking, run: str, address: str, given: dict[str, str], status: int
) -> None:
    given = {name: run if value == "RUN" else value for name, value in given.items()}
    assert refusal(ask.client.get(address, params=given))[0] == status


CLIMBING = [
    "../../../../canary",
    "../" * 8 + "etc/passwd",
    "/etc/passwd",
    "//etc/passwd",
    "%2e%2e/x",
    "model/../../x",
    "model//x",
    "./model",
    "a\\b",
    "C:/x",
    "a\0b",
    "x" * 4097,
    "x" * 300,
]


@pytest.mark.parametrize("path", CLIMBING, ids=lambda path: repr(path)[:20])
def test_no_path_leads_out_of_a_run_or_a_version(ask: Asking, run: str, path: str) -> None:
    answers = [
        ask.client.get("/get-artifact", params={"run_id": run, "path": path}),
        ask.client.get("/model-versions/get-artifact", params={"name": "kept", "version": "1", "path": path}),
        ask.client.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run, "path": path}),
        ask.client.post(UPLOAD, params={"run_uuid": run, "path": path}, content=b"poc"),
    ]
    for answer in answers:
        status, code, said = refusal(answer)
        assert (status, code) == (400, "INVALID_PARAMETER_VALUE")
        assert "canary's secret" not in said


@pytest.mark.parametrize(
    "place", ["s3://elsewhere/runs/x", "/etc", "file:///etc", "http://127.0.0.1:1/x", "FOLDER"]
)
def test_a_place_outside_the_root_is_never_read_for_a_caller(ask: Asking, folder: Path, place: str) -> None:
    run_id = ask.run()
    move(folder, run_id, place.replace("FOLDER", str(folder)))
    for answer in (
        ask.client.get("/get-artifact", params={"run_id": run_id, "path": "canary"}),
        ask.client.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run_id}),
        ask.client.post(UPLOAD, params={"run_uuid": run_id, "path": "poc"}, content=b"poc"),
    ):
        status, _, said = refusal(answer)
        assert (status, "not below this server's artifact root" in said) == (400, True)
    assert not (folder / "poc").exists()


def test_a_run_that_was_logged_without_the_server_is_told_by_the_servers_own_name(
    ask: Asking, folder: Path
) -> None:
    run_id = ask.run()
    ask.client.put(f"{FILES}/elsewhere/x.txt", content=b"xyz")
    move(folder, run_id, (folder / "files" / "elsewhere").as_uri())
    assert ask.get("runs/get", run_id=run_id)["run"]["info"]["artifact_uri"] == "mlflow-artifacts:/elsewhere"
    assert ask.get("artifacts/list", run_id=run_id)["files"][0]["path"] == "x.txt"
    assert ask.client.get("/get-artifact", params={"run_id": run_id, "path": "x.txt"}).content == b"xyz"


def test_a_page_sends_a_small_file_and_no_large_one(ask: Asking, run: str) -> None:
    given = {"run_uuid": run, "path": "notes/small.txt"}
    assert ask.client.post(UPLOAD, params=given, content=b"small").status_code == 200
    assert (
        ask.client.get("/get-artifact", params={"run_id": run, "path": "notes/small.txt"}).content == b"small"
    )
    given["path"] = "notes/large.bin"
    assert ask.client.post(UPLOAD, params=given, content=b"x" * ((10 << 20) + 1)).status_code == 413
    assert (
        ask.client.get("/get-artifact", params={"run_id": run, "path": "notes/large.bin"}).status_code == 404
    )


def test_who_may_not_read_may_not_by_any_twin_of_an_address(tmp_path: Path) -> None:
    known = {"none": Caller("n", frozenset()), "reader": Caller("r", frozenset({"read"}))}
    twins: list[tuple[str, dict[str, Any]]] = [
        ("/get-artifact", {"run_id": "a", "path": "x"}),
        ("/model-versions/get-artifact", {"name": "a", "version": "1", "path": "x"}),
        ("/api/2.0/mlflow/artifacts/list", {"run_id": "a"}),
        ("/ajax-api/2.0/mlflow/artifacts/list", {"run_id": "a"}),
        ("/api/2.0/mlflow/logged-models/m-1/artifacts/directories", {}),
        ("/ajax-api/2.0/mlflow/logged-models/m-1/artifacts/directories", {}),
        ("/ajax-api/2.0/mlflow/logged-models/m-1/artifacts/files", {"artifact_file_path": "x"}),
        (f"{FILES}/x", {}),
        (FILES, {"path": "x"}),
        (f"{FILES.replace('/api', '/ajax-api')}/x", {}),
        ("/api/2.0/mlflow-artifacts/presigned/x", {}),
    ]
    with served(tmp_path, check=known.get) as client:

        def status(address: str, given: dict[str, Any], token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return int(client.get(address, params=given, headers=headers).status_code)

        assert {status(*twin, "none") for twin in twins} == {403}
        assert {status(*twin, "stranger") for twin in twins} == {401}
        assert {status(*twin, "reader") for twin in twins} <= {200, 404, 501}
        upload = client.post(
            UPLOAD, params={"run_uuid": "a", "path": "x"}, headers={"Authorization": "Bearer reader"}
        )
        assert upload.status_code == 403
