"""``modelpack promote``"""

from pathlib import Path

import pytest

from tests.modelpack.cli.conftest import Verb
from tests.modelpack.registry.directories import write_model


@pytest.fixture(autouse=True)
def _three_versions(verb: Verb, tmp_path: Path) -> None:
    model = write_model(tmp_path / "model")
    for _ in range(3):
        verb("register", model, "churn")


def stages(verb: Verb) -> list[str]:
    return [one["stage"] for one in verb("models", "show", "churn", "--json").json["versions"]][::-1]


def test_a_version_moves_to_a_stage(verb: Verb) -> None:
    assert verb("promote", "churn", 1, "production").out.splitlines()[1].split()[:3] == [
        "churn",
        "1",
        "Production",
    ]
    assert verb("promote", "churn", 2, "Production", "--json").json["stage"] == "Production"
    assert stages(verb) == ["Production", "Production", "None"]
    assert verb("promote", "churn", 3, "Production", "--archive-existing").code == 0
    assert stages(verb) == ["Archived", "Archived", "Production"]


def test_it_moves_only_while_the_expectation_holds(verb: Verb) -> None:
    assert verb("promote", "churn", 1, "Production", "--expect", "2").code == 1
    assert verb("promote", "churn", 1, "Production", "--expect", "none").code == 0
    answer = verb("promote", "churn", 2, "Production", "--expect", "None", "--archive-existing")
    assert answer.code == 1
    assert "Production of 'churn' is held by version 1, and no version was expected" in answer.err
    assert verb("promote", "churn", 2, "Production", "--expect", "1", "--archive-existing").code == 0
    assert stages(verb) == ["Archived", "Production", "None"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["churn", "9", "Staging"], 1, "3 (None), 2 (None), 1 (None)"),
        (["chrun", "1", "Staging"], 1, "did you mean 'churn'"),
        (["churn", "1", "Live"], 1, "None, Staging, Production, Archived"),
        (["churn", "1", "Archived", "--archive-existing"], 1, "Staging and Production"),
        (["churn", "one", "Staging"], 2, "'one' is not a valid integer"),
        (["churn", "1", "Staging", "--expect", "x"], 2, "neither a version nor 'none'"),
        (["churn", "1", "Staging", "--expect", "9" * 30], 2, "neither a version nor 'none'"),
        (["churn", "1"], 2, "Missing argument 'STAGE'"),
    ],
)
def test_a_refusal_says_why(verb: Verb, words: list[str], code: int, said: str) -> None:
    answer = verb("promote", *words)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err
    assert stages(verb) == ["None"] * 3
