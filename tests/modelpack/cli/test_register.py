"""``modelpack register``"""

from pathlib import Path

import pytest

from modelpack.resolve import RESOLVERS
from modelpack.uris import ModelRef
from tests.modelpack.cli.conftest import Verb
from tests.modelpack.registry.directories import write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


def test_a_model_becomes_the_next_version(verb: Verb, model: Path) -> None:
    assert verb("register", model, "churn").code == 0
    answer = verb("register", model, "churn")
    assert answer.code == 0
    assert answer.out.splitlines()[0].split() == ["NAME", "VERSION", "STAGE", "ALIASES", "DIGEST"]
    assert answer.out.splitlines()[1].split()[:4] == ["churn", "2", "None", "-"]


def test_all_of_it_is_told_as_json(verb: Verb, model: Path) -> None:
    answer = verb(
        "register", model, "churn", "--description", "first", "--tag", "a=b=c", "--tag", "d=",
        "--run-id", "r1", "--json",
    )  # fmt: skip
    told = answer.json
    assert {
        key: told[key] for key in ("name", "version", "stage", "description", "tags", "run_id", "user")
    } == {
        "name": "churn",
        "version": 1,
        "stage": "None",
        "description": "first",
        "tags": {"a": "b=c", "d": ""},
        "run_id": "r1",
        "user": "ada",
    }
    assert told["digest"].startswith("sha256:")
    assert told["source"] == str(model)


def test_another_registry_can_be_named(verb: Verb, model: Path, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'other.db'}"
    assert verb("register", model, "churn", "--registry", uri).code == 0
    assert verb("register", "models:/churn/1", "copy", "--registry", uri, "--json").json["version"] == 1
    assert (tmp_path / "other.db").is_file()
    assert not (tmp_path / "home" / "registry.db").exists()


def test_references_of_plugins_are_followed(verb: Verb, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Shelf:
        def resolve(self, ref: ModelRef) -> ModelRef:
            assert ref.rest == "top"
            return ModelRef("file", str(model))

    monkeypatch.setitem(RESOLVERS._loaded, "shelf", Shelf())
    assert verb("register", "shelf:top", "churn", "--json").json["source"] == "shelf:top"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing", "churn"], "no model directory"),
        (["MODEL", "a/b"], "'/' or ':'"),
        (["MODEL", "churn", "--tag", "k"], "KEY=VALUE"),
        (["models:/churn/1", "churn"], "no registered model 'churn'"),
        (["models:/churn", "churn"], "names no version"),
        (["MODEL", "churn", "--registry", "mysql://localhost/db"], "no database"),
    ],
)
def test_a_refusal_is_one_line_and_no_traceback(verb: Verb, model: Path, words: list[str], said: str) -> None:
    answer = verb("register", *(model if word == "MODEL" else word for word in words))
    assert answer.code == 1
    assert answer.out == ""
    assert answer.err.startswith("Error: ")
    assert said in answer.err
    assert answer.err.count("\n") == 1
