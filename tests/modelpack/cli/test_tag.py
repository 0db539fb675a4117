"""``modelpack tag``"""

from pathlib import Path
from typing import Any

import pytest

from tests.modelpack.cli.conftest import Verb
from tests.modelpack.registry.directories import write_model


@pytest.fixture(autouse=True)
def _one_version(verb: Verb, tmp_path: Path) -> None:
    verb("register", write_model(tmp_path / "model"), "churn")


def tags(verb: Verb) -> tuple[Any, Any]:
    told = verb("models", "show", "churn", "--json").json
    return told["model"]["tags"], told["versions"][0]["tags"]


def test_a_name_and_a_version_have_tags_of_their_own(verb: Verb) -> None:
    assert verb("tag", "set", "churn", "team", "growth").out == "churn: team is 'growth' now.\n"
    answer = verb("tag", "set", "churn", "trees", "200", "--version", 1, "--json")
    assert answer.json == {"name": "churn", "version": 1, "key": "trees", "value": "200"}
    assert tags(verb) == ({"team": "growth"}, {"trees": "200"})
    assert (
        verb("tag", "delete", "churn", "trees", "--version", 1).out
        == "churn version 1: trees is not set now.\n"
    )
    answer = verb("tag", "delete", "churn", "team", "--json")
    assert answer.json == {"name": "churn", "version": None, "key": "team", "value": None}
    assert tags(verb) == ({}, {})


def test_what_does_not_exist_cannot_be_tagged(verb: Verb) -> None:
    assert "did you mean 'churn'" in verb("tag", "set", "chrun", "a", "b").err
    assert "1 (None)" in verb("tag", "set", "churn", "a", "b", "--version", 2).err
    assert "blank" in verb("tag", "set", "churn", " ", "b").err
