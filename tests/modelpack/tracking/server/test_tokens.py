"""Tokens open what they are for, until they end; the database holds nothing that opens anything."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from modelpack.errors import InvalidName, NotFound
from modelpack.sql import Address, Database
from modelpack.tracking.server import tokens as module
from modelpack.tracking.server.tokens import Token, Tokens, with_included
from tests.modelpack.tracking.conftest import STORES


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = 1_000_000

    def __call__(self) -> int:
        return self.at


@pytest.fixture(params=STORES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    uri = f"sqlite:///{tmp_path / 'team.db'}"
    if request.param == "postgresql":
        uri = str(request.getfixturevalue("postgres_uri"))
    opened = Database(Address.of(uri, "the test"))
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered, as after the few seconds for which it is."""
    monkeypatch.setattr(module, "_REMEMBERED", 0.0)


def test_a_token_is_checked_by_its_secret(database: Database, clock: Clock) -> None:
    tokens = Tokens(database, clock)
    made, secret = tokens.create("ada", ["write"], label="her laptop")
    assert made == Token(
        id=made.id, user="ada", label="her laptop", scopes=frozenset({"read", "write"}), created=clock.at
    )
    assert secret.startswith("mp_")
    assert len(secret) == 46
    met = Tokens(database, clock).check(secret)
    assert met is not None
    assert (met.id, met.user, met.scopes) == (made.id, "ada", frozenset({"read", "write"}))


@pytest.mark.parametrize(
    "how", ["", "mp_", "x", "é" * 46, "mp_" + "A" * 43, "mp_" + "A" * 1_000_000, "mp_\0" * 9]
)
def test_what_is_no_token_opens_nothing(database: Database, how: str) -> None:
    tokens = Tokens(database)
    tokens.create("ada", ["admin"])
    assert tokens.check(how) is None


def test_a_secret_that_differs_in_one_character_opens_nothing(database: Database) -> None:
    tokens = Tokens(database)
    _, secret = tokens.create("ada", ["admin"])
    other = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    assert tokens.check(secret) is not None
    assert tokens.check(other) is None


@pytest.mark.parametrize(
    ("given", "included"),
    [
        (["read"], {"read"}),
        (["write"], {"read", "write"}),
        (["admin"], {"read", "write", "admin"}),
        (["read", "admin"], {"read", "write", "admin"}),
    ],
)
def test_a_scope_includes_the_lesser_ones(given: list[str], included: set[str]) -> None:
    assert with_included(given) == included


@pytest.mark.parametrize(
    ("user", "scopes", "label", "expires"),
    [
        ("", ["read"], "", None),
        (" ", ["read"], "", None),
        ("a:b", ["read"], "", None),
        ("a\nb", ["read"], "", None),
        ("a\0", ["read"], "", None),
        ("\ud800", ["read"], "", None),
        ("x" * 201, ["read"], "", None),
        ("t-0123456789ab", ["read"], "", None),
        ("ada", [], "", None),
        ("ada", ["root"], "", None),
        ("ada", ["read,admin"], "", None),
        ("ada", ["read"], "x" * 501, None),
        ("ada", ["read"], "\0", None),
        ("ada", ["read"], "", 1_000_000),
        ("ada", ["read"], "", 0),
    ],
)
def test_a_token_that_makes_no_sense_is_not_made(
    tmp_path: Path, clock: Clock, user: str, scopes: list[str], label: str, expires: int | None
) -> None:
    opened = Database(Address.of(f"sqlite:///{tmp_path / 'team.db'}", "the test"))
    tokens = Tokens(opened, clock)
    with pytest.raises(InvalidName):
        tokens.create(user, scopes, label, expires)
    assert tokens.list() == ()
    opened.close()


def test_a_token_ends_at_its_end_even_while_it_is_remembered(database: Database, clock: Clock) -> None:
    tokens = Tokens(database, clock)
    _, secret = tokens.create("ada", ["read"], expires=clock.at + 10)
    assert tokens.check(secret) is not None
    clock.at += 9
    assert tokens.check(secret) is not None
    clock.at += 1
    assert tokens.check(secret) is None


def test_a_revocation_holds_here_at_once(database: Database) -> None:
    tokens = Tokens(database)
    made, secret = tokens.create("ada", ["read"])
    assert tokens.check(secret) is not None
    (revoked,) = tokens.revoke(made.id)
    assert revoked.revoked is not None
    assert tokens.check(secret) is None
    assert tokens.revoke(made.id) == (revoked,)


def test_a_revocation_elsewhere_is_met_when_what_is_remembered_has_aged(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: moment[0]))
    here, there = Tokens(database), Tokens(database)
    made, secret = here.create("ada", ["read"])
    assert here.check(secret) is not None
    there.revoke(made.id)
    # The positive control: without an age, what is remembered would hold for ever.
    assert here.check(secret) is not None
    moment[0] += 4.9
    assert here.check(secret) is None


def test_all_tokens_of_a_user_are_revoked_by_name(database: Database) -> None:
    tokens = Tokens(database)
    secrets = [tokens.create("ada", ["read"])[1] for _ in range(3)]
    _, other = tokens.create("bob", ["read"])
    assert len(tokens.revoke("ada")) == 3
    assert [tokens.check(one) for one in secrets] == [None, None, None]
    assert tokens.check(other) is not None
    for which in ("carl", "t-000000000000", "", "\0"):
        with pytest.raises(NotFound, match="modelpack token list"):
            tokens.revoke(which)


@pytest.mark.usefixtures("forgetful")
def test_the_last_use_is_noted_at_most_once_a_minute(database: Database, clock: Clock) -> None:
    tokens = Tokens(database, clock)
    _, secret = tokens.create("ada", ["read"])
    assert tokens.list()[0].used is None
    seen = []
    for step in (0, 30_000, 29_999, 1):
        clock.at += step
        tokens.check(secret)
        seen.append(tokens.list()[0].used)
    assert seen == [1_000_000, 1_000_000, 1_000_000, 1_060_000]


def test_many_threads_may_check_at_once(database: Database) -> None:
    tokens = Tokens(database)
    _, secret = tokens.create("ada", ["read"])
    found: list[Token | None] = []
    threads = [threading.Thread(target=lambda: found.append(tokens.check(secret))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [one is not None for one in found] == [True] * 8


def test_the_database_holds_no_secret(tmp_path: Path) -> None:
    opened = Database(Address.of(f"sqlite:///{tmp_path / 'team.db'}", "the test"))
    tokens = Tokens(opened)
    made, secret = tokens.create("ada", ["admin"], label="a label")
    tokens.check(secret)
    assert secret not in repr(made) + repr(tokens.list()) + repr(tokens.check(secret))
    opened.close()
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"a label" in held
    assert secret.encode() not in held
    assert secret.removeprefix("mp_").encode() not in held
