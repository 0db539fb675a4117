"""Pickle files: told without running, run when trusted."""

import bz2
import gzip
import io
import lzma
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from modelpack.errors import InvalidModel, MissingDependency, NotFound
from modelpack.flavors import pickles
from modelpack.flavors.pickles import Global
from tests.modelpack.small import Doubler


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return Path.touch, (self.canary,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_all_that_a_pickle_imports_is_told_and_nothing_is_run(protocol: int, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    text = pickle.dumps([LinearRegression().fit(np.eye(2), [1, 2]), Evil(canary), print], protocol=protocol)
    found = pickles.scan(io.BytesIO(text))
    modules = {one.module for one in found}
    assert {"sklearn.linear_model._base", "pathlib"} <= modules
    assert any(one.name == "print" for one in found)
    assert not canary.exists()
    pickle.loads(text)
    assert canary.exists()


def test_modules_that_code_refers_to_are_told_too() -> None:
    def function(rows: Any) -> Any:
        return np.asarray(rows)

    function.__module__ = "__main__"
    found = pickles.scan(io.BytesIO(cloudpickle.dumps(function)))
    assert Global("numpy", "*") in found
    assert pickles.CODE_INSIDE in {one.module for one in found}


@pytest.mark.parametrize(
    "text", [b"", b"hello", b"\x80", b"PK\x03\x04", b"\x80\x05\x95\xff", b"(((((", b"\xff" * 50]
)
def test_what_is_no_pickle_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidModel, match="no pickle"):
        pickles.scan(io.BytesIO(text))


@pytest.mark.parametrize(
    ("compression", "open_"), [(None, open), ("gzip", gzip.open), ("bzip2", bz2.open), ("lzma", lzma.open)]
)
def test_compressed_pickles_are_read(compression: str | None, open_: Any, tmp_path: Path) -> None:
    path = tmp_path / "model"
    with open_(path, "wb") as file:
        pickle.dump(LinearRegression(), file)
    assert type(pickles.load(path, compression)) is LinearRegression
    assert "sklearn.linear_model._base" in pickles.modules(path, compression)


def test_an_unknown_compression_says_which_are_known(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no compression 'gz'"):
        pickles.load(tmp_path / "model", "gz")


def test_a_library_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"cabsent_library.part\nThing\n.")
    with pytest.raises(
        MissingDependency, match="needs absent_library, which is not installed: pip install absent_lib"
    ):
        pickles.load(path)


@pytest.mark.parametrize("text", [b"", b"cos\nabsent\n.", b"hello", b"cbuiltins\nint\n(Vx\ntR."])
def test_what_cannot_be_unpickled_is_said_to_be(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(text)
    with pytest.raises(InvalidModel, match=r"model\.pkl cannot be unpickled"):
        pickles.load(path)


def test_code_of_a_module_that_is_not_installed_travels_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    pickles.dump(Doubler(3.0), path)
    assert Doubler.__module__ not in pickles.modules(path)
    elsewhere = subprocess.run(
        [sys.executable, "-c", f"import pickle; print(pickle.load(open({str(path)!r}, 'rb')).factor)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert elsewhere.stdout == "3.0\n", elsewhere.stderr
    pickles.dump(Doubler(3.0), path, left_alone=["tests"])
    assert Doubler.__module__ in pickles.modules(path)
    assert Doubler.__module__ not in cloudpickle.list_registry_pickle_by_value()


@pytest.mark.parametrize(
    ("module", "local"),
    [
        ("tests.modelpack.small", True),
        ("sklearn.base", False),
        ("json", False),
        ("builtins", False),
        ("modelpack.files", False),
        ("__main__", False),
        ("absent_module", False),
    ],
)
def test_a_module_of_ones_own_is_told_from_installed_ones(module: str, local: bool) -> None:
    assert module in sys.modules or module == "absent_module"
    assert pickles.is_local(module) is local


@pytest.mark.parametrize("library", [pickle, cloudpickle])
def test_what_cannot_be_pickled_is_said_to_be(library: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match=r"list cannot be written by (cloud)?pickle"):
        pickles.write_with(library, [(number for number in [1])], tmp_path / "model.pkl")
