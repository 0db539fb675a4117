"""Directories whole or not at all, digests, containment."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelpack import files
from modelpack.errors import AlreadyExists, InvalidModel


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_staged_folder_appears_when_its_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "model"
    with files.staged(target) as staging:
        (staging / "a").write_text("1")
        assert not target.exists()
        assert staging.parent == target.parent
    assert (target / "a").read_text() == "1"
    assert names(target.parent) == ["model"]


def test_a_staged_folder_vanishes_when_its_block_fails(tmp_path: Path) -> None:
    def interrupted() -> None:
        with files.staged(tmp_path / "model") as staging:
            (staging / "a").write_text("1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == []


@pytest.mark.parametrize("kind", ["file", "full folder", "link", "dangling link"])
def test_a_target_that_is_taken_is_refused_and_kept(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "model"
    other = tmp_path / "other"
    if kind == "file":
        target.write_text("mine")
    elif kind == "full folder":
        target.mkdir()
        (target / "mine").write_text("mine")
    else:
        if kind == "link":
            other.mkdir()
        target.symlink_to(other)
    before = os.lstat(target)
    with pytest.raises(AlreadyExists, match="exists already"), files.staged(target):
        pytest.fail("the block ran")
    assert os.lstat(target) == before


def test_an_empty_folder_counts_as_free(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with files.staged(tmp_path / "model") as staging:
        (staging / "a").write_text("1")
    assert names(tmp_path / "model") == ["a"]


def test_who_comes_second_loses_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "model"

    def race() -> None:
        with files.staged(target) as second:
            (second / "a").write_text("second")
            with files.staged(target) as first:
                (first / "a").write_text("first")

    with pytest.raises(AlreadyExists):
        race()
    assert (target / "a").read_text() == "first"
    assert names(tmp_path) == ["model"]


def test_what_dead_writers_left_is_swept_by_the_next_one(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f"{files.STAGING}{dead.pid}-00"
    left.mkdir()
    odd = tmp_path / f"{files.STAGING}who-knows"
    odd.mkdir()
    mine = tmp_path / f"{files.STAGING}{os.getpid()}-00"
    mine.mkdir()
    old = tmp_path / f"{files.STAGING}{os.getpid()}-01"
    old.mkdir()
    past = time.time() - files.STAGING_LIFETIME - 60
    os.utime(old, (past, past))
    with files.staged(tmp_path / "model"):
        pass
    assert names(tmp_path) == sorted(["model", mine.name])


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_may_write_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with files.staged(tmp_path / "model") as staging:
            (staging / "sub").mkdir()
            (staging / "sub" / "a").write_text("1")
    finally:
        os.umask(before)
    for path in [tmp_path / "model", *(tmp_path / "model").rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & (0o027 if path.is_dir() else 0o137) == 0, (path, oct(mode))


def test_a_digest_is_the_one_that_everybody_computes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 700_000)
    told = subprocess.run(["sha256sum", tmp_path / "a"], capture_output=True, text=True, check=True).stdout
    assert files.sha256(tmp_path / "a") == told.split()[0]


def test_a_walk_names_every_file_in_order(tmp_path: Path) -> None:
    for name in ("b/c", "a", "b/a", "b.txt", "empty/"):
        path = tmp_path / name
        if name.endswith("/"):
            path.mkdir()
            continue
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    assert [path.relative_to(tmp_path).as_posix() for path in files.walk(tmp_path)] == [
        "a",
        "b.txt",
        "b/a",
        "b/c",
    ]


@pytest.mark.parametrize("kind", ["link to file", "link to folder", "pipe"])
def test_a_walk_refuses_what_is_neither_file_nor_folder(tmp_path: Path, kind: str) -> None:
    odd = tmp_path / "model" / "odd"
    odd.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to("/etc/passwd" if kind == "link to file" else "/etc")
    with pytest.raises(InvalidModel, match=r"'odd'.*link or special"):
        list(files.walk(odd.parent))


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "/",
        "/etc/passwd",
        "//etc",
        "..",
        "../x",
        "a/../../x",
        "a/..",
        "..\\x",
        "a\\b",
        "C:\\x",
        "C:x",
        "c:/x",
        "a\0b",
        "a\nb",
        "a\x1b[31m",
        "a\udc80",
        "a\u202eb",
    ],
)
def test_a_name_that_leads_out_or_hides_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidModel, match="not the name of a file inside") as met:
        files.inside(tmp_path, name)
    assert str(met.value).isprintable()
    assert len(str(met.value)) <= 300


@pytest.mark.parametrize("name", ["x" * 300, "a/" * 4_000 + "b"], ids=["part", "whole"])
def test_a_name_that_no_disk_holds_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidModel, match="too long for the name of a file") as met:
        files.inside(tmp_path, name)
    assert len(str(met.value)) <= 300


@pytest.mark.parametrize("name", ["a", "a/b.c", "./a", "größe.txt", "a b", "...", "a..b"])
def test_a_plain_name_stays_inside(tmp_path: Path, name: str) -> None:
    assert files.inside(tmp_path, name).is_relative_to(tmp_path)


def test_no_link_on_the_way_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "out").symlink_to("/etc")
    for name in ("out/passwd", "out"):
        with pytest.raises(InvalidModel, match="link"):
            files.inside(folder, name)


def test_a_file_is_replaced_at_the_end_of_the_block(tmp_path: Path) -> None:
    target = tmp_path / "answer"
    target.write_text("old")
    target.chmod(0o640)
    with files.replacing(target) as file:
        file.write(b"new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert names(tmp_path) == ["answer"]


def test_a_file_stays_when_the_block_fails(tmp_path: Path) -> None:
    target = tmp_path / "answer"
    target.write_text("old")

    def interrupted() -> None:
        with files.replacing(target) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["answer"]


def test_a_new_file_through_a_dangling_link_is_where_the_link_leads(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "answer")
    with files.replacing(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "answer").read_text() == "new"
    assert (tmp_path / "link").is_symlink()


def test_a_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    with files.replacing(Path("/dev/null")) as file:
        file.write(b"gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("target", ["missing/answer", "."])
def test_a_place_for_no_file_is_an_os_error(tmp_path: Path, target: str) -> None:
    with pytest.raises(OSError, match=r"No such|Is a directory"), files.replacing(tmp_path / target):
        pytest.fail("the block ran")
