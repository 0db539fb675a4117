"""Makes a virtual environment smaller and the same each time; runs inside a build, on the library alone.

usage: trim.py FOLDER

What goes is never imported while a model is served: tests of the large packages, sources and headers of
compiled modules, type stubs, converters of ONNX Runtime and the copy of its library that is for other
programs. The rest is compiled, so that a container with a read-only disk starts as quickly as any other.
All files get one time: two builds of one plan then make the same layer.
"""

import compileall
import os
import shutil
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

SOURCES = frozenset({".pyi", ".pyx", ".pxd", ".pxi", ".c", ".cpp", ".h", ".hpp", ".a"})
"""Suffixes of what a compiler or a type checker reads."""

TESTED = ("numpy", "scipy", "sklearn", "pandas", "joblib", "skops", "onnxruntime", "pyarrow")
"""Packages whose folders called ``tests`` or ``test`` are known to be tests and nothing else."""

UNUSED = (
    "onnxruntime/datasets",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
)

EPOCH = 315532800
"""The first second of 1980, the oldest that every archive can write."""


def trim(folder: Path) -> int:
    """Trim the environment *folder*; answers how many bytes went before compiling."""
    before = size(folder)
    for site in sorted(folder.glob("lib/python*/site-packages")):
        for name in UNUSED:
            shutil.rmtree(site / name, ignore_errors=True)
        for name in TESTED:
            for tests in sorted((site / name).rglob("test*"), reverse=True):
                if tests.name in ("test", "tests") and tests.is_dir():
                    shutil.rmtree(tests)
        for path in sorted(site.rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                path.unlink()
        _drop_second_runtime(site / "onnxruntime" / "capi")
    for cache in sorted(folder.rglob("__pycache__"), reverse=True):
        shutil.rmtree(cache)
    gone = before - size(folder)
    compileall.compile_dir(folder, quiet=2, workers=0, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)
    return gone


def _drop_second_runtime(capi: Path) -> None:
    """Remove ``libonnxruntime.so.N``, unless the module for Python asks for it: it holds all that itself."""
    modules = [path.read_bytes() for path in capi.glob("onnxruntime_pybind11_state*.so")]
    if modules and not any(b"libonnxruntime.so" in module for module in modules):
        for library in capi.glob("libonnxruntime.so*"):
            library.unlink()


def size(folder: Path) -> int:
    """Bytes of the files below *folder*."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


if __name__ == "__main__":
    print(f"trimmed by {trim(Path(sys.argv[1])) >> 20} MiB")  # noqa: T201 - the build's log shows it
