"""The services that are ours, built and run as the document says, with a real PostgreSQL and S3 server."""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from serving.compose.image import image
from serving.compose.plan import Team, services
from serving.images.engine import Classic, Order
from tests.containers import Engine
from tests.remote.servers import s3

pytestmark = [pytest.mark.long, pytest.mark.postgres]

TAG = "modelpack-team-server:of-a-test"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_PLATFORM = "linux/amd64"


def test_a_bucket_is_made_and_the_server_keeps_runs_in_it_for_whoever_has_a_token(
    container_engine: Engine, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", container_engine.host)
    built: list[str] = []
    order = Order(tag=TAG, platform=_PLATFORM, arguments={}, secrets={})
    assert Classic().build(image(python=PYTHON), order, built.append)
    ours = services(Team())["services"]
    with psycopg.connect(postgres_server.format(database="postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE of_a_team")
    with s3() as bucket:
        environ = {
            **dict(bucket.environ),
            "MODELPACK_TRACKING_URI": postgres_server.format(database="of_a_team"),
            "MODELPACK_REGISTRY_URI": postgres_server.format(database="of_a_team"),
            "MODELPACK_ARTIFACT_ROOT": "s3://made-for-a-team/team",
            "HOME": "/scratch",
        }
        making = [*ours["bucket"]["entrypoint"][:-1], "s3://made-for-a-team"]
        for said in ("made", "is there"):
            with _running(container_engine, ours["bucket"], environ, entrypoint=making) as container:
                assert container.wait(timeout=60)["StatusCode"] == 0, container.logs()
                assert container.logs().decode().strip() == f"s3://made-for-a-team: {said}"
        command = [*ours["server"]["command"]]
        command[command.index("0.0.0.0")] = "127.0.0.1"
        command[command.index("5000")] = "15091"
        with _running(container_engine, ours["server"], environ, command=command) as container:
            _alive("http://127.0.0.1:15091/health", container)
            with pytest.raises(urllib.error.HTTPError, match="401") as refused:
                _ask("runs/create", {"experiment_id": "0"}, "")
            refused.value.close()
            done = container.exec_run(
                ["modelpack", "token", "create", "--json", "--user", "ada", "--scope", "write"]
            )
            assert done.exit_code == 0, done.output
            secret = json.loads(done.output)["token"]
            run = _ask("runs/create", {"experiment_id": "0", "start_time": 1}, secret)["run"]["info"]
            place = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
            _put(place, b"kept", secret)
            assert _get(place, secret) == b"kept"
            container.stop(timeout=40)
            assert container.wait(timeout=60)["StatusCode"] == 0, container.logs()


@contextmanager
def _running(engine: Engine, service: Any, environ: dict[str, str], **options: Any) -> Iterator[Any]:
    """A container with the rights that the document gives *service*, on this machine's network."""
    assert service["read_only"] is True
    container = engine.client.containers.run(
        TAG,
        detach=True,
        network_mode="host",
        environment=environ,
        read_only=True,
        tmpfs=dict.fromkeys(service["tmpfs"], ""),
        cap_drop=service["cap_drop"],
        security_opt=service["security_opt"],
        volumes={"modelpack-scratch-of-a-test": {"bind": "/scratch", "mode": "rw"}},
        **options,
    )
    try:
        yield container
    finally:
        container.remove(force=True, v=True)
        engine.client.volumes.get("modelpack-scratch-of-a-test").remove()


def _alive(url: str, container: Any) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(container.logs().decode())


def _ask(path: str, body: Any, token: str) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:15091/api/2.0/mlflow/{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def _file(place: str) -> str:
    return f"http://127.0.0.1:15091/api/2.0/mlflow-artifacts/artifacts/{place}/a.txt"


def _put(place: str, content: bytes, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"}
    request = urllib.request.Request(_file(place), content, headers, method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def _get(place: str, token: str) -> bytes:
    request = urllib.request.Request(_file(place), headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        content: bytes = answer.read()
    return content
