"""The verb ``token``: made once, shown once, revoked for good."""

from pathlib import Path

import pytest

from modelpack.sql import Address, Database
from modelpack.tracking.server.tokens import Token, Tokens
from tests.modelpack.cli.conftest import Verb


def checked(file: Path, secret: str) -> Token | None:
    database = Database(Address.find(f"sqlite:///{file}", environ={}))
    found = Tokens(database).check(secret)
    database.close()
    return found


def test_a_token_is_printed_once_and_opens_what_it_is_for(verb: Verb, tmp_path: Path) -> None:
    answer = verb(
        "token", "create", "--user", "ada", "--scope", "write", "--label", "job", "--expires", "90d"
    )
    assert answer.code == 0
    secret = answer.out.strip()
    assert secret.startswith("mp_")
    assert secret not in answer.err
    found = checked(tmp_path / "home" / "registry.db", secret)
    assert found is not None
    assert (found.user, found.label, found.scopes) == ("ada", "job", frozenset({"read", "write"}))
    assert found.expires is not None
    assert found.expires - found.created == pytest.approx(90 * 86_400_000, abs=60_000)
    listed = verb("token", "list")
    assert "ada" in listed.out
    assert "open" in listed.out
    assert secret not in listed.out + verb("token", "list", "--json").out


def test_a_revoked_token_opens_nothing_and_is_still_listed(verb: Verb, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'team.db'}"
    made = verb(
        "token", "create", "--user", "ada", "--scope", "read", "--backend-store-uri", uri, "--json"
    ).json
    assert made["scopes"] == ["read"]
    assert checked(tmp_path / "team.db", made["token"]) is not None
    answer = verb("token", "revoke", made["id"], "--backend-store-uri", uri)
    assert answer.out == f"Revoked {made['id']} of ada.\n"
    assert checked(tmp_path / "team.db", made["token"]) is None
    (listed,) = verb("token", "list", "--backend-store-uri", uri, "--json").json
    assert listed["revoked"] is not None
    assert "token" not in listed
    assert "revoked" in verb("token", "list", "--backend-store-uri", uri).out


def test_tokens_of_a_user_are_revoked_together(verb: Verb) -> None:
    for _ in range(2):
        assert verb("token", "create", "--user", "ada", "--scope", "admin").code == 0
    assert len(verb("token", "revoke", "ada", "--json").json) == 2
    answer = verb("token", "revoke", "bob")
    assert answer.code == 1
    assert "modelpack token list" in answer.err


@pytest.mark.parametrize("words", [["list"], ["revoke", "ada"]])
def test_looking_for_tokens_makes_no_database(verb: Verb, tmp_path: Path, words: list[str]) -> None:
    assert verb("token", *words).code == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--user", "ada"],
        ["--scope", "read"],
        ["--user", "ada", "--scope", "root"],
        *(
            ["--user", "ada", "--scope", "read", "--expires", span]
            for span in ("3y", "0d", "-1d", "1.5d", "d", "99999999w", "٣d")
        ),
    ],
)
def test_a_token_that_is_asked_for_wrongly_is_wrong_usage(verb: Verb, words: list[str]) -> None:
    assert verb("token", "create", *words).code == 2


def test_a_user_who_cannot_be_one_is_refused(verb: Verb) -> None:
    answer = verb("token", "create", "--user", "a:b", "--scope", "read")
    assert answer.code == 1
    assert answer.out == ""
    assert verb("token", "list", "--json").json == []
