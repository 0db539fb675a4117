"""The team server's files in a bucket: the proxy, kept versions, uploads in parts, and use without it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from modelpack.artifacts.buckets import BucketArtifacts
from modelpack.errors import InvalidUri, StoreUnavailable
from modelpack.registry import Registry
from modelpack.tracking import MlflowClient
from modelpack.tracking.server.app import create_app
from modelpack.tracking.server.call import Caller
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.settings import ServerSettings
from tests.modelpack.registry.directories import DOCUMENT, contents
from tests.modelpack.tracking.server.kit import API, refusal
from tests.remote.conftest import Enter
from tests.remote.servers import Bucket, s3

FILES = "/api/2.0/mlflow-artifacts/artifacts"
MPU = "/api/2.0/mlflow-artifacts/mpu"
MODEL = {"MLmodel": DOCUMENT.encode(), "model.skops": b"weights", "data/names.txt": b"a\nb\n"}
CONTENT = bytes(range(256)) * 4_096


@contextmanager
def served(folder: Path, bucket: Bucket, prefix: str, **more: Any) -> Iterator[TestClient]:
    """A server over a database in *folder* whose files lie below *prefix* in *bucket*."""
    check = more.pop("check", None)
    chosen = ServerSettings(
        backend_store_uri=f"sqlite:///{folder / 'team.db'}",
        artifact_root=f"s3://{bucket.name}/{prefix}".rstrip("/"),
        pages=False,
        **more,
    )
    parts = Parts.open(chosen, bucket.environ)
    try:
        with TestClient(create_app(parts, check=check), base_url="http://localhost:5000") as client:
            yield client
    finally:
        parts.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("team-in-a-bucket")


@pytest.fixture(scope="module", autouse=True)
def credentials(bucket: Bucket) -> Iterator[None]:
    """Those of the bucket, where the library of S3 looks for them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in bucket.environ.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def client(folder: Path, bucket: Bucket) -> Iterator[TestClient]:
    with served(folder, bucket, "team/files") as client:
        yield client


@pytest.fixture(scope="module")
def run(client: TestClient) -> str:
    """A run with a model in it."""
    made = client.post(f"{API}runs/create", json={"experiment_id": "0", "start_time": 1}).json()["run"][
        "info"
    ]
    assert made["artifact_uri"] == f"mlflow-artifacts:/runs/0/{made['run_id']}/artifacts"
    for name, content in MODEL.items():
        put(client, f"runs/0/{made['run_id']}/artifacts/model/{name}", content)
    return str(made["run_id"])


def put(client: TestClient, path: str, content: bytes) -> None:
    assert client.put(f"{FILES}/{path}", content=content).json() == {}


def test_files_come_back_whole_and_in_part(client: TestClient) -> None:
    put(client, "x/a b/ä.bin", CONTENT)
    for path in ("x/a b/ä.bin",):
        whole = client.get(f"{FILES}/{path}")
        assert (whole.content == CONTENT, whole.headers["content-length"]) == (True, str(len(CONTENT)))
        part = client.get(f"{FILES}/{path}", headers={"Range": "bytes=300000-300009"})
        assert (part.status_code, part.content) == (206, CONTENT[300_000:300_010])
        head = client.head(f"{FILES}/{path}")
        assert head.headers["etag"] == whole.headers["etag"] == part.headers["etag"]
        assert head.headers["last-modified"]
        again = client.get(f"{FILES}/{path}", headers={"If-None-Match": head.headers["etag"]})
        assert again.status_code == 304
    put(client, "x/empty", b"")
    assert client.get(f"{FILES}/x/empty").content == b""


def test_folders_are_listed_from_the_root_of_the_server(client: TestClient) -> None:
    put(client, "listed/b/c.txt", b"12")
    put(client, "listed/a.txt", b"1")
    assert client.get(FILES, params={"path": "listed"}).json()["files"] == [
        {"path": "a.txt", "is_dir": False, "file_size": 1},
        {"path": "b", "is_dir": True},
    ]
    assert {"path": "listed", "is_dir": True} in client.get(FILES).json()["files"]
    for path in ("nowhere", "listed/a.txt"):
        assert client.get(FILES, params={"path": path}).json() == {}


def test_what_is_missing_is_not_found_and_does_not_tell_where_the_root_is(client: TestClient) -> None:
    status, _, said = refusal(client.get(f"{FILES}/x/nothing"))
    assert (status, "team/files" in said) == (404, False)
    assert refusal(client.get(f"{FILES}/x"))[0] == 400


