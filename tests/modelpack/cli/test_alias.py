"""``modelpack alias``"""

from pathlib import Path

import pytest

from tests.modelpack.cli.conftest import Verb
from tests.modelpack.registry.directories import write_model


@pytest.fixture(autouse=True)
def _two_versions(verb: Verb, tmp_path: Path) -> None:
    model = write_model(tmp_path / "model")
    for _ in range(2):
        verb("register", model, "churn")


def aliases(verb: Verb) -> dict[str, int]:
    return dict(verb("models", "show", "churn", "--json").json["model"]["aliases"])


def test_an_alias_is_set_moved_and_deleted(verb: Verb) -> None:
    answer = verb("alias", "set", "churn", "champion", 1)
    assert (answer.code, answer.out) == (0, "models:/churn@champion is version 1 now.\n")
    told = verb("alias", "set", "churn", "champion", 2, "--json").json
    assert told == {"name": "churn", "alias": "champion", "version": 2}
    assert aliases(verb) == {"champion": 2}
    told = verb("alias", "delete", "churn", "champion", "--json").json
    assert told == {"name": "churn", "alias": "champion", "version": None}
    assert aliases(verb) == {}
    assert verb("alias", "delete", "churn", "champion").out == "models:/churn@champion means nothing now.\n"


def test_it_moves_only_while_the_expectation_holds(verb: Verb) -> None:
    assert verb("alias", "set", "churn", "champion", 1, "--expect", "none").code == 0
    answer = verb("alias", "set", "churn", "champion", 2, "--expect", "2")
    assert answer.code == 1
    assert "held by version 1, and version 2 was expected" in answer.err
    assert aliases(verb) == {"champion": 1}


@pytest.mark.parametrize("alias", ["latest", "v1", "a b"])
def test_a_reserved_or_odd_alias_is_refused(verb: Verb, alias: str) -> None:
    answer = verb("alias", "set", "churn", alias, 1)
    assert answer.code == 1
    assert answer.err.startswith("Error: the alias")
