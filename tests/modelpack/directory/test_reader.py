"""The view of a model directory."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from modelpack.directory import ModelDirectory, open_directory
from modelpack.errors import InvalidModel, NotFound
from tests.modelpack.small import frame, saved

MINIMAL = "flavors: {python_function: {loader_module: mlflow.sklearn, model_path: model.pkl}}\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("reader") / "model")


def described(folder: Path, text: str) -> ModelDirectory:
    (folder / "MLmodel").write_text(MINIMAL + text)
    return open_directory(folder)


def test_a_view_tells_what_the_model_is(model: Path) -> None:
    view = open_directory(model)
    assert view.path == model
    assert view.signature is not None
    assert view.signature.inputs is not None
    assert view.signature.inputs.names == ["age", "charges", "paperless"]
    assert view.digest.startswith("sha256:")
    assert view.file("model.skops") == model / "model.skops"


def test_the_example_comes_back_as_it_was_given(model: Path) -> None:
    example: Any = open_directory(model).example()
    pd.testing.assert_frame_equal(example, frame().head(3))


def test_the_serving_example_is_a_body(model: Path) -> None:
    body: Any = open_directory(model).serving_example()
    assert list(body) == ["dataframe_split"]
    assert body["dataframe_split"]["columns"] == ["age", "charges", "paperless"]


def test_a_model_without_an_example_has_none(tmp_path: Path) -> None:
    view = described(tmp_path, "")
    assert view.example() is None
    assert view.serving_example() is None


def test_a_relative_path_is_made_absolute(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model.parent)
    assert open_directory(Path("model")).path == model


@pytest.mark.parametrize("kind", ["nothing", "file"])
def test_where_there_is_no_folder_nothing_is_found(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model"
    if kind == "file":
        path.write_text("")
    with pytest.raises(NotFound, match="no model directory"):
        open_directory(path)


def test_a_folder_without_a_document_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="holds no MLmodel"):
        open_directory(tmp_path)


def test_a_document_behind_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").symlink_to("/etc/passwd")
    with pytest.raises(InvalidModel, match="link"):
        open_directory(tmp_path)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "..", "a/../../x", "C:\\x", ""])
def test_a_file_that_the_document_names_outside_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidModel, match="not the name of a file inside"):
        described(tmp_path, "").file(name)


def test_a_named_file_that_is_missing_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match=r"'model.pkl', which is missing"):
        described(tmp_path, "").file("model.pkl")


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ("{artifact_path: ../../etc/passwd, type: json_object}", "not the name of a file inside"),
        ("{artifact_path: 3, type: json_object}", "names no file"),
        ("{artifact_path: absent.json, type: json_object}", "is missing"),
        ("{artifact_path: MLmodel, type: json_object}", "is no JSON"),
    ],
)
def test_an_example_in_an_odd_place_is_refused(tmp_path: Path, info: str, said: str) -> None:
    with pytest.raises(InvalidModel, match=said):
        described(tmp_path, f"saved_input_example_info: {info}\n").example()


def test_a_huge_example_is_refused_before_it_is_read(tmp_path: Path) -> None:
    view = described(tmp_path, "saved_input_example_info: {artifact_path: big.json, type: json_object}\n")
    with (tmp_path / "big.json").open("wb") as file:
        os.ftruncate(file.fileno(), 1 << 32)
    with pytest.raises(InvalidModel, match="more than 64 MiB"):
        view.example()