def test_files_and_folders_are_deleted_and_twice_is_no_error(client: TestClient) -> None:
    put(client, "gone/a/b.txt", b"1")
    put(client, "gone/c.txt", b"1")
    for path in ("gone/a", "gone/a", "gone/c.txt", "gone/c.txt"):
        assert client.delete(f"{FILES}/{path}").json() == {}
    assert client.get(FILES, params={"path": "gone"}).json() == {}


@pytest.mark.parametrize("path", ["..%2fcanary", "%252e%252e/canary", "x%2f..%2f..%2fcanary", "/team/canary"])
def test_nothing_beside_the_root_is_read_or_written(client: TestClient, bucket: Bucket, path: str) -> None:
    store = BucketArtifacts(f"s3://{bucket.name}", bucket.environ)
    if not any(one.path == "team/canary" for one in store.list("team")):
        store.send(Path(__file__), "team/canary")
    for method in ("GET", "PUT", "DELETE"):
        body = b"poc" if method == "PUT" else None
        assert refusal(client.request(method, f"{FILES}/{path}", content=body))[0] == 400
    assert store.look("team/canary")[0].size == Path(__file__).stat().st_size


def test_a_version_is_kept_whole_never_changes_and_is_read_without_the_server(
    client: TestClient, run: str, bucket: Bucket, folder: Path, enter: Enter, tmp_path: Path
) -> None:
    client.post(f"{API}registered-models/create", json={"name": "kept"})
    for _ in range(2):
        given = {"name": "kept", "source": f"runs:/{run}/model", "run_id": run}
        made = client.post(f"{API}model-versions/create", json=given).json()["model_version"]
        told = client.get(
            f"{API}model-versions/get-download-uri", params={"name": "kept", "version": made["version"]}
        )
        place = told.json()["artifact_uri"].removeprefix("mlflow-artifacts:/")
        assert place.startswith("models/sha256/")
    assert client.get(f"{FILES}/{place}/model.skops").content == b"weights"
    manifest = json.loads(client.get(f"{FILES}/{place}/modelpack.manifest.json").content)
    assert {one["name"] for one in manifest["files"]} == set(MODEL)
    assert refusal(client.put(f"{FILES}/{place}/model.skops", content=b"other"))[0] == 409
    given = {"name": "kept", "version": "1", "path": "data/names.txt"}
    assert client.get("/model-versions/get-artifact", params=given).content == b"a\nb\n"

    enter(bucket.environ)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELPACK_ARTIFACT_ROOT", f"s3://{bucket.name}/team/files")
        uri = f"sqlite:///{folder / 'team.db'}"
        with Registry(uri) as registry:
            found = contents(registry.path(registry.get_version("kept", 2)))
            assert {name: found[name] for name in MODEL} == MODEL
            copy = registry.register("models:/kept/1", "copied")
            assert copy.location == place
        with MlflowClient(uri) as local:
            assert [one.path for one in local.list_artifacts(run)] == ["model"]
            assert (
                Path(local.download_artifacts(run, "model/model.skops", tmp_path)).read_bytes() == b"weights"
            )
            fresh = local.create_run("0")
            local.log_text(fresh.info.run_id, "hello", "notes/x.txt")
    listed = client.get(f"{API}artifacts/list", params={"run_id": fresh.info.run_id}).json()
    assert listed["files"] == [{"path": "notes", "is_dir": True}]


def test_a_root_that_is_no_place_is_said_so(folder: Path, bucket: Bucket) -> None:
    for root in ("http://h/x", "s3://b/../x", "ftp://h/x"):
        chosen = ServerSettings(backend_store_uri=f"sqlite:///{folder / 'team.db'}", artifact_root=root)
        with pytest.raises(InvalidUri):
            Parts.open(chosen, bucket.environ)


