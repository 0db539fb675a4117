"""``modelpack inspect``: all the facts, and nothing of the model runs."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from tests.modelpack.cli.conftest import Verb
from tests.modelpack.flavors.audit import forge
from tests.modelpack.flavors.audit.test_nodes import attacks
from tests.modelpack.proved import proved
from tests.modelpack.small import Doubler, frame, saved


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("inspect") / "model", metadata={"team": "risk"})


def test_a_person_sees_all_there_is_to_know(verb: Verb, model: Path) -> None:
    told = verb("inspect", model)
    assert told.code == 0
    for fact in (
        f"path      {model}",
        "digest    sha256:",
        "by modelpack",
        "flavors   python_function, sklearn",
        "trust     nothing beyond the default",
        "requires  scikit-learn",
        "metadata  team: 'risk'",
        "input   age        double",
        "output  0          tensor int64 [-1]  yes",
        "model.skops",
    ):
        assert fact in told.out, fact


def test_a_program_gets_json(verb: Verb, model: Path) -> None:
    told = verb("inspect", model, "--json").json
    assert told["path"] == str(model)
    assert told["flavor"] == "sklearn"
    assert told["needs"] == []
    assert told["problems"] == []
    assert told["requirements"] == ["scikit-learn"]
    assert [one["name"] for one in told["signature"]["inputs"]] == ["age", "charges", "paperless"]
    assert told["signature"]["params"] is None
    assert told["files"]["model.skops"] == (model / "model.skops").stat().st_size
    assert told["document"]["metadata"]["team"] == "risk"


def test_params_and_words_of_trust_are_shown(verb: Verb, tmp_path: Path) -> None:
    path = saved(tmp_path / "model", model=Doubler(), input_example=(frame().head(1), {"plus": 2.5}))
    told = verb("inspect", path).out
    assert "trust     --trust pickle" in told
    assert "param   plus" in told
    assert "default 2.5" in told


def test_a_type_that_would_have_to_be_trusted_is_named(verb: Verb, tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(np.nan_to_num), LinearRegression()).fit(np.eye(2), [0, 1])
    path = saved(tmp_path / "model", model=model, input_example=np.eye(2))
    assert "trust     --trust numpy.nan_to_num" in verb("inspect", path).out


def test_a_model_of_mlflow_without_a_manifest_is_shown(verb: Verb, tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text(
        "flavors: {python_function: {loader_module: mlflow.pyfunc.model, python_model: m.pkl}}\n"
        "mlflow_version: 2.10.2\n"
    )
    told = verb("inspect", tmp_path).out
    assert "(computed now; there is no manifest)" in told
    assert "by MLflow 2.10.2" in told
    assert "python    not said" in told


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("flavors: {python_function: {loader_module: os}}", "no loader module 'os'"),
        ("flavors: {spark: {}}", "no flavor 'spark'"),
        ("flavors: {sklearn: {pickled_model: ../x, serialization_format: skops}}", "not the name of a file"),
    ],
)
def test_what_is_wrong_with_a_model_is_shown_beside_the_facts(
    document: str, said: str, verb: Verb, tmp_path: Path
) -> None:
    (tmp_path / "MLmodel").write_text(document)
    (tmp_path / "requirements.txt").write_text("-r /etc/passwd\n")
    told = verb("inspect", tmp_path)
    assert told.code == 0
    assert said in told.out
    assert "requirement '-r /etc/passwd'" in told.out
    assert "trust     not known" in told.out
    assert len(verb("inspect", tmp_path, "--json").json["problems"]) == 2


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return Path.touch, (self.canary,)


@pytest.mark.parametrize("verb_name", ["inspect", "verify", "register"])
def test_no_verb_that_tells_runs_a_model(
    verb_name: str, verb: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELPACK_TRUST", "pickle,code,pathlib.*,subprocess.*")
    canary = tmp_path / "canary"
    command = f"import pathlib; pathlib.Path({str(canary)!r}).touch()\n"
    documents = {
        "pickle": "flavors: {sklearn: {pickled_model: m, serialization_format: pickle}}",
        "python": "flavors: {python_function: "
        "{loader_module: mlflow.pyfunc.model, python_model: m, code: c}}",
        "loader": "flavors: {python_function: {loader_module: evil, data: m, code: c}}",
        "skops": "flavors: {sklearn: {pickled_model: m, serialization_format: skops}}",
        "yaml": "a: !!python/object/apply:pathlib.Path.touch [x]",
    }
    for name, document in documents.items():
        folder = tmp_path / name
        (folder / "c").mkdir(parents=True)
        (folder / "c" / "evil.py").write_text(command)
        (folder / "c" / "sitecustomize.py").write_text(command)
        (folder / "MLmodel").write_text(document)
        if name == "skops":
            forge.write(folder / "m", attacks(canary)["constructor"])
        else:
            (folder / "m").write_bytes(pickle.dumps(Evil(canary)))
        words = [verb_name, folder, *(["hostile"] if verb_name == "register" else [])]
        told = verb(*words)
        assert told.code in (0, 1)
        assert len(told.err.splitlines()) <= 1
    assert not canary.exists()


def test_what_is_certified_is_told(verb: Verb, tmp_path: Path) -> None:
    model = proved(tmp_path / "proved", certify={"rows": 200})
    assert "onnx      predict, predict_proba" in verb("inspect", model).out
    assert verb("inspect", model, "--json").json["certified"] == ["predict", "predict_proba"]
    assert verb("inspect", saved(tmp_path / "plain"), "--json").json["certified"] is None
