"""From bytes to a handler and back: what is read as what, and what is told when it cannot be."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from modelpack.errors import StoreUnavailable
from modelpack.tracking.server.app import create_app, endpoints
from modelpack.tracking.server.dispatch import given_in_body, given_in_query, places
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.settings import ServerSettings
from tests.modelpack.tracking.server.kit import API, refusal, served

SEARCH = f"{API}experiments/search"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with served(tmp_path_factory.mktemp("server"), body_limit=100_000) as found:
        yield found


@pytest.mark.parametrize(
    ("body", "given"),
    [
        (b'{"a": 1, "b": [2]}', {"a": 1, "b": [2]}),
        (b"", {}),
        (b"[1]", {}),
        (b"nonsense", {}),
        (b'{"a": NaN}', {}),
        (b'{"a": "\\ud800"}', {}),
        (b'{"a": "\xff"}', {}),
        (b'{"a":' * 50_000, {}),
        (b"null", {}),
    ],
)
def test_a_body_that_is_no_object_has_no_fields(body: bytes, given: dict[str, Any]) -> None:
    assert given_in_body(body) == given


def test_a_field_that_comes_twice_in_a_query_is_a_list() -> None:
    assert given_in_query("a=1&b=2&a=3&c=&a=4") == {"a": ["1", "3", "4"], "b": "2", "c": ""}
    assert given_in_query("a=%C3%A9+x") == {"a": "é x"}


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        (None, 400),
        ("text/plain", 400),
        ("application/x-www-form-urlencoded", 400),
        ("application/json, text/plain", 415),
        ("multipart/form-data; boundary=x", 415),
        ("<script>alert(1)</script>", 415),
        ("\x1b[31m", 415),
    ],
)
def test_a_body_says_that_it_is_json(client: TestClient, content_type: str | None, status: int) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = client.post(SEARCH, content=b'{"max_results": 5}', headers=headers)
    assert answer.status_code == status
    if status != 200:
        assert refusal(answer)[1] == "BAD_REQUEST"
        assert "script" not in answer.text


def test_a_packed_body_is_not_unpacked(client: TestClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert refusal(client.post(SEARCH, content=b"x", headers=headers))[0] == 415


def test_a_call_without_a_body_needs_no_content_type(client: TestClient) -> None:
    assert refusal(client.post(f"{API}experiments/create"))[1] == "INVALID_PARAMETER_VALUE"


def test_a_body_of_the_largest_size_is_read_and_a_larger_one_is_not(client: TestClient) -> None:
    for size, status in ((100_000, 200), (100_001, 413)):
        body = b'{"max_results": 5}'.ljust(size)
        answer = client.post(SEARCH, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == status
    assert refusal(answer)[1] == "INVALID_PARAMETER_VALUE"
    assert answer.headers["connection"] == "close"


def test_a_body_without_a_length_is_refused_when_it_has_grown_too_large(client: TestClient) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 1_000
            yield b" " * 1_000

    answer = client.post(SEARCH, content=endless(), headers={"Content-Type": "application/json"})
    assert refusal(answer)[0] == 413


def test_a_multipart_body_is_refused_unread(client: TestClient) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=" + "-" * 10_000}
    assert refusal(client.post(SEARCH, content=b"-" * 10_000_000, headers=headers))[0] == 415


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/2.0/mlflow/experiments", f"{SEARCH}/", "/API/2.0/mlflow/runs/get"]
)
def test_a_path_that_there_is_not_is_told_in_json(client: TestClient, path: str) -> None:
    assert refusal(client.get(path, follow_redirects=False))[:2] == (404, "ENDPOINT_NOT_FOUND")


def test_a_verb_that_a_path_does_not_take_is_told_with_those_that_it_takes(client: TestClient) -> None:
    answer = client.put(SEARCH)
    assert refusal(answer)[0] == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_every_path_is_answered_once() -> None:
    known = [(one.method, path) for one in endpoints() for path in places(one)]
    assert len(known) == len(set(known))


class _Broken:
    """A store that fails as *error*."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def fail(*arguments: Any, **keywords: Any) -> Any:
            raise self._error

        return fail


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("SELECT secret FROM /etc/passwd"), 500, "INTERNAL_ERROR"),
        (StoreUnavailable("the database /srv/data/registry.db is away"), 503, "TEMPORARILY_UNAVAILABLE"),
    ],
)
def test_what_fails_inside_is_told_without_detail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, error: Exception, status: int, code: str
) -> None:
    settings = ServerSettings(
        backend_store_uri=f"sqlite:///{tmp_path / 'x.db'}", artifact_root=str(tmp_path), pages=False
    )
    parts = Parts.open(settings, {})
    broken: Any = _Broken(error)
    client = TestClient(create_app(replace(parts, tracking=broken)), base_url="http://localhost")
    answer = client.get(f"{API}experiments/get?experiment_id=0")
    parts.close()
    assert refusal(answer)[:2] == (status, code)
    for secret in ("SELECT", "/etc", "/srv", "Runtime"):
        assert secret not in answer.text
    if status == 500:
        assert answer.headers["x-request-id"] in answer.text
        assert "SELECT secret" in caplog.text
