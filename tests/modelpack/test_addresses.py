"""Which addresses mean this machine alone."""

import pytest

from modelpack.addresses import is_loopback, without_password


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_loopback_is_this_machine_alone(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "::",
        "",
        "192.0.2.1",
        "10.0.0.1",
        "no.such.host.invalid",
        "x" * 300,
        "a b",
        "::ffff:192.0.2.1",
    ],
)
def test_everything_else_is_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("--index-url https://u:p@host/simple", "--index-url https://…@host/simple"),
        ("git+ssh://git@host/x@v1", "git+ssh://…@host/x@v1"),
        ("numpy==1", "numpy==1"),
    ],
)
def test_a_line_is_shown_without_its_password(line: str, shown: str) -> None:
    assert without_password(line) == shown
