"""A real S3 server for tests: Ceph's gateway, over one monitor and one store in memory."""

import os
import secrets
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import boto3
import pytest

from tests.remote.servers import Bucket, await_port, free_port

_PROGRAMS: Final = ("ceph-mon", "ceph-osd", "radosgw", "ceph", "ceph-authtool", "monmaptool", "radosgw-admin")
_START_LIMIT = 60.0
_KEYS: Final = {
    "mon.": ("mon", "allow *"),
    "client.admin": ("mon", "allow *", "osd", "allow *"),
    "client.rgw.a": ("mon", "allow rwx", "osd", "allow rwx"),
    "osd.0": ("mon", "allow profile osd", "osd", "allow *"),
}
_SETTINGS: Final = """\
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{first},v1:127.0.0.1:{second}]
mon initial members = a
public network = 127.0.0.0/8
auth allow insecure global id reclaim = false
keyring = {folder}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
mon data = {folder}/mon
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
osd class load list = *
osd class default list = *
run dir = {folder}
log file = {folder}/$name.log
admin socket = {folder}/$name.asok
[client.rgw.a]
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{port}
"""


def require_ceph() -> None:
    """Skip, or fail where nothing may be missing, when Ceph is not installed."""
    if all(map(shutil.which, _PROGRAMS)) and os.getuid() == 0:
        return
    reason = "Ceph is not set up: apt-get install ceph-mon ceph-osd radosgw ceph-common, and be root"
    if os.environ.get("MODELPACK_TEST_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def ceph(folder: Path) -> Iterator[Bucket]:
    """An empty bucket behind a gateway that verifies who asks."""
    port, fsid = free_port(), str(uuid.uuid4())
    for name in ("mon", "osd", "rgw"):
        (folder / name).mkdir()
    first, second = free_port(), free_port()
    settings = folder / "ceph.conf"
    settings.write_text(_SETTINGS.format(fsid=fsid, first=first, second=second, folder=folder, port=port))
    cluster = _Cluster(folder, {**os.environ, "CEPH_CONF": str(settings)})
    try:
        cluster.start(fsid, f"[v2:127.0.0.1:{first},v1:127.0.0.1:{second}]")
        await_port(port)
        yield _bucket(cluster, f"http://127.0.0.1:{port}")
    finally:
        cluster.stop()


class _Cluster:
    """One monitor, one store and one gateway in *folder*."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder, self._environ = folder, environ
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, fsid: str, address: str) -> None:
        """Make keys and maps, and start all three."""
        ring, map_of_monitors = self._folder / "keyring", self._folder / "monmap"
        for place, (name, caps) in enumerate(_KEYS.items()):
            new = ("--create-keyring",) if place == 0 else ()
            pairs = zip(caps[::2], caps[1::2], strict=True)
            given = [part for service, cap in pairs for part in ("--cap", service, cap)]
            self.run("ceph-authtool", *new, ring, "--gen-key", "-n", name, *given)
        self.run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", address, map_of_monitors)
        self.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", map_of_monitors, "--keyring", ring)
        self._begin("ceph-mon", "-f", "-i", "a")
        store = str(uuid.uuid4())
        self.run("ceph", "osd", "new", store)
        self.run("ceph-osd", "-i", "0", "--mkfs", "--keyring", ring, "--osd-uuid", store)
        self._begin("ceph-osd", "-f", "-i", "0")
        self._begin("radosgw", "-f", "-n", "client.rgw.a")

    def run(self, *command: object) -> str:
        """What *command* prints."""
        done = subprocess.run(
            [str(part) for part in command],
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=_START_LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"{command[0]} failed: {done.stderr[-2_000:]}"
        return done.stdout

    def stop(self) -> None:
        """End all three, the gateway first."""
        for process in reversed(self._started):
            # Nobody reads these files again.
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.wait(20)

    def _begin(self, *command: str) -> None:
        with (self._folder / f"{command[0]}.out").open("wb") as out:
            self._started.append(subprocess.Popen(command, env=self._environ, stdout=out, stderr=out))


def _bucket(cluster: _Cluster, endpoint: str) -> Bucket:
    key, secret, name = "tests", secrets.token_hex(12), "models-of-the-tests"
    user = ("--uid", "tests", "--display-name", "tests", "--access-key", key, "--secret-key", secret)
    cluster.run("radosgw-admin", "-n", "client.rgw.a", "user", "create", *user)
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket=name)
    client.close()
    environ = {
        "MLFLOW_S3_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return Bucket(endpoint, environ, name)
