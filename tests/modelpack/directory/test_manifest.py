"""The manifest: every change of every file, found and named."""

import hashlib
import json
import random
import time
from pathlib import Path

import pytest

from modelpack.directory import open_directory
from modelpack.directory.manifest import FileRecord, Manifest
from modelpack.errors import DamagedModel, InvalidModel
from tests.modelpack.small import saved


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("manifest") / "model", metadata={"team": "x"})


@pytest.fixture
def chance() -> random.Random:
    seed = time.time_ns() % 2**32
    print(f"seed={seed}")
    return random.Random(seed)


def test_a_fresh_model_has_no_findings(model: Path) -> None:
    directory = open_directory(model)
    assert directory.has_manifest
    assert directory.findings() == []
    directory.check()


def test_a_thousand_flipped_bits_are_all_found_and_named(model: Path, chance: random.Random) -> None:
    names = sorted(path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file())
    assert len(names) >= 8
    missed = []
    for turn in range(1_000):
        name = names[turn % len(names)]
        path = model / name
        content = path.read_bytes()
        place = chance.randrange(len(content) * 8)
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        try:
            with pytest.raises(DamagedModel) as met:
                open_directory(model).check()
            if ("changed", name) not in met.value.findings or name not in str(met.value):
                missed.append((name, place))
        finally:
            path.write_bytes(content)
    assert missed == []
    assert open_directory(model).findings() == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files and their manifest."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "MLmodel").write_text("flavors: {python_function: {loader_module: mlflow.sklearn}}\n")
    (tmp_path / "a").write_bytes(b"aaaa")
    (tmp_path / "sub" / "b").write_bytes(b"bbbb")
    Manifest.of(tmp_path).write(tmp_path)
    return tmp_path


def test_a_missing_and_an_extra_file_are_named(folder: Path) -> None:
    (folder / "sub" / "b").unlink()
    (folder / "c").write_text("")
    assert open_directory(folder).findings() == [("extra", "c"), ("missing", "sub/b")]


def test_a_renamed_file_is_one_missing_and_one_extra(folder: Path) -> None:
    (folder / "a").rename(folder / "z")
    assert open_directory(folder).findings() == [("missing", "a"), ("extra", "z")]


def test_swapped_files_are_both_named(folder: Path) -> None:
    (folder / "a").write_bytes(b"bbbb")
    (folder / "sub" / "b").write_bytes(b"aaaa")
    assert open_directory(folder).findings() == [("changed", "a"), ("changed", "sub/b")]


@pytest.mark.parametrize("content", [b"", b"aaa", b"aaaaa"])
def test_a_file_of_another_length_is_named(folder: Path, content: bytes) -> None:
    (folder / "a").write_bytes(content)
    assert open_directory(folder).findings() == [("changed", "a")]


@pytest.mark.parametrize(
    "name",
    [
        "registered_model_meta",
        "__pycache__/model.cpython-311.pyc",
        "code/__pycache__/helper.cpython-311.pyc",
        "code/package/__pycache__/__init__.cpython-311.pyc",
    ],
)
def test_what_mlflow_leaves_beside_is_no_finding(name: str, folder: Path) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("model_name: x\n")
    assert open_directory(folder).findings() == []


@pytest.mark.parametrize(
    "name",
    [
        "__pycache__/model.py",
        "artifacts/__pycache__/a.pyc",
        "code/a.pyc",
        "__pycache__/a/b.pyc",
        "x__pycache__/a.pyc",
    ],
)
def test_what_somebody_may_read_is_a_finding(name: str, folder: Path) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("")
    assert open_directory(folder).findings() == [("extra", name)]


def test_a_model_of_ours_cannot_lose_its_manifest_unseen(model: Path) -> None:
    path = model / "modelpack.manifest.json"
    content = path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(DamagedModel, match=r"modelpack.manifest.json is missing"):
            open_directory(model).check()
    finally:
        path.write_bytes(content)


def test_a_model_without_a_manifest_still_has_a_digest(folder: Path) -> None:
    digest = open_directory(folder).digest
    (folder / "modelpack.manifest.json").unlink()
    view = open_directory(folder)
    assert not view.has_manifest
    assert view.findings() == []
    assert view.digest == digest


def test_a_document_that_no_longer_parses_is_named_as_damaged(folder: Path) -> None:
    (folder / "MLmodel").write_text("flavors: *x\n")
    with pytest.raises(DamagedModel, match="MLmodel is changed"):
        open_directory(folder)


def test_the_digest_is_what_the_specification_says(folder: Path) -> None:
    lines = ""
    for name in ("MLmodel", "a", "sub/b"):
        content = (folder / name).read_bytes()
        lines += f"{hashlib.sha256(content).hexdigest()} {len(content)} {name}\n"
    assert open_directory(folder).digest == f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            '"format": "modelpack.manifest/1"', '"format": "modelpack.manifest/0"', id="older format"
        ),
        pytest.param('"sha256"', '"md5"', id="another algorithm"),
        pytest.param('"digest": "sha256:', '"digest": "md5:', id="digest of another algorithm"),
        pytest.param('"digest": "sha256:', '"digest": "SHA256:', id="letter case"),
        pytest.param('"size": 4', '"size": 4.0', id="a size that is no whole number"),
        pytest.param('"size": 4', '"size": -4', id="a negative size"),
        pytest.param('"size": 4', '"size": 4, "md5": ""', id="an unknown field"),
        pytest.param('"name": "a"', '"name": "./a"', id="an odd name"),
        pytest.param('"name": "a"', '"name": "../a"', id="a climbing name"),
        pytest.param('"name": "a"', '"name": "/a"', id="an absolute name"),
        pytest.param('"name": "a"', '"name": "MLmodel"', id="a file named twice"),
        pytest.param("\n", "", id="another layout"),
        pytest.param("}", "} ", id="a blank"),
    ],
)
def test_a_manifest_of_another_form_is_refused(folder: Path, old: str, new: str) -> None:
    path = folder / "modelpack.manifest.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InvalidModel):
        Manifest.parse(path.read_bytes())
    with pytest.raises(DamagedModel, match=r"modelpack.manifest.json is changed"):
        open_directory(folder).check()


@pytest.mark.parametrize("digits", ["A" * 64, "a" * 63, "a" * 65, "g" * 64, ""])
def test_a_digest_is_sixty_four_small_digits_or_refused(digits: str) -> None:
    text = Manifest({"a": FileRecord(1, digits)}).text()
    with pytest.raises(InvalidModel, match="sha256"):
        Manifest.parse(text)


def test_a_manifest_is_read_as_it_was_written() -> None:
    manifest = Manifest({"b": FileRecord(1, "0" * 64), "größe/a": FileRecord(2**40, "f" * 64)})
    assert Manifest.parse(manifest.text()) == manifest
    assert json.loads(manifest.text())["digest"] == manifest.digest


def test_names_that_would_make_two_folders_look_alike_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a\nb").write_text("")
    with pytest.raises(InvalidModel, match="not the name of a file"):
        Manifest.of(tmp_path)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b"\xff", b"[" * 5_000, b'{"digest":1,"files":[],"format":""}']
)
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidModel):
        Manifest.parse(text)
