"""``modelpack certify``."""

from datetime import datetime
from pathlib import Path

import pytest

from tests.modelpack.cli.conftest import Verb
from tests.modelpack.proved import customers, proved

FEW = ("--rows", "400", "--seed", "3")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return proved(tmp_path / "model", certify=False)


def test_each_method_has_a_line(verb: Verb, model: Path) -> None:
    told = verb("certify", model, *FEW)
    assert (told.code, told.err) == (0, "")
    lines = [line.split() for line in told.out.splitlines()]
    assert lines[0] == ["METHOD", "CERTIFIED", "ROWS", "WORST", "DIFFERENCE", "REASON"]
    assert lines[1][:2] == ["predict", "yes"]
    assert lines[2][:2] == ["predict_proba", "yes"]
    assert "split" in told.out
    assert verb("verify", model).code == 0


def test_a_method_that_is_not_certified_is_an_exit_code_and_a_reason(verb: Verb, model: Path) -> None:
    told = verb("certify", model, *FEW, "--method", "predict", "--method", "decision_function")
    assert told.code == 1
    assert "the model has no decision_function" in told.out


def test_programs_get_json_the_same_for_the_same_seed(verb: Verb, model: Path) -> None:
    first, second = (verb("certify", model, *FEW, "--json").json for _ in range(2))
    assert datetime.fromisoformat(first.pop("made")) <= datetime.fromisoformat(second.pop("made"))
    assert first == second
    assert first["certified"] == ["predict", "predict_proba"]
    assert first["seed"] == 3
    assert first["version"] is None


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_are_drawn_like_the_training_data(kind: str, verb: Verb, model: Path, tmp_path: Path) -> None:
    path = tmp_path / f"train.{kind}"
    (customers().to_csv(path, index=False) if kind == "csv" else customers().to_parquet(path))
    assert verb("certify", model, *FEW, "--reference-data", path).code == 0
    assert "Bergen" in (model / "MLmodel").read_text()


def test_a_file_that_is_no_table_is_refused_in_one_line(verb: Verb, model: Path, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("no parquet")
    told = verb("certify", model, *FEW, "--reference-data", tmp_path / "x.parquet")
    assert told.code == 1
    assert "cannot be read as a table" in told.err
    assert not (model / "model.onnx").exists()


def test_a_registered_version_is_certified_as_a_new_one(verb: Verb, model: Path) -> None:
    verb("register", model, "churn")
    refused = verb("certify", "models:/churn/1", *FEW)
    assert refused.code == 1
    assert "--register" in refused.err
    told = verb("certify", "models:/churn/1", *FEW, "--register")
    assert told.code == 0
    assert told.out.splitlines()[-1] == "version 2 of churn"
