"""Google's and Azure's buckets on this machine: emulators that speak as the clouds do."""

import base64
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from tests.compat.real_mlflow import ROOT
from tests.remote.servers import Bucket, await_port, free_port

AZURITE = ROOT / ".cache" / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
_CONTAINER = "models-of-the-tests"
_ACCOUNT = "tests"


def require_azurite() -> str:
    """The program ``node``; skips, or fails where nothing may be missing, without it or Azurite."""
    node = shutil.which("node")
    if node is not None and AZURITE.exists():
        return node
    reason = "Azurite is not set up: scripts/azurite.sh, which needs npm"
    if os.environ.get("MODELPACK_TEST_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def google() -> Iterator[Bucket]:
    """An empty bucket of gcp-storage-emulator, which asks nobody who they are."""
    program = str(Path(sys.executable).with_name("gcp-storage-emulator"))
    port = free_port()
    command = [program, "start", "--host", "127.0.0.1", "--port", str(port), "--in-memory", "--quiet"]
    with _running([*command, "--default-bucket", _CONTAINER], port):
        endpoint = f"http://127.0.0.1:{port}"
        # Nor is it asked whether this machine is one of Google's.
        yield Bucket(endpoint, {"STORAGE_EMULATOR_HOST": endpoint, "NO_GCE_CHECK": "true"}, _CONTAINER)


@contextmanager
def azure() -> Iterator[Bucket]:
    """An empty container of Azurite, which knows one account by its key."""
    key = base64.b64encode(secrets.token_bytes(64)).decode()
    port = free_port()
    command = [require_azurite(), str(AZURITE), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--disableTelemetry"]
    with _running([*command, *options], port, {"AZURITE_ACCOUNTS": f"{_ACCOUNT}:{key}"}):
        endpoint = f"http://127.0.0.1:{port}"
        known = (
            f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={key};"
            f"BlobEndpoint={endpoint}/{_ACCOUNT};"
        )
        with BlobServiceClient.from_connection_string(known) as client:
            client.create_container(_CONTAINER).close()
        yield Bucket(endpoint, {"AZURE_STORAGE_CONNECTION_STRING": known}, _CONTAINER)


@contextmanager
def _running(command: Sequence[str], port: int, environ: Mapping[str, str] | None = None) -> Iterator[None]:
    process = subprocess.Popen(
        command, env={**os.environ, **(environ or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await_port(port)
        yield
    finally:
        process.kill()
        process.wait(10)
