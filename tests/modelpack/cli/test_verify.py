"""``modelpack verify``."""

from pathlib import Path

import pytest

from tests.modelpack.cli.conftest import Verb
from tests.modelpack.small import saved


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return saved(tmp_path / "model")


def test_a_whole_model_is_said_to_be(verb: Verb, model: Path) -> None:
    told = verb("verify", model)
    assert (told.code, told.out, told.err) == (0, "Every file is as it was saved.\n", "")


def test_every_finding_is_named_and_the_exit_code_says_so(verb: Verb, model: Path) -> None:
    (model / "conda.yaml").unlink()
    (model / "extra").write_text("")
    (model / "model.skops").write_bytes(b"")
    told = verb("verify", model)
    assert told.code == 1
    assert [line.split() for line in told.out.splitlines()] == [
        ["FINDING", "FILE"],
        ["missing", "conda.yaml"],
        ["extra", "extra"],
        ["changed", "model.skops"],
    ]


def test_programs_get_json(verb: Verb, model: Path) -> None:
    assert verb("verify", model, "--json").json == {"path": str(model), "has_manifest": True, "findings": []}
    (model / "extra").write_text("")
    told = verb("verify", model, "--json")
    assert told.code == 1
    assert told.json["findings"] == [{"finding": "extra", "file": "extra"}]


def test_a_document_that_no_longer_parses_is_a_finding(verb: Verb, model: Path) -> None:
    (model / "MLmodel").write_text("flavors: *x")
    told = verb("verify", model)
    assert told.code == 1
    assert "changed  MLmodel" in told.out


def test_a_model_without_a_manifest_has_nothing_to_be_held_against(verb: Verb, tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors: {python_function: {loader_module: mlflow.sklearn}}\n")
    told = verb("verify", tmp_path)
    assert told.code == 0
    assert "There is no modelpack.manifest.json" in told.out


@pytest.mark.parametrize("kind", ["nothing", "no model", "link"])
def test_what_is_no_model_is_one_line(verb: Verb, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model"
    if kind != "nothing":
        path.mkdir()
    if kind == "link":
        saved(tmp_path / "other")
        (tmp_path / "other" / "link").symlink_to("/etc/passwd")
        path = tmp_path / "other"
    told = verb("verify", path)
    assert told.code == 1
    assert told.err.startswith("Error: ")
    assert len(told.err.splitlines()) == 1


def test_a_name_with_control_characters_is_escaped(verb: Verb, model: Path) -> None:
    (model / "\x1b]0;title\x07").write_text("")
    told = verb("verify", model)
    assert told.code == 1
    assert "\x1b" not in told.out
    assert "extra    \\x1b]0;title\\x07" in told.out
