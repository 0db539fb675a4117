"""Calls of a server: answered, refused, tried again, given up; and no secret goes astray."""

import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from modelpack.errors import StoreUnavailable
from modelpack.remote.address import ServerAddress
from modelpack.remote.answers import Refused
from modelpack.remote.http import Http
from modelpack.remote.patience import Patience, if_undone
from tests.modelpack.remote.certificates import write_certificate
from tests.modelpack.remote.faulty import Fault, Faulty, serve

SECRETS = {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "c4nary"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Faulty]:
    with serve(tmp_path) as told:
        yield told


Connect = Callable[..., Http]


@pytest.fixture
def client() -> Iterator[Connect]:
    """How to open a client; all are closed at the end."""
    with ExitStack() as stack:

        def one(server: Faulty, environ: dict[str, str] | None = None, *, total: float = 5.0) -> Http:
            patience = Patience(total=total, first=0.01, longest=0.05)
            http = Http(ServerAddress.parse(server.url), environ or {}, patience=patience)
            return stack.enter_context(closing(http))

        yield one


def test_failures_that_pass_are_tried_again(server: Faulty, client: Connect) -> None:
    server.faults["/x"] = [Fault(status=code) for code in (500, 502, 503, 504, 429)] + [Fault(body=b"{}")]
    assert client(server).ask("GET", "/x") == b"{}"
    assert server.count("/x") == 6


def test_a_failure_that_stays_is_given_up_in_time(server: Faulty, client: Connect) -> None:
    server.faults["/x"] = [Fault(status=503)] * 1_000
    with pytest.raises(StoreUnavailable, match="answered 503; given up after"):
        client(server, total=0.3).ask("GET", "/x")
    assert 2 < server.count("/x") < 100


def test_what_must_not_be_done_twice_is_sent_once(server: Faulty, client: Connect) -> None:
    server.faults["/x"] = [Fault(status=500)] * 3
    with pytest.raises(StoreUnavailable, match="look whether it was done"):
        client(server).ask("POST", "/x", message={}, again=if_undone)
    assert server.count("/x") == 1


def test_a_no_is_told_with_the_servers_own_words(server: Faulty, client: Connect) -> None:
    body = b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "not so"}'
    server.faults["/x"] = [Fault(status=400, body=body)]
    with pytest.raises(Refused, match="not so") as caught:
        client(server).ask("GET", "/x")
    assert (caught.value.status, caught.value.code) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error_code": 3}', b"\xff", b"[" * 10_000])
def test_a_no_in_other_words_is_a_no(server: Faulty, body: bytes, client: Connect) -> None:
    server.faults["/x"] = [Fault(status=404, body=body)]
    with pytest.raises(Refused) as caught:
        client(server).ask("GET", "/x")
    assert caught.value.status == 404
    assert len(str(caught.value)) <= 300


def test_who_may_not_is_told_how_to_say_who_they_are(server: Faulty, client: Connect) -> None:
    server.faults["/x"] = [Fault(status=401)]
    with pytest.raises(StoreUnavailable, match="MLFLOW_TRACKING_TOKEN"):
        client(server).ask("GET", "/x")


def test_who_we_are_goes_with_every_call(server: Faulty, client: Connect) -> None:
    server.faults["/x"] = [Fault(body=b"{}")]
    client(server, {"MLFLOW_TRACKING_TOKEN": "t0ken"}).ask("GET", "/x")
    assert server.asked[0].headers["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server: Faulty, status: int, tmp_path: Path, client: Connect) -> None:
    with serve(tmp_path) as elsewhere:
        away = Fault(status=status, headers={"Location": f"{elsewhere.url}/canary"})
        server.faults["/x"] = [away, away]
        http = client(server, SECRETS)
        with pytest.raises(StoreUnavailable, match="not followed"):
            http.ask("GET", "/x")
        with pytest.raises(StoreUnavailable, match="not followed"), http.read("/x"):
            pass
        assert elsewhere.asked == []


def test_no_secret_is_in_any_message_or_log(
    server: Faulty, caplog: pytest.LogCaptureFixture, client: Connect
) -> None:
    caplog.set_level(logging.DEBUG)
    address = ServerAddress.parse(server.url.replace("://", "://me:c4nary@"))
    http = client(
        Faulty(url=str(server.url).replace("://", "://me:c4nary@"), folder=server.folder), SECRETS, total=0.05
    )
    told = [repr(http), repr(address)]
    for status in (401, 400, 302, 500):
        server.faults["/x"] = [Fault(status=status)] * 40
        with pytest.raises((StoreUnavailable, Refused)) as caught:
            http.ask("GET", "/x")
        told.append(f"{caught.value} {caught.value!r} {caught.value.__cause__!r}")
        server.faults.clear()
    assert "c4nary" not in " ".join(told) + caplog.text
    assert server.asked[0].headers["Authorization"].startswith("Basic ")


def test_a_server_that_is_not_there_is_given_up(tmp_path: Path, client: Connect) -> None:
    with serve(tmp_path) as server:
        pass
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        client(server, total=0.2).ask("GET", "/x")


def _context(certificate: Path, *, of_clients: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if of_clients is not None:
        context.load_verify_locations(of_clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_a_certificate_nobody_vouches_for_is_refused_at_once_unless_it_is_named(
    tmp_path: Path, client: Connect
) -> None:
    certificate = write_certificate(tmp_path / "server.pem", "server")
    (tmp_path / "x").write_bytes(b"hello")
    with serve(tmp_path, tls=_context(certificate)) as server:
        with pytest.raises(StoreUnavailable, match="MLFLOW_TRACKING_SERVER_CERT_PATH"):
            client(server).ask("GET", "/x")
        for environ in (
            {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(certificate)},
            {"MLFLOW_TRACKING_INSECURE_TLS": "true"},
        ):
            server.faults["/x"] = [Fault(body=b"hello")]
            assert client(server, environ).ask("GET", "/x") == b"hello"


def test_our_certificate_is_shown_to_a_server_that_asks_for_it(tmp_path: Path, client: Connect) -> None:
    certificate = write_certificate(tmp_path / "server.pem", "server")
    ours = write_certificate(tmp_path / "ours.pem", "us")
    environ = {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(certificate)}
    with serve(tmp_path, tls=_context(certificate, of_clients=ours)) as server:
        with pytest.raises(StoreUnavailable):
            client(server, environ, total=0.2).ask("GET", "/x")
        server.faults["/x"] = [Fault(body=b"hello")]
        http = client(server, environ | {"MLFLOW_TRACKING_CLIENT_CERT_PATH": str(ours)})
        assert http.ask("GET", "/x") == b"hello"
