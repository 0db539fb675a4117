"""Modules that a model brings along."""

import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

from modelpack.directory import code
from modelpack.errors import InvalidModel


def source(folder: Path) -> Path:
    """A module and a package with a compiled file in it."""
    folder.mkdir()
    (folder / "single.py").write_text("NUMBER = 1\n")
    package = folder / "package"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__pycache__" / "inner.cpython-311.pyc").write_bytes(b"old")
    (package / "__init__.py").write_text("")
    (package / "inner.py").write_text("from single import NUMBER\nVALUE = NUMBER + 1\n")
    (package / "stale.pyc").write_bytes(b"old")
    return folder


def test_modules_and_packages_are_copied_without_compiled_files(tmp_path: Path) -> None:
    given = source(tmp_path / "given")
    into = tmp_path / "model"
    into.mkdir()
    assert code.copy([given / "single.py", str(given / "package")], into) == "code"
    copied = sorted(path.relative_to(into).as_posix() for path in into.rglob("*") if path.is_file())
    assert copied == ["code/package/__init__.py", "code/package/inner.py", "code/single.py"]


def test_nothing_given_is_nothing_copied(tmp_path: Path) -> None:
    assert code.copy([], tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_is_missing_or_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    for path in (tmp_path / "link.py", tmp_path / "absent.py"):
        with pytest.raises(InvalidModel, match="link or does not exist"):
            code.copy([path], tmp_path)


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.py").write_text("")
    with pytest.raises(InvalidModel, match=r"two code paths are called 'same\.py'"):
        code.copy([tmp_path / "a" / "same.py", tmp_path / "b" / "same.py"], tmp_path)


def test_a_link_inside_a_package_is_refused(tmp_path: Path) -> None:
    given = source(tmp_path / "given")
    (given / "package" / "secret.py").symlink_to("/etc/passwd")
    (tmp_path / "model").mkdir()
    with pytest.raises(InvalidModel, match="link or special file"):
        code.copy([given / "package"], tmp_path / "model")


def run(statement: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    start = "import sys\nfrom pathlib import Path\nfrom modelpack.directory.code import make_importable\n"
    return subprocess.run(
        [sys.executable, "-c", start + statement, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_modules_are_importable_and_nothing_is_compiled_beside_them(tmp_path: Path) -> None:
    given = source(tmp_path / "given")
    (tmp_path / "model").mkdir()
    code.copy([given / "single.py", given / "package"], tmp_path / "model")
    before = sorted((tmp_path / "model").rglob("*"))
    told = run(
        "make_importable(Path(sys.argv[1]), 'code')\nmake_importable(Path(sys.argv[1]), 'code')\n"
        "import package.inner\nprint(package.inner.VALUE, sys.path.count(sys.path[0]))",
        tmp_path / "model",
    )
    assert told.stdout == "2 1\n", told.stderr
    assert sorted((tmp_path / "model").rglob("*")) == before


def test_a_compiled_file_that_was_slipped_in_is_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "model" / "code"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text("VALUE = 'source'\n")
    evil = tmp_path / "mine.py"
    evil.write_text("VALUE = 'slipped'\n")
    compiled = folder / "__pycache__" / f"mine.{sys.implementation.cache_tag}.pyc"
    py_compile.compile(
        str(evil), str(compiled), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    ordinary = f"sys.path.insert(0, {str(folder)!r})\nimport mine\nprint(mine.VALUE)"
    assert run(ordinary, tmp_path).stdout == "slipped\n"
    told = run(
        "make_importable(Path(sys.argv[1]), 'code')\nimport mine\nprint(mine.VALUE)", tmp_path / "model"
    )
    assert told.stdout == "source\n", told.stderr


def test_a_module_that_is_loaded_from_elsewhere_is_a_conflict(tmp_path: Path) -> None:
    folder = tmp_path / "model" / "code"
    folder.mkdir(parents=True)
    (folder / "colorsys.py").write_text("")
    told = run("import colorsys\nmake_importable(Path(sys.argv[1]), 'code')", tmp_path / "model")
    assert "Conflict: the model brings a module 'colorsys', but another is loaded from" in told.stderr


@pytest.mark.parametrize("name", ["/etc", "../code", "..", "absent"])
def test_a_folder_outside_or_missing_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidModel):
        code.make_importable(tmp_path, name)
    assert str(tmp_path) not in "".join(sys.path)
