import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from modelpack.directory import ModelDirectory, open_directory
from modelpack.errors import AlreadyExists, DamagedModel
from serving.images.context import Context, context
from serving.images.dockerfile import template
from serving.images.trim import EPOCH
from tests.serving.images.making import plan, saved

_SCRIPT = """
import os, sys
from pathlib import Path
os.umask(0)
from modelpack.directory import open_directory
from serving.images.context import context
from serving.images.dockerfile import template
from tests.serving.images.making import plan
made = context(plan(sbom=True), open_directory(Path(sys.argv[1])), template=template())
made.pack(Path(sys.argv[2]).open("wb"))
print(made.digest)
"""


def _context(model: ModelDirectory, **changes: object) -> Context:
    return context(plan(**changes), model, template=template())


def _packed(made: Context) -> bytes:
    file = io.BytesIO()
    made.pack(file)
    return file.getvalue()


def test_one_plan_gives_one_context_in_every_process(model: ModelDirectory, tmp_path: Path) -> None:
    here = _context(model, sbom=True)
    environ = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, model.path, tmp_path / "there.tar"],
        cwd=Path(__file__).parents[3],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == here.digest == _context(model, sbom=True).digest
    assert (tmp_path / "there.tar").read_bytes() == _packed(here)


def test_another_plan_or_model_gives_another_digest(model: ModelDirectory) -> None:
    digests = {
        _context(model).digest,
        _context(model, labels=(("a", "b"),)).digest,
        _context(model, variables=(("A", "one\ntwo"),)).digest,
        _context(model, at_start=True).digest,
    }
    assert len(digests) == 4


def test_the_archive_is_sorted_of_root_and_for_all_to_read(model: ModelDirectory) -> None:
    with tarfile.open(fileobj=io.BytesIO(_packed(_context(model)))) as archive:
        members = archive.getmembers()
    files = [member.name for member in members if member.isfile()]
    assert files == sorted(files)
    assert {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in members} == {(0, 0, "", "", EPOCH)}
    assert {member.mode for member in members} == {0o644, 0o755}
    assert {"Dockerfile", "requirements.lock", "trim.py", "image.json", "model/MLmodel"} <= set(files)


def test_what_lies_in_the_folder_by_accident_is_ignored(model: ModelDirectory) -> None:
    ignored = _context(model, sbom=True).files[".dockerignore"]
    assert isinstance(ignored, bytes)
    lines = ignored.decode().splitlines()
    assert lines[0] == "*"
    assert set(lines[1:]) == {
        f"!{name}"
        for name in ("image.json", "model", "requirements.lock", "sbom.cdx.json", "trim.py", "wheels")
    }


def test_every_file_that_is_copied_is_there(model: ModelDirectory) -> None:
    made = _context(model, sbom=True)
    text = made.files["Dockerfile"]
    assert isinstance(text, bytes)
    for line in text.decode().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            (name,) = line.split()[1:-1]
            assert any(one == name or one.startswith(name) for one in made.files), line


def test_a_folder_holds_the_same_for_everyone_to_read(model: ModelDirectory, tmp_path: Path) -> None:
    made = _context(model)
    made.write(tmp_path / "image")
    there = {
        path.relative_to(tmp_path / "image").as_posix(): path
        for path in (tmp_path / "image").rglob("*")
        if path.is_file()
    }
    assert Context(dict(there)).digest == made.digest
    assert {path.stat().st_mode & 0o777 for path in there.values()} == {0o644}
    assert {path.stat().st_mtime for path in there.values()} == {EPOCH}
    assert _packed(Context(dict(there))) == _packed(made)


def test_a_folder_is_brought_up_to_date(model: ModelDirectory, tmp_path: Path) -> None:
    _context(model, sbom=True).write(tmp_path / "image")
    made = _context(model, at_start=True)
    made.write(tmp_path / "image")
    left = {
        path.relative_to(tmp_path / "image").as_posix()
        for path in (tmp_path / "image").rglob("*")
        if path.is_file()
    }
    assert left == set(made.files)


def test_a_folder_of_somebody_else_is_left_alone(model: ModelDirectory, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(AlreadyExists, match="empty folder"):
        _context(model).write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_model_that_was_changed_goes_into_no_image(tmp_path: Path) -> None:
    path = saved(tmp_path / "model", certify={"rows": 0})
    (path / "requirements.txt").write_text("numpy==1.0\n")
    with pytest.raises(DamagedModel):
        _context(open_directory(path))


def test_a_model_that_is_fetched_at_the_start_is_not_inside(model: ModelDirectory) -> None:
    made = _context(model, at_start=True)
    assert not [name for name in made.files if name.startswith("model/")]
    text = made.files["image.json"]
    assert isinstance(text, bytes)
    said = json.loads(text)
    assert said["model"] == "models:/churn-prediction-model/Production"
    assert said["references"] == []


def test_names_of_files_may_be_odd(tmp_path: Path) -> None:
    odd = Context({"model/ä b '$(id)' \"x\".bin": b"1", "Dockerfile": b"FROM x:1\n"})
    odd.write(tmp_path / "image")
    with tarfile.open(fileobj=io.BytesIO(_packed(odd))) as archive:
        assert "model/ä b '$(id)' \"x\".bin" in archive.getnames()
