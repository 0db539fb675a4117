"""The team server over a bucket of Ceph's gateway, which verifies signatures and enforces conditions."""

from collections.abc import Iterator, Mapping

import boto3
import pytest

from modelpack.sql import Address, Database
from modelpack.tracking.server.tokens import Tokens
from tests.compat.real_mlflow import NEWEST, require_mlflow
from tests.postgres import fresh_uri
from tests.remote.servers import Bucket
from tests.team.ceph import ceph, require_ceph
from tests.team.clients import differences
from tests.team.conftest import Sessions
from tests.team.differences import OF_A_KNOWN_CALLER, OF_CLIENTS, OF_OUR_SERVER
from tests.team.servers import Team, team_server

pytestmark = [pytest.mark.mlflow, pytest.mark.postgres, pytest.mark.long]


@pytest.fixture(scope="module")
def ceph_bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """An empty bucket."""
    require_ceph()
    with ceph(tmp_path_factory.mktemp("ceph")) as found:
        yield found


@pytest.fixture(scope="module")
def on_ceph(
    postgres_server: str, ceph_bucket: Bucket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    """PostgreSQL and that bucket, for who has a token."""
    folder, uri = tmp_path_factory.mktemp("team-on-ceph"), fresh_uri(postgres_server)
    database = Database(Address.of(uri, "the test"))
    _, token = Tokens(database).create("ada", ["write"])
    database.close()
    root = f"s3://{ceph_bucket.name}/team"
    with team_server(folder, uri, root, token=token, **ceph_bucket.environ) as team:
        yield team
        assert team.failures() == []


@pytest.mark.parametrize("version", [NEWEST, "2.10"])
def test_clients_see_the_same_with_a_bucket_of_ceph(
    sessions: Sessions, on_ceph: Team, real: Mapping[str, str], version: str
) -> None:
    require_mlflow(version)
    sessions.begin(version, "ceph", on_ceph.environ)
    sessions.begin(NEWEST, "real", real)
    allowed = [*OF_OUR_SERVER, *OF_A_KNOWN_CALLER, *OF_CLIENTS[version]]
    assert differences(sessions.saw(NEWEST, "real"), sessions.saw(version, "ceph"), allowed) == {}


def test_files_lie_in_the_bucket_and_nowhere_else(
    sessions: Sessions, on_ceph: Team, ceph_bucket: Bucket
) -> None:
    sessions.begin("2.10", "ceph", on_ceph.environ)
    sessions.saw("2.10", "ceph")
    client = boto3.client(
        "s3",
        endpoint_url=ceph_bucket.endpoint,
        aws_access_key_id=ceph_bucket.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ceph_bucket.environ["AWS_SECRET_ACCESS_KEY"],
        region_name="us-east-1",
    )
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=ceph_bucket.name)
    keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
    client.close()
    assert any(key.startswith("team/runs/") for key in keys)
    assert any(key.startswith("team/models/sha256/") and key.endswith("/MLmodel") for key in keys)
    assert not list(on_ceph.log.parent.rglob("MLmodel"))
