"""``modelpack export-onnx``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from modelpack.onnx.files import digest_of
from tests.modelpack.cli.conftest import Verb
from tests.modelpack.proved import customers, forest, proved
from tests.modelpack.test_exporting import network

FEW = ("--rows", "400", "--seed", "3")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return proved(tmp_path / "model")


def test_the_form_and_its_certificate_are_written_and_told(verb: Verb, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "out" / "churn.onnx"
    told = verb("export-onnx", "-m", model, "-o", path, "--no-zipmap")
    assert (told.code, told.err) == (0, "")
    assert path.read_bytes() == (model / "model.onnx").read_bytes()
    certificate = json.loads((path.parent / "churn.parity.json").read_text())
    assert certificate["certified"] == ["predict", "predict_proba"]
    assert certificate["onnx_digest"] == digest_of(path.read_bytes())
    assert sorted(one.name for one in path.parent.iterdir()) == ["churn.onnx", "churn.parity.json"]
    lines = [line.split() for line in told.out.splitlines()]
    assert [line[0] for line in lines if line][:6] == ["wrote", "wrote", "form", "NATIVE", "size", "1"]
    assert next(line for line in lines if line[:1] == ["1,000"])[1] == "rows"


def test_without_a_word_probabilities_are_maps(verb: Verb, model: Path, tmp_path: Path) -> None:
    told = verb("export-onnx", "-m", model, "-o", tmp_path / "x.onnx", *FEW, "--json").json
    assert told["certified"] == ["predict", "predict_proba"]
    assert "maps" in told["report"]["candidate"]
    assert 0 < told["largest_difference"] < 1e-6
    assert [one["rows"] for one in told["seconds"]] == [1, 1000]


def test_what_differs_is_written_with_a_loud_warning(verb: Verb, tmp_path: Path) -> None:
    _, _, path = network(tmp_path / "m")
    words = ("export-onnx", "-m", path, "-o", tmp_path / "x.onnx", "--quantize", "dynamic", *FEW)
    told = verb(*words)
    assert told.code == 0
    assert told.err.startswith(
        "Warning: NOT CERTIFIED. The ONNX form does not answer as the model does (predict"
    )
    assert json.loads((tmp_path / "x.parity.json").read_text())["certified"] == []
    (tmp_path / "x.onnx").unlink()
    (tmp_path / "x.parity.json").unlink()
    told = verb(*words, "--require-certified")
    assert told.code == 1
    assert told.err.startswith("Error: nothing was written: The ONNX form does not answer as the model does")
    assert not (tmp_path / "x.onnx").exists()
    assert not (tmp_path / "x.parity.json").exists()


def test_a_bundle_and_a_file_hold_the_same_tensors(verb: Verb, model: Path, tmp_path: Path) -> None:
    path, bundle = tmp_path / "x.onnx", tmp_path / "bundle"
    assert verb("export-onnx", "-m", model, "-o", path, "--bundle", bundle, *FEW).code == 0
    assert path.read_bytes() == (bundle / "model.onnx").read_bytes() == (model / "model.onnx").read_bytes()
    customers().to_csv(tmp_path / "rows.csv", index=False)
    told = subprocess.run(
        [sys.executable, bundle / "run.py", tmp_path / "rows.csv", "--output-format", "json"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(told.stdout)["predictions"] == forest().predict(customers()).tolist()


def test_a_note_says_what_changed_nothing(verb: Verb, model: Path, tmp_path: Path) -> None:
    told = verb("export-onnx", "-m", model, "--bundle", tmp_path / "b", "--quantize", "dynamic")
    assert told.code == 0
    assert "note       Quantizing changed nothing: the graph has no product with weights" in told.out


@pytest.mark.parametrize(
    "words",
    [(), ("--bundle", "b", "--zipmap"), ("-o", "x", "--quantize", "int4"), ("-o", "x", "--opset", "new")],
)
def test_wrong_usage(words: tuple[str, ...], verb: Verb, model: Path) -> None:
    told = verb("export-onnx", "-m", model, *words)
    assert told.code == 2
    assert "Usage" in told.err


def test_a_folder_that_is_not_empty_is_refused(verb: Verb, model: Path) -> None:
    told = verb("export-onnx", "-m", model, "--bundle", model)
    assert told.code == 1
    assert "exists already" in told.err
