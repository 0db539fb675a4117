"""Models from code, both ways: what MLflow wrote is read here, and what was written here MLflow reads."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import modelpack
from modelpack.errors import Untrusted
from modelpack.trust import Trust
from tests.compat.real_mlflow import NEWEST, run_in_mlflow

pytestmark = pytest.mark.mlflow

VERSIONS = (NEWEST, "2.22")
FRAME = pd.DataFrame({"charges": [0.5, 1.25, 2.0]})
OURS = """
import modelpack
from helper_of_modelpack import double


class Charges:
    def load_context(self, context):
        with open(context.artifacts["offset"]) as file:
            self.offset = float(file.read())
        self.times = context.model_config["times"]

    def predict(self, model_input, params=None):
        return double(model_input["charges"]) * self.times + self.offset + (params or {}).get("plus", 0.0)


modelpack.set_model(Charges())
"""
FUNCTION = """
from modelpack import set_model


def upper(model_input: list[str]):
    return [word.upper() for word in model_input]


set_model(upper)
"""
THEIRS = """
import mlflow


class Charges(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["charges"] + context.model_config["times"]


mlflow.models.set_model(Charges())
"""


class Reader:
    """An object that is pickled, and reads a file when it is loaded."""

    offset: float

    def load_context(self, context: Any) -> None:
        """Read it."""
        with open(context.artifacts["offset"]) as file:  # noqa: PTH123 - it runs where nothing is imported
            self.offset = float(file.read()) * context.model_config["times"]

    def predict(self, context: Any, model_input: Any) -> Any:
        """Charges and the offset."""
        return model_input["charges"] + self.offset


@dataclass(frozen=True)
class Told:
    """What MLflow saved *at*, what it answers *there*, and to our models (*seen*); what we say (*here*)."""

    at: Path
    there: dict[str, Any]
    seen: dict[str, Any]
    here: dict[str, Any]


@pytest.fixture(scope="module")
def by_version(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """Each version runs once, both at the same time."""
    ours = tmp_path_factory.mktemp("ours")
    (ours / "offset.txt").write_text("0.25")
    (ours / "helper_of_modelpack.py").write_text("def double(value):\n    return value * 2\n")
    for name, text in {"object": OURS, "function": FUNCTION, "mlflow": THEIRS}.items():
        (ours / f"{name}.py").write_text(text)
    plain: dict[str, Any] = {"requirements": ["pandas"]}
    context: dict[str, Any] = {"artifacts": {"offset": ours / "offset.txt"}, "model_config": {"times": 3.0}}
    signature = modelpack.infer_signature(FRAME, FRAME["charges"], {"plus": 1.0})
    modelpack.save(
        ours / "object.py",
        ours / "by_object",
        code_paths=[ours / "helper_of_modelpack.py"],
        signature=signature,
        input_example=(FRAME, {"plus": 5.0}),
        **context,
        **plain,
    )
    modelpack.save(ours / "function.py", ours / "by_function", input_example=["a"], **plain)
    modelpack.save(
        ours / "mlflow.py", ours / "by_mlflow", input_example=FRAME, model_config={"times": 3.0}, **plain
    )
    modelpack.save(Reader(), ours / "pickled", input_example=FRAME, **context, **plain)
    asked: dict[str, Any] = {
        "by_object": {"frame": FRAME.to_dict("split", index=False), "params": {"plus": 2.0}},
        "by_function": {"list": ["a", "b"]},
        "by_mlflow": {"frame": FRAME.to_dict("split", index=False)},
        "pickled": {"frame": FRAME.to_dict("split", index=False)},
    }
    (ours / "asked.json").write_text(json.dumps(asked))
    here = {
        "by_object": FRAME["charges"] * 6 + 2.25,
        "by_function": ["A", "B"],
        "by_mlflow": FRAME["charges"] + 3,
        "pickled": FRAME["charges"] + 0.75,
    }

    def run(version: str) -> Told:
        theirs = tmp_path_factory.mktemp("theirs")
        answers = run_in_mlflow("models_from_code.py", theirs, ours, work=theirs, version=version)
        return Told(theirs, answers["there"], answers["here"], here)

    with ThreadPoolExecutor(len(VERSIONS)) as pool:
        found = dict(zip(VERSIONS, pool.map(run, VERSIONS), strict=True))
    assert all(modelpack.open_model(ours / name).findings() == [] for name in asked)
    return found


@pytest.fixture(params=VERSIONS)
def told(request: pytest.FixtureRequest, by_version: dict[str, Told]) -> Told:
    """By one version."""
    return by_version[request.param]


@pytest.mark.parametrize("name", ["by_object", "by_function", "by_mlflow", "pickled"])
def test_mlflow_runs_what_was_saved_here(name: str, told: Told) -> None:
    assert told.seen[name] == np.asarray(told.here[name]).tolist()


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("by_context", (FRAME, {"plus": 2.0})),
        ("by_function", (FRAME, None)),
        ("by_words", (["a", "b"], None)),
    ],
)
def test_what_mlflow_saved_runs_here(name: str, asked: tuple[Any, Any], told: Told) -> None:
    with pytest.raises(Untrusted, match="--trust code"):
        modelpack.load_predictor(told.at / name)
    predictor = modelpack.load_predictor(told.at / name, trust=Trust(code=True))
    assert np.asarray(predictor.predict(*asked)).tolist() == told.there[name]