def test_a_bucket_that_lets_nobody_in_is_unavailable_and_tells_no_secret(
    folder: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {**bucket.environ, "AWS_SECRET_ACCESS_KEY": "wrong", "MODELPACK_PATIENCE": "1"}
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with served(folder, Bucket(bucket.endpoint, wrong), "team/files") as client:
        status, _, said = refusal(client.get(f"{FILES}/x/empty"))
        assert (status, "wrong" in said.replace("or wrong", "")) == (503, False)
    with pytest.raises(StoreUnavailable):
        BucketArtifacts(f"s3://{bucket.name}", wrong).look("team/files/x/empty")


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Of a server of two users, with all of a bucket whose own server reads signed addresses."""
    known = {name: Caller(name, frozenset({"read", "write"})) for name in ("anna", "ben")}
    with s3(asks=False) as bucket:
        there = served(
            tmp_path_factory.mktemp("signing"), bucket, "", check=known.get, artifact_limit=12 << 20
        )
        with there as client:
            client.headers["Authorization"] = "Bearer anna"
            yield client


def test_where_clients_do_not_reach_the_bucket_they_are_given_no_addresses_in_it(
    tmp_path: Path, bucket: Bucket
) -> None:
    apart = replace(bucket, environ={**bucket.environ, "MODELPACK_SIGNED_ADDRESSES": "no"})
    with served(tmp_path, apart, "apart") as client:
        asked = {"path": "x", "num_parts": 2}
        assert refusal(client.post(f"{MPU}/create/{PLACE}", json=asked))[0] == 501
        put(client, f"{PLACE}/x", b"whole")
        assert client.get(f"/api/2.0/mlflow-artifacts/artifacts/{PLACE}/x").content == b"whole"
        assert refusal(client.get(f"/api/2.0/mlflow-artifacts/presigned/{PLACE}/x"))[0] == 501


PLACE = "runs/0/a/artifacts"
PARTS = [b"1" * (5 << 20), b"2" * (5 << 20), b"end"]


def begin(client: TestClient, parts: int = 3) -> dict[str, Any]:
    answer = client.post(f"{MPU}/create/{PLACE}", json={"path": "/home/anna/x y.bin", "num_parts": parts})
    begun: dict[str, Any] = answer.json()
    assert [one["part_number"] for one in begun["credentials"]] == list(range(1, parts + 1))
    return begun


def send(begun: Mapping[str, Any], parts: list[bytes]) -> list[dict[str, Any]]:
    """Send the parts to the bucket itself, by whoever has the address."""
    sent = []
    for credential, content in zip(begun["credentials"], parts, strict=True):
        assert credential["headers"] == {}
        assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in credential["url"]
        answer = httpx2.put(credential["url"], content=content)
        assert answer.status_code == 200
        sent.append({"part_number": credential["part_number"], "etag": answer.headers["etag"]})
    return sent


def test_parts_go_to_the_bucket_itself_and_make_one_file(signing: TestClient) -> None:
    begun = begin(signing)
    sent = send(begun, PARTS)
    assert signing.get(f"{FILES}/{PLACE}/x y.bin").status_code == 404
    body = {"path": "x y.bin", "upload_id": begun["upload_id"], "parts": sent}
    stranger = signing.post(f"{MPU}/complete/{PLACE}", json=body, headers={"Authorization": "Bearer ben"})
    assert refusal(stranger)[0] == 403
    elsewhere = signing.post(f"{MPU}/complete/{PLACE}", json=body | {"path": "z.bin"})
    assert refusal(elsewhere)[0] == 400
    for _ in range(2):
        assert signing.post(f"{MPU}/complete/{PLACE}", json=body).json() == {}
    assert signing.get(f"{FILES}/{PLACE}/x y.bin").content == b"".join(PARTS)
    told = signing.get(f"/api/2.0/mlflow-artifacts/presigned/{PLACE}/x y.bin").json()
    assert (told["file_size"], told["headers"]) == (sum(map(len, PARTS)), {})
    answer = httpx2.get(told["url"], headers={"Range": "bytes=5242878-5242881"})
    assert (answer.content, answer.headers["content-disposition"]) == (b"1122", "attachment")
    assert refusal(signing.get("/api/2.0/mlflow-artifacts/presigned/nothing"))[0] == 404
    assert b".modelpack" not in signing.get(FILES).content


def test_parts_that_are_wrong_given_up_or_too_large_make_no_file(signing: TestClient) -> None:
    signing.delete(f"{FILES}/{PLACE}/x y.bin")
    begun = begin(signing, 1)
    sent = send(begun, [b"1"])
    body = {"path": "x y.bin", "upload_id": begun["upload_id"]}
    for wrong in ([{"part_number": 1, "etag": '"0"'}], [], [*sent, *sent]):
        assert refusal(signing.post(f"{MPU}/complete/{PLACE}", json=body | {"parts": wrong}))[0] == 400
    ben = {"Authorization": "Bearer ben"}
    assert refusal(signing.post(f"{MPU}/abort/{PLACE}", json=body, headers=ben))[0] == 403
    for _ in range(2):
        assert signing.post(f"{MPU}/abort/{PLACE}", json=body).json() == {}
    assert refusal(signing.post(f"{MPU}/complete/{PLACE}", json=body | {"parts": sent}))[0] == 404
    large = begin(signing)
    parts = send(large, [b"x" * (5 << 20)] * 3)
    given = {"path": "x y.bin", "upload_id": large["upload_id"], "parts": parts}
    assert refusal(signing.post(f"{MPU}/complete/{PLACE}", json=given))[0] == 413
    assert signing.get(f"{FILES}/{PLACE}/x y.bin").status_code == 404
