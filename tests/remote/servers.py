"""Real servers for tests: MLflow's, new and old, with either database, and an S3 that checks who asks."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import boto3

from tests.compat.real_mlflow import NEWEST, clean_environ, python_of

_START_LIMIT = 90.0
_BUCKET = "models-of-the-tests"


OLDER, OLDEST = "2.22", "2.10"
_SETTINGS = """\
[mlflow]
default_permission = NO_PERMISSIONS
database_uri = sqlite:///{folder}/users.db
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
admin_username = admin
# Else every request costs a hash that is slow on purpose.
auth_cache_ttl_seconds = 600
"""


@dataclass(frozen=True)
class Server:
    """An MLflow server at *url*; *environ* is what a client of it needs, its address among it."""

    url: str
    environ: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Servers:
    """Three of MLflow's servers.

    *proxied* has SQLite, hands artifacts on and wants to know who asks; *direct* has PostgreSQL, and its
    artifacts lie in a bucket; *older* is of MLflow 2.22, with SQLite, and hands artifacts on to anyone.
    """

    proxied: Server
    direct: Server
    older: Server


@dataclass(frozen=True)
class Bucket:
    """A bucket behind a server at *endpoint* that knows one user."""

    endpoint: str
    environ: Mapping[str, str] = field(repr=False)
    name: str = _BUCKET

    @property
    def port(self) -> int:
        """Where the server listens on this machine."""
        return int(self.endpoint.rpartition(":")[2])

    def at(self, port: int) -> dict[str, str]:
        """*environ* for someone who reaches the server by another *port*."""
        place = f"127.0.0.1:{self.port}"
        return {name: value.replace(place, f"127.0.0.1:{port}") for name, value in self.environ.items()}


@contextmanager
def mlflow_servers_in(folder: Path, postgres: str, bucket: Bucket) -> Iterator[Servers]:
    """All three, the second one with *postgres* and *bucket*.

    They are started at once: an import of MLflow is most of it.
    """
    proxied = (
        "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination", str(folder / "artifacts"), "--app-name", "basic-auth",
    )  # fmt: skip
    direct = (
        "--backend-store-uri", postgres,
        "--no-serve-artifacts", "--default-artifact-root", f"s3://{bucket.name}/root",
    )  # fmt: skip
    older = (
        "--backend-store-uri", f"sqlite:///{folder}/older.db",
        "--artifacts-destination", str(folder / "older"),
    )  # fmt: skip
    password = secrets.token_hex(8)
    (folder / "auth.ini").write_text(_SETTINGS.format(folder=folder))
    guarded = {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(8),
    }
    known = {"MLFLOW_TRACKING_USERNAME": "admin", "MLFLOW_TRACKING_PASSWORD": password}
    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        started = [
            stack.enter_context(_process(options, folder, environ, version))
            for options, environ, version in (
                (proxied, guarded, NEWEST),
                (direct, {}, NEWEST),
                (older, {}, OLDER),
            )
        ]
        list(pool.map(lambda one: _await(one[0], one[1], folder), started))
        first, second, third = (url for _, url in started)
        yield Servers(
            Server(first, {"MLFLOW_TRACKING_URI": first, **known}),
            Server(second, {"MLFLOW_TRACKING_URI": second, **bucket.environ}),
            Server(third, {"MLFLOW_TRACKING_URI": third}),
        )


@contextmanager
def mlflow_server_in(folder: Path) -> Iterator[Server]:
    """One server of the newest MLflow by itself, with SQLite, which hands artifacts on to anyone."""
    options = (
        "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination", str(folder / "artifacts"),
    )  # fmt: skip
    with _process(options, folder, {}, NEWEST) as (process, url):
        _await(process, url, folder)
        yield Server(url, {"MLFLOW_TRACKING_URI": url})


@contextmanager
def _process(
    options: tuple[str, ...], folder: Path, environ: Mapping[str, str], version: str
) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    port = free_port()
    kept = {key: value for key, value in clean_environ(folder).items() if not key.startswith("AWS_")}
    program = str(python_of(version).with_name("mlflow"))
    command = [program, "server", *options, "--host", "127.0.0.1", "--port", str(port)]
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--workers", "1"],
            cwd=folder,
            # Jobs are of the other platform in MLflow 3: seven processes that cost 16 s to start, and idle.
            env={**kept, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **environ},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        # It is a parent that starts another: both are in a session of their own.
        # Nobody reads these files again, and a polite end takes seconds.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def _await(process: "subprocess.Popen[bytes]", url: str, folder: Path) -> None:
    deadline = time.monotonic() + _START_LIMIT
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    log = next(folder.glob(f"{url.rpartition(':')[2]}.log")).read_text()
    raise RuntimeError(f"the MLflow server does not start: {log[-3_000:]}")


@contextmanager
def s3(*, asks: bool = True) -> Iterator[Bucket]:
    """A server of moto with a user and a bucket. If it *asks* who calls, it reads no signed addresses."""
    port = free_port()
    program = shutil.which("moto_server", path=str(Path(sys.executable).parent))
    assert program is not None
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    process = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)],
        # After three calls it asks who calls.
        env=kept | ({"INITIAL_NO_AUTH_ACTION_COUNT": "3"} if asks else {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await_port(port)
        endpoint = f"http://127.0.0.1:{port}"
        yield Bucket(endpoint, _user(endpoint))
    finally:
        process.terminate()
        process.wait(10)


def _user(endpoint: str) -> dict[str, str]:
    anyone = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing", "region_name": "us-east-1"}
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    iam = boto3.client("iam", endpoint_url=endpoint, **anyone)
    iam.create_user(UserName="tests")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="tests", PolicyName="all", PolicyDocument=policy)
    key = iam.create_access_key(UserName="tests")["AccessKey"]
    iam.close()
    known = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    client = boto3.client("s3", endpoint_url=endpoint, **(anyone | known))
    client.create_bucket(Bucket=_BUCKET)
    client.close()
    return {
        "MLFLOW_S3_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def await_port(port: int) -> None:
    """Wait until somebody listens on *port* of this machine."""
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
