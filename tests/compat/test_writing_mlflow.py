"""What is saved here loads in real MLflow: native flavor and pyfunc, signature, example, requirements."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

import modelpack
from tests.compat.real_mlflow import run_in_mlflow

pytestmark = pytest.mark.mlflow


def _frame() -> pd.DataFrame:
    random = np.random.default_rng(8)
    return pd.DataFrame({"age": random.uniform(18, 90, 120), "charges": random.uniform(10, 100, 120)})


def _add(model_input: pd.DataFrame, params: dict[str, float] | None = None) -> "pd.Series[float]":
    plus: float = (params or {}).get("plus", 1.0)
    charges: pd.Series[float] = model_input["charges"] + plus
    return charges


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Our models, what we say of them, and what MLflow sees in them."""
    folder = tmp_path_factory.mktemp("written-here")
    frame = _frame()
    numbers = frame.to_numpy()
    label = (frame["charges"] > 50).astype(int)
    forest = RandomForestClassifier(15, random_state=3)
    pipeline = make_pipeline(StandardScaler(), forest).fit(frame, label)
    boosted = HistGradientBoostingRegressor(max_iter=15).fit(numbers, frame["charges"])
    ordinal = make_pipeline(OrdinalEncoder(), StandardScaler()).fit(frame[["age"]])
    assert ordinal is not None
    charges = frame[["charges"]]
    signature = modelpack.infer_signature(frame, pipeline.predict(frame))
    with_params = modelpack.infer_signature(charges, charges["charges"], {"plus": 1.0})
    modelpack.save(pipeline, folder / "skops", signature=signature, input_example=frame.head(4))
    modelpack.save(pipeline, folder / "cloudpickle", signature=signature, format="cloudpickle")
    modelpack.save(pipeline, folder / "pickle", input_example=frame.head(2), format="pickle")
    modelpack.save(
        boosted, folder / "tensor", signature=modelpack.infer_signature(numbers, boosted.predict(numbers))
    )
    modelpack.save(
        _add, folder / "function", signature=with_params, input_example=(charges.head(2), {"plus": 2.0})
    )
    asked = {
        "columns": frame.head(10).to_dict(orient="split", index=False),
        "tensor": numbers[:10].tolist(),
        "input": {
            "skops": "columns",
            "cloudpickle": "columns",
            "pickle": "columns",
            "tensor": "tensor",
            "function": "charges",
        },
        "params": {"function": {"plus": 5.0}},
    }
    (folder / "asked.json").write_text(json.dumps(asked))
    names = list(asked["input"])
    seen = run_in_mlflow(
        "read_models.py", folder / "asked.json", *(folder / name for name in names), work=folder
    )
    exact = pd.DataFrame(**asked["columns"])
    here = {
        "skops": pipeline.predict(exact),
        "cloudpickle": pipeline.predict(exact),
        "pickle": pipeline.predict(exact),
        "tensor": boosted.predict(numbers[:10]),
        "function": exact["charges"] + 5.0,
    }
    return {
        "folder": folder,
        "seen": seen,
        "here": {name: np.asarray(one).tolist() for name, one in here.items()},
    }


NAMES = ["skops", "cloudpickle", "pickle", "tensor", "function"]


@pytest.mark.parametrize("name", NAMES)
def test_mlflow_predicts_the_same_with_what_was_saved_here(told: dict[str, Any], name: str) -> None:
    assert told["seen"][name]["predictions"] == told["here"][name]


@pytest.mark.parametrize("name", ["skops", "cloudpickle", "pickle", "tensor"])
def test_mlflow_gives_back_the_native_estimator(told: dict[str, Any], name: str) -> None:
    assert told["seen"][name]["native"] == told["here"][name]


@pytest.mark.parametrize("name", NAMES)
def test_mlflow_reads_the_signature_letter_by_letter(told: dict[str, Any], name: str) -> None:
    signature = modelpack.open_model(Path(told["folder"], name)).signature
    assert told["seen"][name]["signature"] == (signature.to_dict() if signature else None)


def test_mlflow_reads_the_input_example(told: dict[str, Any]) -> None:
    rows = {name: told["seen"][name]["example_rows"] for name in NAMES}
    assert rows["skops"] == 4
    assert rows["pickle"] == 2
    assert rows["cloudpickle"] is None


def test_requirements_name_what_runs_and_nothing_that_only_tests(told: dict[str, Any]) -> None:
    lines = told["seen"]["skops"]["requirements"].splitlines()
    names = {line.split("==")[0] for line in lines}
    assert {"scikit-learn", "skops", "numpy", "pandas"} <= names
    assert not names & {"pytest", "modelpack", "mlflow", "pip"}
    assert all("==" in line for line in lines)


def test_no_part_of_the_writers_machine_is_in_the_directory(told: dict[str, Any]) -> None:
    for name in ("skops", "tensor"):
        for path in Path(told["folder"], name).iterdir():
            assert os.fsencode(told["folder"]) not in path.read_bytes()
