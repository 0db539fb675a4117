"""Files that a model reads when it is loaded."""

from pathlib import Path

import pytest

from modelpack.directory.artifacts import copy
from modelpack.errors import InvalidModel


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def test_files_and_folders_are_copied_under_their_names(tmp_path: Path, into: Path) -> None:
    (tmp_path / "one.txt").write_text("1")
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "two.txt").write_text("2")
    found = copy({"a": (tmp_path / "one.txt", "s3://b/one.txt"), "b": (tmp_path / "folder", "folder")}, into)
    assert found == {
        "a": {"path": "artifacts/one.txt", "uri": "s3://b/one.txt"},
        "b": {"path": "artifacts/folder", "uri": "folder"},
    }
    assert (into / "artifacts/one.txt").read_text() == "1"
    assert (into / "artifacts/folder/deep/two.txt").read_text() == "2"


def test_two_of_one_name_lie_apart(tmp_path: Path, into: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "weights.bin").write_text(folder)
    found = copy({one: (tmp_path / one / "weights.bin", one) for one in ("x", "y")}, into)
    assert [(into / found[one]["path"]).read_text() for one in ("x", "y")] == ["x", "y"]


def test_what_is_missing_or_a_link_is_refused(tmp_path: Path, into: Path) -> None:
    with pytest.raises(InvalidModel, match="'a' is missing, or a link"):
        copy({"a": (tmp_path / "none", "none")}, into)
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(InvalidModel, match="is missing, or a link"):
        copy({"a": (tmp_path / "link", "link")}, into)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to("/etc/passwd")
    with pytest.raises(InvalidModel, match="is a link or special file"):
        copy({"a": (tmp_path / "folder", "folder")}, into)


@pytest.mark.parametrize("name", ["", 3, None])
def test_a_name_is_text(name: object, tmp_path: Path, into: Path) -> None:
    with pytest.raises(InvalidModel, match="is no name"):
        copy({name: (tmp_path, "x")}, into)


def test_a_model_among_them_keeps_its_manifest(tmp_path: Path, into: Path) -> None:
    for folder, names in (
        ("model", ["MLmodel", "modelpack.manifest.json"]),
        ("lone", ["modelpack.manifest.json"]),
    ):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_text("")
    copy({one: (tmp_path / one, one) for one in ("model", "lone")}, into)
    assert (into / "artifacts/model/modelpack.manifest.json").exists()
    assert not (into / "artifacts/lone/modelpack.manifest.json").exists()
