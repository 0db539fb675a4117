"""What is saved here loads in real MLflow: native flavor and pyfunc, signature, example, requirements."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelpack
from modelpack.directory import environment
from modelpack.predictor import Predictor
from modelpack.trust import Trust
from tests.compat.reading.plain import decode, encode
from tests.compat.real_mlflow import run_in_mlflow
from tests.compat.writing import native
from tests.compat.writing.conftest import SavedHere
from tests.compat.writing.subjects import FOUND_OUT

pytestmark = pytest.mark.mlflow

TRUST = Trust(pickle=True)
VERSIONS = ["3.17", "2.22"]
NAMES = {
    "sklearn": [
        "skops-columns", "cloudpickle-columns", "pickle-columns", "skops-tensor", "cloudpickle-tensor",
        "skops-none", "pickle-none", "skops-lightgbm", "cloudpickle-xgboost",
    ],
    "xgboost": [
        "booster-ubj-columns", "booster-json-tensor", "booster-ubj-params", "classifier-ubj-columns",
        "classifier-json-params", "regressor-json-tensor", "forest-ubj-none", "ranker-ubj-columns",
    ],
    "lightgbm": [
        "booster-text-columns", "booster-text-tensor", "booster-text-none", "classifier-skops-columns",
        "classifier-cloudpickle-columns", "regressor-pickle-tensor", "regressor-cloudpickle-none",
    ],
    "catboost": [
        "classifier-cbm-columns", "regressor-json-tensor", "plain-cbm-columns", "regressor-cbm-none",
        "ranker-cbm-columns",
    ],
    "statsmodels": [
        "least-pickle-columns", "formula-pickle-columns", "general-pickle-tensor", "least-pickle-none",
        "series-pickle-columns",
    ],
    "onnx": [
        "one-tensor", "external-tensor", "one-columns", "one-none", "one-tensors", "external-columns",
    ],
    "python": [
        "function-columns", "function-gaps", "function-deep", "function-params", "function-none",
        "function-tensor", "object-tensors", "object-columns", "class-params", "class-columns",
    ],
    "certified": ["sklearn-skops", "sklearn-pickle", "xgboost", "lightgbm", "catboost"],
}  # fmt: skip
ALL = [f"{flavor}-{name}" for flavor, names in NAMES.items() for name in names]
"""Fitted in the fixture alone: each process of the suite collects this module."""

CERTIFIED = [f"certified-{name}" for name in NAMES["certified"]]
UNKNOWN = {name for name in ALL if "-skops" in name}
"""Written by skops, which MLflow 2 does not know."""

RUNS = {
    "sklearn": ["scikit-learn"],
    "xgboost": ["xgboost-cpu"],
    "statsmodels": ["statsmodels", "pandas"],
    "onnx": ["onnx", "onnxruntime"],
    "python": ["pandas"],
    "lightgbm": ["lightgbm"],
    "catboost": ["catboost", "pandas"],
}
ROUNDED = ("2.22", "statsmodels-formula-pickle-columns")
"""pandas 2 lays the matrix of a formula out in another order, so that the last bit of some sums differs."""

READ = [
    pytest.param(version, name, id=f"{version}-{name}")
    for version in VERSIONS
    for name in ALL
    if version != "2.22" or name not in UNKNOWN
]


@dataclass(frozen=True)
class Told:
    """The models that are *saved*, by name, and what each version of MLflow has *seen* in them."""

    saved: SavedHere
    seen: dict[str, dict[str, Any]]

    @property
    def folder(self) -> Path:
        """Where each lies under its name."""
        return self.saved.folder

    def data(self, name: str) -> Any:
        """What both sides are asked, as it is after the way that it takes."""
        return decode(encode(self.saved.subjects[name].data))

    def predictor(self, name: str) -> Predictor:
        """The model here, never by its ONNX form."""
        return modelpack.load_predictor(self.folder / name, engine="native", trust=TRUST)


@pytest.fixture(scope="module")
def told(saved_here: SavedHere) -> Told:
    """Everything, read by one process of each MLflow."""
    asked = {
        name: {"data": encode(one.data), "params": encode(one.params)}
        for name, one in saved_here.subjects.items()
    }
    (saved_here.folder / "asked.json").write_text(json.dumps(asked))

    def read(version: str) -> Any:
        return run_in_mlflow("read_models.py", saved_here.folder, work=saved_here.folder, version=version)

    with ThreadPoolExecutor(2) as pool:
        return Told(saved_here, dict(zip(VERSIONS, pool.map(read, VERSIONS), strict=True)))


def test_every_model_that_is_made_is_asked(told: Told) -> None:
    assert [*told.saved.subjects] == ALL
    assert {name for name, one in told.saved.subjects.items() if one.since == "3.17"} == UNKNOWN


@pytest.mark.parametrize(("version", "name"), READ)
def test_mlflow_predicts_the_same_with_what_was_saved_here(told: Told, version: str, name: str) -> None:
    params = told.saved.subjects[name].params
    here = told.predictor(name).predict(told.data(name), dict(params) if params else None)
    assert same(told.seen[version][name]["predicted"], here, version, name)


@pytest.mark.parametrize(("version", "name"), READ)
def test_mlflows_own_loader_gives_back_the_model(told: Told, version: str, name: str) -> None:
    seen = told.seen[version][name]["native"]
    assert set(seen) == set(modelpack.open_model(told.folder / name).document.flavors) - {"python_function"}
    model = modelpack.load(told.folder / name, trust=TRUST)
    for flavor in set(seen) - ({"onnx"} if name in CERTIFIED else set()):
        assert seen[flavor]["class"] == type(model).__name__
        assert same(seen[flavor]["answer"], native.ask(flavor, model, told.data(name)), version, name)


@pytest.mark.parametrize("name", CERTIFIED)
@pytest.mark.parametrize("version", VERSIONS)
def test_mlflow_loads_the_certified_form_too(told: Told, version: str, name: str) -> None:
    seen = told.seen[version][name]["native"]["onnx"]
    answers = decode(seen["answer"])
    assert seen["class"] == "ModelProto"
    assert "predict" in answers
    for method, answer in answers.items():
        form = modelpack.load_predictor(told.folder / name, engine="onnx", method=method)
        here = np.asarray(form.predict(told.data(name)))
        assert np.array_equal(answer.reshape(here.shape), here)


@pytest.mark.parametrize(("version", "name"), READ)
def test_mlflow_reads_the_signature_letter_by_letter(told: Told, version: str, name: str) -> None:
    signature = modelpack.open_model(told.folder / name).signature
    assert (signature is None) == name.endswith("-none")
    assert told.seen[version][name]["signature"] == (signature.to_dict() if signature else None)


@pytest.mark.parametrize(("version", "name"), READ)
def test_mlflow_reads_the_example_and_predicts_with_it(told: Told, version: str, name: str) -> None:
    seen = told.seen[version][name]["example"]
    view = modelpack.open_model(told.folder / name)
    assert (seen is None) == (not told.saved.subjects[name].example)
    if seen is None:
        return
    given = view.example()
    data, params = given if isinstance(given, tuple) else (given, None)
    here = told.predictor(name).predict(data, params)
    assert bare(seen["value"]) == bare(encode(data))
    assert same(seen["predicted"], here, version, name)
    assert same(seen["served"], here, version, name)


@pytest.mark.parametrize(("version", "name"), READ)
def test_mlflow_would_install_what_the_model_says(told: Told, version: str, name: str) -> None:
    seen = told.seen[version][name]["requirements"]
    assert seen["in_conda"]
    assert tuple(seen["pip"]) == environment.read(told.folder / name).requirements


@pytest.mark.parametrize("name", sorted(FOUND_OUT))
def test_requirements_name_what_runs_and_nothing_that_only_tests(told: Told, name: str) -> None:
    lines = told.seen["3.17"][name]["requirements"]["pip"]
    names = {line.split("==")[0] for line in lines}
    assert {"numpy", *RUNS[name.split("-")[1 if name.startswith("certified") else 0]]} <= names
    assert not names & {"pytest", "modelpack", "mlflow", "pip"}
    assert all("==" in line for line in lines)


@pytest.mark.parametrize("name", sorted(UNKNOWN))
def test_what_skops_wrote_is_refused_by_mlflow_2(told: Told, name: str) -> None:
    # Of LightGBM's estimators MLflow 2 asks no format, and takes each file for a pickle.
    said = "persistent_load" if name.startswith("lightgbm") else "Unrecognized serialization format: skops"
    assert said in told.seen["2.22"][name]["error"]


def test_no_part_of_the_writers_machine_is_in_the_directories(told: Told) -> None:
    for name in ALL:
        for path in told.folder.joinpath(name).rglob("*"):
            assert path.is_dir() or os.fsencode(told.folder) not in path.read_bytes(), path


def same(seen: Any, here: Any, version: str, name: str) -> bool:
    """Whether MLflow has *seen* the very values that are *here*, of the same types."""
    if (version, name) != ROUNDED:
        return bool(seen == encode(here))
    return bool(np.allclose(decode(seen), here, rtol=4e-16, atol=0))


def bare(form: Any) -> Any:
    """*form* with numpy's numbers inside cells as Python's: MLflow gives one, and we the other."""
    if isinstance(form, list):
        return [bare(one) for one in form]
    if not isinstance(form, dict):
        return form
    return form["scalar"]["array"][0] if "scalar" in form else {key: bare(one) for key, one in form.items()}
