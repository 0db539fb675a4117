"""From a reference to a loaded model."""

import json
import os
from pathlib import Path

import pytest

import modelpack
from modelpack.errors import NotFound, Untrusted
from serving.errors import NoModel
from serving.models import Models, find, load
from serving.settings import Settings
from tests.serving.kit import NUMBERS, served
from tests.serving.saved import magic


def test_a_path_is_named_by_its_folder(models: Path) -> None:
    source = find(str(models / "magic"))
    assert (source.name, source.version, source.place) == ("magic", "", (models / "magic").resolve())
    assert source.digest == modelpack.open_model(models / "magic").digest


def test_a_reference_of_the_registry_is_pinned_to_one_version(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path))
    with modelpack.Registry() as registry:
        registry.register(models / "magic", "sums")
        registry.register(models / "cols", "sums")
        registry.promote("sums", 1, "Production")
        source = find("models:/sums/Production")
        assert (source.name, source.version) == ("sums", "1")
        registry.promote("sums", 2, "Production", archive_existing=True)
        assert find("models:/sums/Production").version == "2"
        registry.set_alias("sums", "best", 1)
        assert find("models:/sums@best").place == source.place
    assert load(source, Settings(trust=("pickle",)), os.environ).signature.inputs is not None


def test_what_does_not_exist_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path))
    with pytest.raises(NotFound):
        find("models:/nope/1")
    with pytest.raises(NotFound):
        find(str(tmp_path / "nope"))


def test_finding_a_model_runs_none_of_it_and_loading_asks_the_operator(models: Path, tmp_path: Path) -> None:
    source = find(str(models / "magic"))
    with pytest.raises(Untrusted, match="--trust pickle"):
        load(source, Settings(), {"MODELPACK_HOME": str(tmp_path)})
    loaded = load(source, Settings(), {"MODELPACK_HOME": str(tmp_path), "MODELPACK_TRUST": "pickle"})
    assert (loaded.engine, loaded.flavor) == ("native", "python")
    assert loaded.example == {"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, 2.0]]}}


@pytest.mark.parametrize("content", ["{", json.dumps({"inputs": ["x" * 100_000]})])
def test_an_example_that_cannot_be_shown_is_no_reason_not_to_serve(
    models: Path, tmp_path: Path, content: str
) -> None:
    place = tmp_path / "model"
    modelpack.save(lambda frame: frame["a"], place, input_example={"a": [1.0]})
    (place / "serving_input_example.json").write_text(content)
    (place / "modelpack.manifest.json").unlink()
    text = (place / "MLmodel").read_text()
    (place / "MLmodel").write_text(text.replace("metadata:\n  modelpack:\n", "metadata:\n  other:\n"))
    assert (
        load(find(str(place)), Settings(trust=("pickle",)), {"MODELPACK_HOME": str(tmp_path)}).example is None
    )


def test_there_is_a_model_or_there_is_none() -> None:
    assert not Models().loaded
    with pytest.raises(NoModel):
        _ = Models().current
    assert Models(served()).current.source.name == "sum"


@pytest.mark.parametrize("batch", [True, False])
def test_a_model_may_say_that_its_rows_belong_together(tmp_path: Path, batch: bool) -> None:
    place = tmp_path / "model"
    modelpack.save(magic, place, signature=NUMBERS, batch=batch)
    settings = Settings(trust=("pickle",))
    environ = {"MODELPACK_HOME": str(tmp_path)}
    assert load(find(str(place)), settings, environ).lane.batches is batch
    off = Settings(trust=("pickle",), batch_rows=1)
    assert load(find(str(place)), off, environ).lane.batches is False
