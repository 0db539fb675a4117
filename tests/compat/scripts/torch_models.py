"""Run by MLflow's Python: saves modules of torch to a folder, and asks ours; prints what was answered."""

import json
import sys
import warnings
from pathlib import Path

sys.path.append(sys.argv[1])
warnings.simplefilter("ignore")

import mlflow  # noqa: E402 - torch had to be found first
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import torch  # noqa: E402


class Theirs(torch.nn.Module):
    """Four numbers to two."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(4, 6)
        self.drop = torch.nn.Dropout(0.5)
        self.last = torch.nn.Linear(6, 2)

    def forward(self, x):
        return torch.softmax(self.last(self.drop(torch.relu(self.first(x)))), -1)


def save(into, rows, frame):
    """Save it in each way that this version has; what MLflow answers to each."""
    torch.manual_seed(3)
    model = Theirs().eval()
    ways = {"pickled": rows, "columns": frame}
    newer = {"serialization_format": "pickle"} if mlflow.__version__.startswith("3.") else {}
    plain = {"pip_requirements": ["torch"]}
    mlflow.pytorch.save_model(model, into / "pickled", input_example=rows, **plain, **newer)
    mlflow.pytorch.save_model(model, into / "columns", input_example=frame, **plain, **newer)
    traced = torch.jit.trace(model, torch.from_numpy(rows))
    mlflow.pytorch.save_model(traced, into / "scripted", **plain, **newer)
    ways["scripted"] = rows
    if newer:
        mlflow.pytorch.save_model(model, into / "program", input_example=rows, **plain)
        ways["program"] = rows
        # With tensors as example MLflow writes no pyfunc.
        signature = mlflow.models.infer_signature(rows, np.zeros((1, 2), np.float32))
        mlflow.pytorch.save_model(
            model, into / "native", input_example=torch.from_numpy(rows), signature=signature, **plain
        )
    told = {name: ask(into / name, data) for name, data in ways.items()}
    if newer:
        told["native"] = mlflow.pytorch.load_model(str(into / "native"))(torch.from_numpy(rows)).tolist()
    return told


def ask(path, data):
    """What MLflow's pyfunc answers."""
    return np.asarray(mlflow.pyfunc.load_model(str(path)).predict(data)).tolist()


def main():
    into, ours = Path(sys.argv[2]), Path(sys.argv[3])
    asked = json.loads((into / "asked.json").read_text())
    rows = np.array(asked["rows"], np.float32)
    frame = pd.DataFrame(rows.astype(np.float64), columns=list("abcd"))
    here = {}
    for name, kind in asked["models"].items():
        module = mlflow.pytorch.load_model(str(ours / name))
        with torch.no_grad():
            native = module(torch.from_numpy(rows)).tolist()
        here[name] = {"native": native, "pyfunc": ask(ours / name, frame if kind == "columns" else rows)}
    print(json.dumps({"there": save(into, rows, frame), "here": here}))


main()
