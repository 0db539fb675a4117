"""Names that a server answers to."""

import asyncio
from typing import Any

import pytest

from modelpack.tracking.server.middleware.hosts import Hosts, known_names, takes_addresses
from modelpack.tracking.server.refusals import BadRequest, Elsewhere
from modelpack.tracking.server.settings import ServerSettings


def _settings(**given: Any) -> ServerSettings:
    return ServerSettings(backend_store_uri="", artifact_root="", **given)


def _ask(settings: ServerSettings, *hosts: bytes, version: str = "1.1") -> str:
    """What becomes of a request for *hosts*: ``passes``, or the name of the error."""
    passed = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope)

    async def nothing(*arguments: Any) -> Any:
        raise AssertionError("nobody asks")

    guard = Hosts(app, known_names(settings), takes_addresses=takes_addresses(settings))
    scope = {"type": "http", "http_version": version, "headers": [(b"host", one) for one in hosts]}
    try:
        asyncio.run(guard(scope, nothing, nothing))
    except (BadRequest, Elsewhere) as error:
        return type(error).__name__
    assert passed
    return "passes"


LOOPBACK = _settings()
REMOTE = _settings(host="0.0.0.0")
NAMED = _settings(host="0.0.0.0", allowed_hosts=("models.example.com", "*.team.example"))
ANY = _settings(allowed_hosts=("*",))


@pytest.mark.parametrize(
    ("settings", "host", "result"),
    [
        (LOOPBACK, b"localhost:5000", "passes"),
        (LOOPBACK, b"LOCALHOST", "passes"),
        (LOOPBACK, b"127.0.0.1:1", "passes"),
        (LOOPBACK, b"[::1]:5000", "passes"),
        (LOOPBACK, b"evil.com", "Elsewhere"),
        (LOOPBACK, b"127.0.0.1.evil.com", "Elsewhere"),
        (LOOPBACK, b"10.0.0.1", "Elsewhere"),
        (LOOPBACK, b"localhost.", "Elsewhere"),
        (LOOPBACK, b"x/health?", "BadRequest"),
        (LOOPBACK, b"localhost@evil.com", "BadRequest"),
        (LOOPBACK, b"localhost:99999999", "BadRequest"),
        (LOOPBACK, b"", "BadRequest"),
        (LOOPBACK, b"localhost evil", "BadRequest"),
        (REMOTE, b"10.1.2.3:5000", "passes"),
        (REMOTE, b"[fc00::1]:5000", "passes"),
        (REMOTE, b"10.evil.com", "Elsewhere"),
        (REMOTE, b"[fc00::1%evil]", "BadRequest"),
        (REMOTE, b"evil.com", "Elsewhere"),
        (NAMED, b"models.example.com", "passes"),
        (NAMED, b"a.b.team.example:443", "passes"),
        (NAMED, b"team.example", "Elsewhere"),
        (NAMED, b"xteam.example", "Elsewhere"),
        (NAMED, b"10.1.2.3", "Elsewhere"),
        (NAMED, b"localhost", "Elsewhere"),
        (ANY, b"anything.at.all", "passes"),
    ],
)
def test_a_name_is_answered_to_or_not(settings: ServerSettings, host: bytes, result: str) -> None:
    assert _ask(settings, host) == result


def test_a_request_has_one_host() -> None:
    assert _ask(LOOPBACK) == "BadRequest"
    assert _ask(LOOPBACK, b"localhost", b"localhost") == "BadRequest"
    assert _ask(ANY, b"localhost", b"evil.com") == "BadRequest"
    assert _ask(LOOPBACK, version="1.0") == "passes"
