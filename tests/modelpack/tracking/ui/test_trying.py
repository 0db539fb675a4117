"""Rows sent to scoring servers of all kinds: what the page says of who answered, and of who did not."""

import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from modelpack.tracking.server.app import create_app
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.settings import ServerSettings

ORIGIN = "http://127.0.0.1:5000"
ANSWER = (200, b'{"predictions":[1]}')


@contextmanager
def _scoring(answer: tuple[int, bytes], ready: tuple[int, bytes]) -> Iterator[str]:
    """The address of a server with one *answer* to rows, and one to whoever asks whether it is *ready*."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(*ready)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._say(*answer)

        def _say(self, status: int, body: bytes) -> None:
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's word
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _tried(folder: Path, address: str, digest: str = "") -> str:
    """The page of churn's version 1 after its form was sent to *address*."""
    settings = ServerSettings(
        backend_store_uri=f"sqlite:///{folder}/team.db",
        artifact_root=str(folder / "files"),
        scoring_servers=(address,),
    )
    parts = Parts.open(settings, os.environ)
    try:
        parts.registry("ada").create_version(
            "churn", source="", digest=digest, location="models/x", run_id="", description="", tags={}
        )
        with TestClient(create_app(parts), base_url=ORIGIN) as client:
            token = re.search(r'name="form_token" value="([^"]+)"', client.get("/models/churn/1").text)
            assert token is not None
            sent = {"form_token": token[1], "body": '{"inputs": [1]}', "server": "0"}
            return client.post("/models/churn/1/try", data=sent, headers={"Origin": ORIGIN}).text
    finally:
        parts.close()


def _ready(**told: object) -> tuple[int, bytes]:
    return 200, json.dumps({"status": "ready", **told}).encode()


@pytest.mark.parametrize(
    ("ready", "warning"),
    [
        pytest.param(_ready(model="churn", version="1"), None, id="this-version"),
        pytest.param(_ready(model="churn", version="2"), "serves churn version 2", id="another-version"),
        pytest.param(_ready(model="odds", version="1"), "serves odds version 1", id="another-model"),
        pytest.param(_ready(model="churn", version=None), "serves churn from a folder", id="a-folder"),
        pytest.param((404, b"{}"), "does not tell what it serves", id="not-ours"),
        pytest.param((200, b"<b>ok</b>"), "does not tell what it serves", id="no-json"),
        pytest.param((200, b"[1]"), "does not tell what it serves", id="no-object"),
        pytest.param(_ready(model="<b>x", version="1"), "serves &lt;b&gt;x version 1", id="markup"),
    ],
)
def test_who_answered_is_told(tmp_path: Path, ready: tuple[int, bytes], warning: str | None) -> None:
    with _scoring(ANSWER, ready) as address:
        page = _tried(tmp_path, address)
    assert "answered 200" in page
    assert "predictions" in page
    assert ('class="care"' in page) == (warning is not None)
    assert warning is None or warning in page


@pytest.mark.parametrize(
    ("ready", "warning"),
    [
        pytest.param(_ready(model="churn", version="1", digest="sha256:1"), None, id="this-version"),
        pytest.param(_ready(model="folder", version=None, digest="sha256:1"), None, id="the-same-files"),
        pytest.param(_ready(model="churn", version="1"), None, id="without-digest"),
        pytest.param(
            _ready(model="churn", version="1", digest="sha256:2"), "other files under", id="another-registry"
        ),
        pytest.param(
            _ready(model="churn", version="2", digest="sha256:2"), "churn version 2", id="another-version"
        ),
        pytest.param(
            _ready(model="f", version=None, digest="sha256:2"), "f from a folder, with other", id="a-folder"
        ),
    ],
)
def test_the_same_files_are_the_same_model(
    tmp_path: Path, ready: tuple[int, bytes], warning: str | None
) -> None:
    with _scoring(ANSWER, ready) as address:
        page = _tried(tmp_path, address, "sha256:1")
    assert "answered 200" in page
    assert ('class="care"' in page) == (warning is not None)
    assert warning is None or warning in page


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(
            (400, b'{"error_code":"X","message":"<i>no</i>"}'), "&lt;i&gt;no&lt;/i&gt;", id="refused"
        ),
        pytest.param((500, b"broken"), "answered 500", id="broken"),
        pytest.param((302, b""), "sends elsewhere, where nobody follows it", id="elsewhere"),
        pytest.param((200, b"x" * (1 << 20) + b"y"), "the answer has more than 1 MiB", id="too-much"),
        pytest.param((200, b"\xff" * 50_000), "…", id="no-text"),
    ],
)
def test_what_came_back_is_told_and_no_markup(tmp_path: Path, answer: tuple[int, bytes], told: str) -> None:
    with _scoring(answer, _ready(model="churn", version="1")) as address:
        page = _tried(tmp_path, address)
    assert told in page
    assert len(page) < 200_000
