"""The socket that a server listens on."""

import socket

import pytest

from modelpack.errors import CannotListen
from modelpack.listening import listen_at, turn_away, url_of


@pytest.mark.parametrize(
    ("host", "named"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("0.0.0.0", "127.0.0.1")]
)
def test_a_free_port_is_taken_and_named(host: str, named: str) -> None:
    with listen_at(host, 0, allow_remote=True) as listener:
        assert url_of(listener) == f"http://{named}:{listener.getsockname()[1]}"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "no.such.host.invalid"])
def test_other_machines_are_kept_out_unless_the_operator_lets_them_in(host: str) -> None:
    with pytest.raises(CannotListen, match="--allow-remote"):
        listen_at(host, 0, allow_remote=False)


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("no.such.host.invalid", 0), ("x" * 300, 0)])
def test_what_cannot_be_bound_is_one_line(host: str, port: int) -> None:
    with pytest.raises(CannotListen) as caught:
        listen_at(host, port, allow_remote=True)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_who_is_turned_away_has_sent_nothing_and_who_was_let_in_is_heard() -> None:
    with listen_at("127.0.0.1", 0, allow_remote=False) as listener:
        listener.listen()
        address = listener.getsockname()
        with socket.create_connection(address, timeout=5) as early:
            turn_away(listener)
            early.sendall(b"hello")
            with socket.socket() as late:
                late.settimeout(0.3)
                with pytest.raises(TimeoutError):
                    late.connect(address)
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.recv(10) == b"hello"
                accepted.sendall(b"answer")
                assert early.recv(10) == b"answer"
