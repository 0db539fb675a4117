import importlib.util
from pathlib import Path

import pytest

from serving.images.trim import EPOCH, trim

SITE = "lib/python3.11/site-packages"
STAYS = [
    f"{SITE}/numpy/__init__.py",
    f"{SITE}/numpy/f2py/__init__.py",
    f"{SITE}/numpy/testing/__init__.py",
    f"{SITE}/own/tests/data.py",
    f"{SITE}/own/config.json",
    f"{SITE}/onnxruntime/capi/onnxruntime_pybind11_state.cpython-311-x86_64-linux-gnu.so",
    "bin/serve",
    "pyvenv.cfg",
]
GOES = [
    f"{SITE}/numpy/tests/test_x.py",
    f"{SITE}/numpy/core/tests/data/x.bin",
    f"{SITE}/joblib/test/test_x.py",
    f"{SITE}/numpy/__init__.pyi",
    f"{SITE}/own/fast.pyx",
    f"{SITE}/own/include/own.h",
    f"{SITE}/onnxruntime/transformers/models.py",
    f"{SITE}/onnxruntime/capi/libonnxruntime.so.1.32.0",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (*STAYS, *GOES):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    return tmp_path


def _there(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    )


def test_what_serving_never_imports_goes(folder: Path) -> None:
    trim(folder)
    assert _there(folder) == sorted(STAYS)


def test_the_runtimes_library_stays_where_the_module_asks_for_it(folder: Path) -> None:
    module = folder / SITE / "onnxruntime/capi/onnxruntime_pybind11_state.cpython-311-x86_64-linux-gnu.so"
    module.write_bytes(b"\x7fELF NEEDED libonnxruntime.so.1\0")
    trim(folder)
    assert (folder / SITE / "onnxruntime/capi/libonnxruntime.so.1.32.0").is_file()


def test_modules_are_compiled_without_a_time_in_them(folder: Path) -> None:
    trim(folder)
    compiled = Path(importlib.util.cache_from_source(str(folder / SITE / "numpy/__init__.py")))
    # Bits of a compiled file's second word: by the source's digest, and not looked up again.
    assert compiled.read_bytes()[4] == 0b01


def test_everything_has_one_time(folder: Path) -> None:
    trim(folder)
    assert {path.stat().st_mtime for path in (folder, *folder.rglob("*"))} == {EPOCH}


def test_twice_is_as_once(folder: Path) -> None:
    trim(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    trim(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
