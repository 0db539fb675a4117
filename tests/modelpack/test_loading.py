"""A reference in, a model out; and nothing runs that was not allowed."""

import bz2
import gzip
import lzma
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelpack
from modelpack import Trust
from modelpack.errors import DamagedModel, InvalidModel, NotFound, Untrusted
from modelpack.flavors import skopsfile
from tests.modelpack.small import frame, pipeline, saved

PICKLES_ALLOWED = "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("loading") / "model")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a policy, and no variables."""
    for name in (
        "MODELPACK_TRUST",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION",
        "MLFLOW_ALLOW_MODEL_CODE_EXECUTION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.mark.parametrize("form", [str, Path, lambda path: f"file://{path}"])
def test_a_model_loads_from_a_reference_of_any_form(form: Any, model: Path) -> None:
    assert modelpack.open_model(form(model)).path == model
    assert modelpack.load(form(model), trust=Trust()).steps[0][0] == "standardscaler"
    predictor = modelpack.load_predictor(form(model), trust=Trust())
    np.testing.assert_array_equal(predictor.predict(frame()), pipeline().predict(frame()))
    assert (predictor.flavor, predictor.engine) == ("sklearn", "native")


def test_where_there_is_nothing_nothing_is_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        modelpack.load(tmp_path / "absent")


def test_damage_is_found_before_any_model_file_is_read(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = model / "model.skops"
    content = path.read_bytes()
    monkeypatch.setattr(skopsfile, "load", lambda path, trust: pytest.fail("the model file was read"))
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        for load in (modelpack.load, modelpack.load_predictor):
            with pytest.raises(DamagedModel, match=r"model\.skops is changed"):
                load(model, trust=Trust(pickle=True, code=True))
    finally:
        path.write_bytes(content)


def test_an_extra_file_is_found_too(model: Path) -> None:
    (model / "extra.py").write_text("")
    try:
        with pytest.raises(DamagedModel, match=r"extra\.py is extra"):
            modelpack.load(model, trust=Trust())
    finally:
        (model / "extra.py").unlink()


@pytest.mark.usefixtures("home")
def test_without_a_word_the_operators_own_policy_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "model", format="pickle")
    with pytest.raises(Untrusted):
        modelpack.load(path)
    monkeypatch.setenv("MODELPACK_TRUST", "pickle")
    assert modelpack.load(path) is not None
    monkeypatch.setenv(PICKLES_ALLOWED, "false")
    with pytest.raises(Untrusted):
        modelpack.load(path)


def test_a_policy_file_counts(tmp_path: Path, home: Path) -> None:
    path = saved(tmp_path / "model", format="pickle")
    (home / "trust.toml").write_text("pickle = true\n")
    (home / "trust.toml").chmod(0o600)
    assert modelpack.load(path) is not None


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return Path.touch, (self.canary,)


def hostile(folder: Path, name: str, content: bytes, document: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    (folder / "MLmodel").write_text(document)
    return folder


PYFUNC = "flavors: {python_function: {loader_module: %s, model_path: %s, python_model: %s%s}}\n"


def hostile_folders(folder: Path) -> dict[str, Path]:
    """Every kind of folder that would run a command, if loading it could."""
    canary = folder / "canary"
    evil = pickle.dumps(Evil(canary))
    module = f"from pathlib import Path\nPath({str(canary)!r}).touch()\n".encode()
    sklearn = (
        "flavors: {sklearn: {pickled_model: m, serialization_format: %s, skops_trusted_types: "
        "[pathlib.Path.touch]}, python_function: {loader_module: mlflow.sklearn, model_path: m}}\n"
    )
    pyfunc = "mlflow.pyfunc.model"
    made = {
        "pickle": hostile(folder / "a", "m", evil, sklearn % "pickle"),
        "cloudpickle": hostile(folder / "b", "m", evil, sklearn % "cloudpickle"),
        "pickle called skops": hostile(folder / "c", "m", evil, sklearn % "skops"),
        "no format": hostile(folder / "d", "m", evil, PYFUNC % ("mlflow.sklearn", "m", "m", "")),
        "python model": hostile(folder / "e", "m.pkl", evil, PYFUNC % (pyfunc, "x", "m.pkl", "")),
        "loader module": hostile(folder / "f", "evil.py", module, PYFUNC % ("evil", "m", "m", ", code: .")),
        "code": hostile(
            folder / "g", "evil.py", module, PYFUNC % ("evil", "m", "m", ", code: '.', data: ../../x")
        ),
        "code of a known loader": hostile(
            folder / "h", "sklearn.py", module, PYFUNC % ("mlflow.sklearn", "m", "m", ", code: .")
        ),
        "yaml": hostile(folder / "i", "m", evil, f"a: !!python/object/apply:pathlib.Path.touch [{canary}]\n"),
    }
    for name, pack in (("gzip", gzip.compress), ("bzip2", bz2.compress), ("lzma", lzma.compress)):
        extra = f", python_model_compression: {name}"
        made[name] = hostile(folder / name, "m.pkl", pack(evil), PYFUNC % (pyfunc, "x", "m.pkl", extra))
    return made


KINDS = [
    "pickle",
    "cloudpickle",
    "pickle called skops",
    "no format",
    "python model",
    "loader module",
    "code",
    "code of a known loader",
    "yaml",
    "gzip",
    "bzip2",
    "lzma",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_folder_runs_nothing(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folders = hostile_folders(tmp_path)
    assert set(folders) == set(KINDS)
    for load in (modelpack.load, modelpack.load_predictor):
        with pytest.raises((Untrusted, InvalidModel, NotFound)) as met:
            load(folders[kind], trust=Trust())
        assert len(str(met.value)) <= 400
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "kind", ["pickle", "cloudpickle", "no format", "python model", "gzip", "bzip2", "lzma"]
)
def test_the_attacks_are_live_once_pickles_are_trusted(kind: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidModel):
        modelpack.load_predictor(hostile_folders(tmp_path)[kind], trust=Trust(pickle=True))
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize("word", ["code: /etc", "code: ../code", "code: 3", "code: absent"])
def test_code_outside_the_folder_is_refused_even_when_trusted(word: str, tmp_path: Path) -> None:
    folder = hostile(tmp_path / "m", "m", b"", PYFUNC % ("mlflow.pyfunc.model", "m", "m", f", {word}"))
    with pytest.raises(InvalidModel):
        modelpack.load(folder, trust=Trust(pickle=True, code=True))


def test_a_model_that_anyone_may_write_is_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = saved(tmp_path / "model")
    modelpack.load(path, trust=Trust())
    assert caplog.records == []
    path.chmod(0o777)
    modelpack.load(path, trust=Trust())
    assert [record.getMessage() for record in caplog.records] == ["model can be changed by other users"]


def test_the_process_environment_is_read_only_when_nothing_is_said(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELPACK_TRUST", "not a word")
    assert modelpack.load(model, trust=Trust()) is not None
    assert os.environ["MODELPACK_TRUST"] == "not a word"
