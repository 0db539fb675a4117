"""Who may come in, and how far."""

import asyncio
import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelpack.tracking.server.call import Caller
from modelpack.tracking.server.exchange import begin, exchange_of
from modelpack.tracking.server.gate import Attempts, Gate, secret_of
from modelpack.tracking.server.refusals import TooManyAttempts, Unauthenticated
from modelpack.tracking.server.routes.info import OPEN_PATHS
from modelpack.tracking.ui.forms import COOKIE, FIELD
from tests.modelpack.tracking.server.kit import API, refusal, served

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
CALLERS = {
    "reads": Caller("ann", frozenset({"read"})),
    "writes": Caller("bob", frozenset({"read", "write"})),
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server that knows two tokens."""
    with served(tmp_path_factory.mktemp("server"), check=CALLERS.get, require_auth=True) as found:
        yield found


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _paths(client: TestClient) -> list[str]:
    app = client.app
    assert isinstance(app, Starlette)
    known = [str(getattr(route, "path")) for route in app.routes]  # noqa: B009 - not every kind of route has one
    assert len(known) > 60
    return [re.sub(r"{[^}]*}", "x", re.sub(r"{[^}]*:int}", "1", path)) for path in known]


def test_without_a_token_nothing_is_answered_but_what_is_said_to_be_open(client: TestClient) -> None:
    assert {"/health", "/ready", "/version"} == OPEN_PATHS
    paths = [*_paths(client), "/nowhere", "/metrics", "//health", "/health/", "/health/x"]

    async def ask_all() -> list[tuple[str, str, httpx2.Response]]:
        transport = httpx2.ASGITransport(client.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as asking:
            return [
                (method, path, await asking.request(method, path)) for path in paths for method in METHODS
            ]

    for method, path, answer in asyncio.run(ask_all()):
        if path in OPEN_PATHS:
            assert answer.status_code == (200 if method in ("GET", "HEAD") else 405)
        else:
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"].startswith("Basic ")


def test_without_a_token_pages_show_nothing_but_where_to_sign_in(tmp_path: Path) -> None:
    with served(tmp_path, check=CALLERS.get, pages=True) as client:
        paths = set(_paths(client))
        assert "/" in paths
        opened = {one for one in paths if one in ("/login", "/logout") or one.startswith("/assets/")}
        for path in paths - OPEN_PATHS - opened:
            for method in ("GET", "POST"):
                answer = client.request(method, path, follow_redirects=False)
                if answer.status_code == 303:
                    assert method == "GET"
                    assert answer.headers["location"].startswith("/login?after=")
                    assert not path.startswith(("/api", "/ajax-api", "/metrics"))
                else:
                    assert answer.status_code == 401, (method, path)


def test_wrong_tokens_on_the_page_for_signing_in_are_slowed_down_too(tmp_path: Path) -> None:
    with served(tmp_path, pages=True, check=CALLERS.get) as client:
        client.get("/login")
        form = {FIELD: client.cookies[COOKIE], "secret": "wrong", "after": "/"}
        own = {"Origin": str(client.base_url).rstrip("/")}
        told = [client.post("/login", data=form, headers=own).status_code for _ in range(40)]
    assert told == [401] * 30 + [429] * 10


def test_who_may_read_may_not_write_anywhere(client: TestClient) -> None:
    for path in set(_paths(client)) - OPEN_PATHS:
        for method in ("PUT", "PATCH", "DELETE"):
            answer = client.request(method, path, headers=_bearer("reads"), json={})
            assert answer.status_code in (403, 405), (method, path)
    for path in ("experiments/create", "runs/create", "runs/log-batch", "registered-models/create"):
        status, code, message = refusal(client.post(API + path, json={}, headers=_bearer("reads")))
        assert (status, code) == (403, "PERMISSION_DENIED")
        assert "write" in message
    assert client.post(f"{API}experiments/search", json={}, headers=_bearer("reads")).status_code == 200


def test_a_token_opens_as_bearer_and_as_the_password_of_basic(client: TestClient) -> None:
    path = f"{API}experiments/get?experiment_id=0"
    assert client.get(path, headers=_bearer("reads")).status_code == 200
    assert client.get(path, auth=("whoever", "reads")).status_code == 200
    assert client.get(path, auth=("reads", "wrong")).status_code == 401


def test_who_asks_with_a_token_is_the_author_in_the_registry(client: TestClient) -> None:
    headers = _bearer("writes")
    client.post(f"{API}registered-models/create", json={"name": "m"}, headers=headers)
    told = client.get(f"{API}registered-models/get?name=m", headers=headers)
    assert told.status_code == 200


@pytest.mark.parametrize(
    ("given", "secret"),
    [
        ([], None),
        ([b"Bearer abc"], "abc"),
        ([b"bearer  abc "], "abc"),
        ([b"Bearer "], None),
        ([b"Bearer a", b"Bearer b"], None),
        ([b"Basic " + base64.b64encode(b"me:a:b")], "a:b"),
        ([b"Basic " + base64.b64encode(b"me:")], None),
        ([b"Basic " + base64.b64encode(b"me")], None),
        ([b"Basic " + base64.b64encode(b"\xff:x")], None),
        ([b"Basic !!"], None),
        ([b"Digest abc"], None),
        ([b"Bearer " + b"x" * 5_000], None),
        ([b"abc"], None),
    ],
)
def test_the_secret_is_found_in_the_header(given: list[bytes], secret: str | None) -> None:
    assert secret_of(given) == secret


def test_a_thousand_wrong_tokens_are_slowed_down_and_the_right_one_still_opens() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert exchange_of(scope).caller == CALLERS["reads"]

    async def nothing(*arguments: Any) -> Any:
        raise AssertionError("nobody asks")

    gate = Gate(app, OPEN_PATHS, CALLERS.get)

    async def ask(token: str, claimed: str) -> str:
        # What a caller says about its address changes nothing.
        headers = [(b"authorization", f"Bearer {token}".encode()), (b"x-forwarded-for", claimed.encode())]
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/x", "headers": headers}
        scope["client"] = ("10.1.1.1", 5)
        begin(scope, "")
        try:
            await gate(scope, nothing, nothing)
        except (Unauthenticated, TooManyAttempts) as error:
            return type(error).__name__
        return "passes"

    async def ask_all() -> list[str]:
        return [*[await ask(f"w{n}", f"10.0.0.{n % 250}") for n in range(1_000)], await ask("reads", "")]

    assert asyncio.run(ask_all()) == ["Unauthenticated"] * 30 + ["TooManyAttempts"] * 970 + ["passes"]


def test_too_many_wrong_tokens_are_told_when_to_come_again(tmp_path: Path) -> None:
    with served(tmp_path, check=CALLERS.get) as client:
        for _ in range(31):
            answer = client.get("/metrics", headers=_bearer("wrong"))
    assert refusal(answer)[:2] == (429, "REQUEST_LIMIT_EXCEEDED")
    assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_a_minute_later_there_may_be_another_try() -> None:
    now = 0.0
    attempts = Attempts(clock=lambda: now)
    for _ in range(30):
        attempts.add("10.0.0.1")
    with pytest.raises(TooManyAttempts) as refused:
        attempts.add("10.0.0.1")
    assert refused.value.seconds == 60
    attempts.add("10.0.0.2")
    now = 61.0
    attempts.add("10.0.0.1")


def test_addresses_are_not_remembered_without_end() -> None:
    attempts = Attempts()
    for place in range(20_000):
        attempts.add(f"10.{place}")
    remembered: Any = attempts
    assert len(remembered._met) == 10_000
