"""Models in buckets of three clouds, each with a server of its kind on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import modelpack
from modelpack.artifacts.buckets import BucketArtifacts
from modelpack.directory import ModelDirectory
from modelpack.errors import AlreadyExists, NotFound, StoreUnavailable
from tests.modelpack.registry.directories import contents
from tests.remote.clouds import azure, google
from tests.remote.conftest import Enter
from tests.remote.relay import Relay, relaying
from tests.remote.servers import Bucket

CLOUDS = [
    "s3",
    "gs",
    pytest.param("abfs", marks=pytest.mark.long),
    pytest.param("abfss", marks=pytest.mark.long),
]


@pytest.fixture(scope="session")
def of_google() -> Iterator[Bucket]:
    with google() as found:
        yield found


@pytest.fixture(scope="session")
def of_azure() -> Iterator[Bucket]:
    with azure() as found:
        yield found


@pytest.fixture
def cloud(request: pytest.FixtureRequest, enter: Enter) -> tuple[str, Bucket]:
    """How addresses in a bucket of the wanted scheme begin, and that bucket, which the environment names."""
    names = {"s3": "bucket", "gs": "of_google", "abfs": "of_azure", "abfss": "of_azure"}
    found: Bucket = request.getfixturevalue(names[request.param])
    enter(found.environ)
    place = f"{found.name}@tests.dfs.core.windows.net" if request.param == "abfss" else found.name
    return f"{request.param}://{place}", found


@pytest.fixture
def relay(cloud: tuple[str, Bucket], enter: Enter) -> Iterator[Relay]:
    """The wire to that bucket, which the environment names instead."""
    _, found = cloud
    with relaying(found.port) as wire:
        enter(found.at(wire.port))
        yield wire


@pytest.mark.parametrize("cloud", CLOUDS, indirect=True)
def test_a_model_is_put_listed_fetched_and_deleted(cloud: tuple[str, Bucket], wine: ModelDirectory) -> None:
    root, bucket = cloud
    store = BucketArtifacts(root, bucket.environ)
    store.put(wine.path, "of a cloud/wine")
    fetched = modelpack.open_model(f"{root}/of a cloud/wine")
    assert contents(fetched.path) == contents(wine.path)
    assert [int(one) for one in modelpack.load(f"{root}/of a cloud/wine").predict([[0.0], [3.0]])] == [0, 1]
    assert [entry.path for entry in store.list("of a cloud")] == ["of a cloud/wine"]
    document = next(entry for entry in store.list("of a cloud/wine") if entry.path.endswith("/MLmodel"))
    assert document.tag
    with store.read(document, start=5) as piece:
        assert b"".join(piece.chunks) == (wine.path / "MLmodel").read_bytes()[5:]
    with pytest.raises(AlreadyExists):
        store.put(wine.path, "of a cloud/wine")
    store.delete("of a cloud")
    with pytest.raises(NotFound):
        modelpack.open_model(f"{root}/of a cloud/wine")


@pytest.mark.parametrize("cloud", CLOUDS, indirect=True)
def test_a_download_that_is_cut_leaves_nothing_half_loaded_and_is_made_good(
    cloud: tuple[str, Bucket],
    relay: Relay,
    wine: ModelDirectory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root, bucket = cloud
    BucketArtifacts(root, bucket.environ).put(wine.path, "cut/wine")
    # Long enough for a machine with much to do to come to the cut.
    monkeypatch.setenv("MODELPACK_PATIENCE", "8")
    monkeypatch.setenv("MODELPACK_DOWNLOAD_SECONDS", "10")
    relay.cut = 4_000
    with pytest.raises(StoreUnavailable):
        modelpack.open_model(f"{root}/cut/wine")
    assert relay.broken
    assert not list(tmp_path.glob("home/cache/models/**/MLmodel"))
    relay.cut = None
    assert contents(modelpack.open_model(f"{root}/cut/wine").path) == contents(wine.path)
    BucketArtifacts(root, bucket.environ).delete("cut")


@pytest.mark.parametrize("cloud", ["gs"], indirect=True)
@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_bucket_of_google_that_refuses_us_says_so_at_once(
    cloud: tuple[str, Bucket], relay: Relay, status: str
) -> None:
    # The emulator lets everyone in: the words are Google's.
    body = b'{"error": {"code": %s, "message": "c4nary does not have storage.objects.list access"}}'
    body %= status[:3].encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    relay.answer = head.encode() + body
    with pytest.raises(StoreUnavailable, match="credentials") as caught:
        modelpack.open_model(f"{cloud[0]}/x")
    assert "c4nary" not in str(caught.value)
    assert "given up" not in str(caught.value)


@pytest.mark.long
@pytest.mark.parametrize("cloud", ["abfs", "abfss"], indirect=True)
@pytest.mark.parametrize("key", ["c4nary", "YzRuYXJ5"])
def test_a_container_of_azure_that_does_not_know_us_says_so_at_once(
    cloud: tuple[str, Bucket], key: str, enter: Enter
) -> None:
    root, bucket = cloud
    parts = bucket.environ["AZURE_STORAGE_CONNECTION_STRING"].split(";")
    wrong = [f"AccountKey={key}" if part.startswith("AccountKey") else part for part in parts]
    enter({"AZURE_STORAGE_CONNECTION_STRING": ";".join(wrong)})
    with pytest.raises(StoreUnavailable, match="credentials") as caught:
        modelpack.open_model(f"{root}/x")
    assert key not in str(caught.value)
    assert "given up" not in str(caught.value)


@pytest.mark.parametrize("cloud", CLOUDS, indirect=True)
def test_a_bucket_that_is_not_there_is_not_found(cloud: tuple[str, Bucket]) -> None:
    root, bucket = cloud
    with pytest.raises((NotFound, StoreUnavailable)) as caught:
        modelpack.open_model(f"{root.replace(bucket.name, 'no-such-bucket')}/x")
    assert "given up" not in str(caught.value)
