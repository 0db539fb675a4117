"""Run by MLflow's Python: saves models from code to a folder, and asks ours; prints what was answered."""

import json
import sys
import warnings
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd

WITH_CONTEXT = """
import mlflow
from mlflow.models import ModelConfig, set_model

TIMES = ModelConfig(development_config={"times": 1.0}).get("times")


class Charges(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        with open(context.artifacts["offset"]) as file:
            self.offset = float(file.read())

    def predict(self, context, model_input, params=None):
        return model_input["charges"] * TIMES + self.offset + (params or {}).get("plus", 0.0)


set_model(Charges())
"""
FUNCTION = """
from mlflow.models import set_model
from {helper} import double


def charges(model_input):
    return double(model_input["charges"])


set_model(charges)
"""
WORDS = """
import mlflow


class Upper(mlflow.pyfunc.PythonModel):
    def predict(self, model_input: list[str]) -> list[str]:
        return [word.upper() for word in model_input]


mlflow.models.set_model(Upper())
"""


def save(into: Path, frame: pd.DataFrame) -> dict:
    """Save one model for each kind of script; what MLflow answers to each."""
    (into / "offset.txt").write_text("0.25")
    # Another name each time: two modules of one name do not fit into one process.
    helper = f"helper_of_{into.name}"
    (into / f"{helper}.py").write_text("def double(value):\n    return value * 2\n")
    sys.path.insert(0, str(into))
    for name, text in {"context": WITH_CONTEXT, "function": FUNCTION, "words": WORDS}.items():
        (into / f"{name}.py").write_text(text.replace("{helper}", helper))
    signature = mlflow.models.infer_signature(frame, frame["charges"], {"plus": 1.0})
    plain = {"pip_requirements": ["pandas"]}
    mlflow.pyfunc.save_model(
        into / "by_context",
        python_model=str(into / "context.py"),
        artifacts={"offset": str(into / "offset.txt")},
        model_config={"times": 3.0},
        signature=signature,
        **plain,
    )
    mlflow.pyfunc.save_model(
        into / "by_function",
        python_model=str(into / "function.py"),
        code_paths=[str(into / f"{helper}.py")],
        input_example=frame,
        **plain,
    )
    mlflow.pyfunc.save_model(
        into / "by_words", python_model=str(into / "words.py"), input_example=["a"], **plain
    )
    return {
        name: ask(into / name, data, params)
        for name, data, params in (
            ("by_context", frame, {"plus": 2.0}),
            ("by_function", frame, None),
            ("by_words", ["a", "b"], None),
        )
    }


def ask(path: Path, data, params=None) -> list:
    """What MLflow's pyfunc answers."""
    return np.asarray(mlflow.pyfunc.load_model(str(path)).predict(data, params=params)).tolist()


def main() -> None:
    warnings.simplefilter("ignore")
    into, ours = Path(sys.argv[1]), Path(sys.argv[2])
    frame = pd.DataFrame({"charges": [0.5, 1.25, 2.0]})
    there = save(into, frame)
    asked = json.loads((ours / "asked.json").read_text())
    here = {
        name: ask(
            ours / name, pd.DataFrame(**one["frame"]) if "frame" in one else one["list"], one.get("params")
        )
        for name, one in asked.items()
    }
    print(json.dumps({"there": there, "here": here}))


main()
