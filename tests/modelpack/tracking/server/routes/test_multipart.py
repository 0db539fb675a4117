"""Large files in parts, in a folder: whole at the end or not at all, and its sender's alone."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from modelpack.files import STAGING_LIFETIME
from modelpack.tracking.server.call import Caller
from tests.modelpack.tracking.server.kit import refusal, served

MPU = "/api/2.0/mlflow-artifacts/mpu"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
PLACE = "runs/0/a/artifacts"
_OF_SQLITE = ("", "-shm", "-wal", ".lock")
CONTENT = [b"first " * 100_000, b"second " * 90_000, b"last"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    """Of a server that knows two users, of whom one asks."""
    known = {name: Caller(name, frozenset({"read", "write"})) for name in ("anna", "ben")}
    with served(folder, check=known.get, artifact_limit=4 << 20) as client:
        client.headers["Authorization"] = "Bearer anna"
        yield client


def begin(
    client: TestClient, path: str = "/home/anna/large.bin", parts: int = 3, at: str = PLACE
) -> dict[str, Any]:
    answer = client.post(f"{MPU}/create/{at}", json={"path": path, "num_parts": parts})
    assert answer.status_code == 200, answer.text
    begun: dict[str, Any] = answer.json()
    return begun


def send(client: TestClient, begun: dict[str, Any], contents: list[bytes]) -> list[dict[str, Any]]:
    """Send the parts as a client does that says nothing of itself but what it was told to."""
    sent = []
    for credential, content in zip(begun["credentials"], contents, strict=False):
        answer = client.put(credential["url"], content=content, headers=credential["headers"])
        assert answer.status_code == 200, answer.text
        sent.append({"part_number": credential["part_number"], "etag": answer.headers["etag"], "url": ""})
    return sent


def told(begun: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"path": "/home/anna/large.bin", "upload_id": begun["upload_id"], **more}


def test_parts_come_in_any_order_and_again_and_make_one_file(client: TestClient, folder: Path) -> None:
    begun = begin(client)
    numbers = [one["part_number"] for one in begun["credentials"]]
    assert numbers == [1, 2, 3]
    assert begun["credentials"][0]["headers"] == {"Authorization": "Bearer anna"}
    send(client, begun, [b"another try", *CONTENT[1:]])
    reverse = begun | {"credentials": begun["credentials"][::-1]}
    sent = send(client, reverse, CONTENT[::-1])[::-1]
    assert client.get(f"{FILES}/{PLACE}/large.bin").status_code == 404
    for _ in range(2):  # who did not hear the answer asks again
        assert client.post(f"{MPU}/complete/{PLACE}", json=told(begun, parts=sent)).json() == {}
    assert client.get(f"{FILES}/{PLACE}/large.bin").content == b"".join(CONTENT)
    assert not list((folder / "files" / ".modelpack-uploads").rglob("*.part"))


def test_what_is_given_up_is_gone_and_twice_is_no_error(client: TestClient, folder: Path) -> None:
    begun = begin(client)
    sent = send(client, begun, CONTENT)
    for _ in range(2):
        assert client.post(f"{MPU}/abort/{PLACE}", json=told(begun)).json() == {}
    assert not (folder / "files" / ".modelpack-uploads" / begun["upload_id"]).exists()
    assert client.post(f"{MPU}/complete/{PLACE}", json=told(begun, parts=sent)).status_code == 404
    assert client.put(begun["credentials"][0]["url"], content=b"x").status_code == 404


def test_nobody_else_touches_an_upload(client: TestClient) -> None:
    begun = begin(client, "/home/anna/hers.bin")
    sent = send(client, begun, CONTENT)
    ben = {"Authorization": "Bearer ben"}
    body = told(begun, path="hers.bin", parts=sent)
    for answer in (
        client.put(begun["credentials"][0]["url"], content=b"x", headers=ben),
        client.post(f"{MPU}/complete/{PLACE}", json=body, headers=ben),
        client.post(f"{MPU}/abort/{PLACE}", json=body, headers=ben),
    ):
        assert refusal(answer)[:2] == (403, "PERMISSION_DENIED")
    nobody = client.put(begun["credentials"][0]["url"], content=b"x", headers={"Authorization": ""})
    assert nobody.status_code == 401
    assert client.post(f"{MPU}/complete/{PLACE}", json=body).status_code == 200
    assert client.get(f"{FILES}/{PLACE}/hers.bin").content == b"".join(CONTENT)


def test_an_upload_is_put_together_where_it_was_begun_and_nowhere_else(client: TestClient) -> None:
    begun = begin(client)
    sent = send(client, begun, CONTENT)
    for at, path in (("runs/0/b/artifacts", "large.bin"), (PLACE, "other.bin")):
        body = told(begun, path=path, parts=sent)
        assert client.post(f"{MPU}/complete/{at}", json=body).status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        lambda sent: sent[:2],
        lambda sent: sent[::-1],
        lambda sent: [*sent, sent[0]],
        lambda sent: [sent[0], sent[0], sent[2]],
        lambda sent: [],
        lambda sent: [{**one, "part_number": one["part_number"] + 1} for one in sent],
        lambda sent: [{**sent[0], "etag": '"another"'}, *sent[1:]],
        lambda sent: [{"etag": "x"}],
        lambda sent: ["x"],
    ],
)
def test_parts_that_are_not_all_there_make_no_file(client: TestClient, change: Any) -> None:
    begun = begin(client, "never.bin")
    sent = send(client, begun, CONTENT)
    body = told(begun, path="never.bin", parts=change(sent))
    assert refusal(client.post(f"{MPU}/complete/{PLACE}", json=body))[0] == 400
    assert client.get(f"{FILES}/{PLACE}/never.bin").status_code == 404


def test_a_part_that_never_came_is_missed(client: TestClient) -> None:
    begun = begin(client, "never.bin")
    sent = send(client, begun, CONTENT[:2])
    body = told(begun, path="never.bin", parts=[*sent, {"part_number": 3}])
    status, _, said = refusal(client.post(f"{MPU}/complete/{PLACE}", json=body))
    assert (status, "part 3 has not arrived" in said) == (400, True)


@pytest.mark.parametrize("number", ["0", "4", "99999999999999999999"])
def test_a_part_that_was_not_begun_is_not_taken(client: TestClient, number: str) -> None:
    url = begin(client)["credentials"][0]["url"].removesuffix("1") + number
    assert refusal(client.put(url, content=b"x"))[0] == 400


@pytest.mark.parametrize("upload_id", ["x", "..", "a" * 43, "%2e%2e", "../../runs", "A" * 5000])
def test_an_upload_that_nobody_began_is_not_found(client: TestClient, upload_id: str) -> None:
    for verb in ("complete", "abort"):
        answer = client.post(f"{MPU}/{verb}/{PLACE}", json={"path": "x", "upload_id": upload_id, "parts": []})
        assert answer.status_code == (404 if verb == "complete" else 200)
    assert client.put(f"{MPU}/part/{upload_id}/1", content=b"x").status_code in (404, 405)


@pytest.mark.parametrize("count", [0, -1, 10_001, 2**70, "x", 1.5])
def test_the_number_of_parts_is_bounded(client: TestClient, count: Any) -> None:
    answer = client.post(f"{MPU}/create/{PLACE}", json={"path": "x", "num_parts": count})
    assert refusal(answer)[:2] == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("verb", ["create", "complete", "abort"])
@pytest.mark.parametrize(
    ("at", "path"),
    [
        ("..%2f..%2fartifacts", "x"),
        ("%252e%252e/artifacts", "x"),
        ("a/artifacts//b", "x"),
        (PLACE, "../../x"),
        (PLACE, ".."),
        (PLACE, "..\\..\\x"),
        (PLACE, "a/"),
        (PLACE, ""),
        (PLACE, "a\0b"),
        (PLACE, ".modelpack-uploads"),
        (PLACE, "x" * 256),
    ],
)
def test_no_upload_leads_out_of_the_root(
    client: TestClient, folder: Path, verb: str, at: str, path: str
) -> None:
    body = {"path": path, "num_parts": 1, "upload_id": "a" * 43, "parts": []}
    assert refusal(client.post(f"{MPU}/{verb}/{at}", json=body))[:2] == (400, "INVALID_PARAMETER_VALUE")
    assert {one.name for one in folder.iterdir()} <= {"files", *(f"server.db{end}" for end in _OF_SQLITE)}


def test_the_files_of_registered_versions_are_not_uploaded_in_parts_either(client: TestClient) -> None:
    answer = client.post(f"{MPU}/create/models/sha256/artifacts", json={"path": "x", "num_parts": 1})
    assert answer.status_code == 409


def test_a_sender_that_does_not_say_of_which_run_a_file_is_is_sent_the_other_way(client: TestClient) -> None:
    for at in ("", "/large%20files"):
        status, code, said = refusal(client.post(f"{MPU}/create{at}", json={"path": "x", "num_parts": 1}))
        assert (status, code) == (501, "NOT_IMPLEMENTED")
        assert said.startswith("Multipart upload is not supported for the current artifact repository")


def test_parts_together_keep_to_the_limit_of_a_file(client: TestClient) -> None:
    begun = begin(client, "large.bin", 4)
    parts = [b"x" * (2 << 20)] * 3
    first = client.put(begun["credentials"][0]["url"], content=b"x" * ((4 << 20) + 1))
    assert first.status_code == 413
    sent = send(client, begun, parts)
    assert client.put(begun["credentials"][3]["url"], content=b"x").status_code == 413
    body = told(begun, parts=[*sent, {"part_number": 4}])
    assert client.post(f"{MPU}/complete/{PLACE}", json=body).status_code in (400, 413)


def test_what_nobody_went_on_with_for_a_day_is_swept_away(client: TestClient, folder: Path) -> None:
    old, young = begin(client), begin(client)
    uploads = folder / "files" / ".modelpack-uploads"
    then = time.time() - STAGING_LIFETIME - 10
    os.utime(uploads / old["upload_id"], (then, then))
    begin(client)
    assert not (uploads / old["upload_id"]).exists()
    assert (uploads / young["upload_id"]).is_dir()


def test_there_are_no_addresses_for_files_of_a_folder(client: TestClient) -> None:
    status, _, said = refusal(client.get("/api/2.0/mlflow-artifacts/presigned/runs/0/x"))
    assert status == 501
    assert said.startswith("Multipart download is not supported for the current artifact repository")
