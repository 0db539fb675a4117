"""Where references lead; and where a server's own references must not lead us."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from modelpack.artifacts.buckets import BucketPath
from modelpack.artifacts.cache import Cache
from modelpack.artifacts.places import Place, Places
from modelpack.errors import InvalidUri, ModelpackError, NotFound
from modelpack.remote.address import ServerAddress
from modelpack.remote.server import MlflowServer
from modelpack.uris import ModelRef
from tests.modelpack.registry.directories import write_model
from tests.modelpack.remote.faulty import Fault, Faulty

LOGGED = f"models:/m-{'0' * 32}"


@pytest.fixture
def places(served: Faulty, tmp_path: Path) -> Iterator[Places]:
    """Those of *served*; the operator shares one folder with it."""
    (tmp_path / "shared").mkdir()
    environ = {"MODELPACK_SHARED_FOLDERS": str(tmp_path / "shared")}
    server = MlflowServer.open(ServerAddress.parse(served.url), environ)
    with closing(Places(environ, server, Cache(tmp_path / "cache"))) as opened:
        yield opened


def sent_to(served: Faulty, uri: str) -> None:
    """Let the server say that the files of a logged model are at *uri*."""
    body = b'{"model": {"info": {"artifact_uri": %s}}}' % repr(uri).replace("'", '"').encode()
    served.faults[LOGGED.removeprefix("models:")] = [Fault(body=body)]


REFUSED = [
    "file:///etc", "/etc", "FILE:///etc", "file:/etc", "file://localhost/etc", "file://./etc", "//etc",
    "../../../etc", "./../../etc", "C:/Windows", "file://host/share", "local:///etc", ":///etc",
    "ftp://h/x", "dbfs:/x", "hdfs://h/x", "data:x", "gopher://h/x", "oci://h/x",
    "http://127.0.0.1:1/model.tar.gz", "https://user:c4nary@host/model.zip?c4nary", "http://169.254.169.254/",
    "mlflow-artifacts:/a/../../etc", "mlflow-artifacts:/", "mlflow-artifacts:",
    "mlflow-artifacts://other:1/x", "mlflow-artifacts:/a?x", "mlflow-artifacts:/a#/../etc",
    "s3://b/models/../../other", "s3://b/%2e%2e/x", "s3://b", "s3:///x", "s3:b/x", "s3://b/x?y", "s3://b/a//b",
    "s3://b/*", "gs://b/../x", "abfss://c@h/../x",
    "runs:/../x", "runs://host/x", "runs:/id", "runs:/id/../..", "runs:/i d/x",
    "models:/name", "models:/name@alias", "models:/name/Production", "models://p@d/x",
]  # fmt: skip


@pytest.mark.parametrize("uri", REFUSED)
def test_a_server_cannot_send_us_elsewhere(uri: str, served: Faulty, places: Places) -> None:
    sent_to(served, uri)
    with pytest.raises(InvalidUri) as caught:
        places.fetch(ModelRef.parse(LOGGED))
    assert len(str(caught.value)) <= 300
    assert "c4nary" not in str(caught.value)
    assert len(served.asked) == 1


def test_a_server_may_send_us_into_a_folder_that_its_operator_shares(
    served: Faulty, places: Places, tmp_path: Path
) -> None:
    model = write_model(tmp_path / "shared" / "m")
    sent_to(served, f"file://{model}")
    assert places.fetch(ModelRef.parse(LOGGED)) == model
    sent_to(served, str(tmp_path / "shared" / "none"))
    with pytest.raises(NotFound):
        places.fetch(ModelRef.parse(LOGGED))


def test_a_link_in_a_shared_folder_that_leads_outside_is_refused(
    served: Faulty, places: Places, tmp_path: Path
) -> None:
    write_model(tmp_path / "private")
    (tmp_path / "shared" / "link").symlink_to(tmp_path / "private")
    sent_to(served, str(tmp_path / "shared" / "link"))
    with pytest.raises(InvalidUri, match="MODELPACK_SHARED_FOLDERS"):
        places.fetch(ModelRef.parse(LOGGED))


@pytest.mark.parametrize(
    "form", ["mlflow-artifacts:/a/m", "mlflow-artifacts://{host}/a/m", "{url}{proxy}/a/m"]
)
def test_files_of_the_server_itself_are_fetched_in_every_form(
    form: str, served: Faulty, places: Places
) -> None:
    write_model(served.folder / "a" / "m")
    host = served.url.removeprefix("http://")
    ref = form.format(host=host, url=served.url, proxy="/api/2.0/mlflow-artifacts/artifacts")
    sent_to(served, ref)
    assert (places.fetch(ModelRef.parse(LOGGED)) / "model.skops").read_bytes() == b"weights"


def test_a_loop_of_references_ends(served: Faulty, places: Places) -> None:
    body = b'{"model": {"info": {"artifact_uri": "%s"}}}' % LOGGED.encode()
    served.faults[LOGGED.removeprefix("models:")] = [Fault(body=body)] * 20
    with pytest.raises(InvalidUri, match="loop"):
        places.fetch(ModelRef.parse(LOGGED))


def test_without_a_server_a_run_says_what_to_set(tmp_path: Path) -> None:
    places = Places({}, None, Cache(tmp_path))
    for text in ("runs:/id/model", LOGGED, "mlflow-artifacts:/x"):
        with pytest.raises(InvalidUri, match="MLFLOW_TRACKING_URI"):
            places.fetch(ModelRef.parse(text))


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>", b'{"model": 3}', b'{"model": {"info": {}}}'])
def test_a_server_that_answers_otherwise_is_told_to_be_no_mlflow_server(
    body: bytes, served: Faulty, places: Places
) -> None:
    served.faults[LOGGED.removeprefix("models:")] = [Fault(body=body)]
    with pytest.raises(ModelpackError) as caught:
        places.fetch(ModelRef.parse(LOGGED))
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize(
    ("text", "root", "path"),
    [
        ("s3://bucket/a/b/", "s3://bucket", "a/b"),
        ("gs://bucket/a", "gs://bucket", "a"),
        ("abfss://box@me.dfs.core.windows.net/a/b", "abfss://box@me.dfs.core.windows.net", "a/b"),
    ],
)
def test_a_reference_to_a_bucket_has_a_root_and_a_path(text: str, root: str, path: str) -> None:
    assert BucketPath.parse(ModelRef.parse(text)) == BucketPath(root, path)


def test_what_a_place_is_called_holds_no_password(served: Faulty, tmp_path: Path) -> None:
    address = ServerAddress.parse(served.url.replace("://", "://me:c4nary@"))
    server = MlflowServer.open(address, {})
    with closing(Places({}, server, Cache(tmp_path))) as places:
        found = places.follow(ModelRef.parse("mlflow-artifacts:/a"))
    assert isinstance(found, Place)
    assert "c4nary" not in found.name
