"""``modelpack models``"""

from pathlib import Path

import click
import pytest

from modelpack.cli import models as module
from tests.modelpack.cli.conftest import Verb
from tests.modelpack.registry.directories import write_model


@pytest.fixture(autouse=True)
def _two_models(verb: Verb, tmp_path: Path) -> None:
    model = write_model(tmp_path / "model")
    for name in ("churn", "churn", "it's"):
        verb("register", model, name, "--description", "a\nb", "--tag", "k=v")
    verb("promote", "churn", 1, "Production")
    verb("promote", "churn", 2, "Production", "--archive-existing")
    verb("alias", "set", "churn", "champion", 2)
    verb("tag", "set", "churn", "team", "growth")


def test_the_list_shows_each_name_once(verb: Verb) -> None:
    lines = [line.split() for line in verb("models", "list").out.splitlines()]
    assert lines[0][:4] == ["NAME", "LATEST", "STAGES", "ALIASES"]
    assert lines[1][:5] == ["churn", "2", "Archived=1,", "Production=2", "champion=2"]
    assert lines[2][:4] == ["it's", "1", "-", "-"]
    assert [one["name"] for one in verb("models", "list", "--json").json] == ["churn", "it's"]


@pytest.mark.parametrize("page", [1, 1_000])
def test_the_list_goes_on_to_the_last_page(verb: Verb, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGE", page)
    assert [one["name"] for one in verb("models", "list", "--json").json] == ["churn", "it's"]
    assert len(verb("models", "show", "churn", "--json").json["versions"]) == 2


def test_the_list_can_be_filtered_and_ordered(verb: Verb) -> None:
    def listed(*words: str) -> list[str]:
        return [one["name"] for one in verb("models", "list", "--json", *words).json]

    assert listed("--filter", "tags.team = 'growth'") == ["churn"]
    assert listed("--filter", "name = 'it''s'") == ["it's"]
    assert listed("--order-by", "name DESC") == ["it's", "churn"]
    assert verb("models", "list", "--filter", "nonsense").code == 1
    assert verb("models", "list", "--order-by", "nonsense").code == 1


def test_a_name_is_shown_with_its_versions(verb: Verb) -> None:
    shown = verb("models", "show", "churn").out
    assert "tags         team=growth" in shown
    assert "aliases      champion=2" in shown
    versions = [line.split()[:4] for line in shown.splitlines()[-2:]]
    assert versions == [["2", "Production", "champion", "k=v"], ["1", "Archived", "-", "k=v"]]
    told = verb("models", "show", "it's", "--json").json
    assert told["versions"][0]["description"] == "a\nb"
    assert told["model"]["latest"][0]["version"] == 1
    assert verb("models", "show", "nobody").code == 1


def test_the_history_tells_who_moved_what(verb: Verb) -> None:
    lines = [line.split()[2:] for line in verb("models", "history", "churn").out.splitlines()[1:]]
    assert lines == [
        ["ada", "version", "1", "None", "Production"],
        ["ada", "version", "1", "Production", "Archived"],
        ["ada", "version", "2", "None", "Production"],
        ["ada", "alias", "champion", "-", "2"],
    ]
    told = verb("models", "history", "churn", "--version", 2, "--json").json
    assert [(one["kind"], one["before"], one["after"], one["user"]) for one in told] == [
        ("stage", "None", "Production", "ada"),
        ("alias", None, "2", "ada"),
    ]


def test_a_version_or_a_name_is_deleted_when_that_is_confirmed(
    verb: Verb, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = verb("models", "delete", "churn", "--version", 1, "--yes", "--json")
    assert answer.json == {"deleted": {"name": "churn", "version": 1}}
    answers = iter(["n", "y"])
    monkeypatch.setattr(click.termui, "visible_prompt_func", lambda _: next(answers))
    assert verb("models", "delete", "churn").code == 130
    assert verb("models", "show", "churn").code == 0
    assert "Deleted churn and all its versions." in verb("models", "delete", "churn").out
    assert verb("models", "show", "churn").code == 1
    assert verb("models", "delete", "churn", "--yes").code == 1
    assert verb("models", "history", "churn").out.splitlines()[-1].split()[-2:] == ["2", "-"]


@pytest.mark.parametrize("command", ["list", "show", "delete", "history"])
def test_every_verb_explains_itself(verb: Verb, command: str) -> None:
    answer = verb("models", command, "--help")
    assert answer.code == 0
    assert "--registry URI" in answer.out
    assert "--json" in answer.out
