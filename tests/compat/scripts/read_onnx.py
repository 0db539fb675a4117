"""Run by real MLflow's Python: ``mlflow.onnx.load_model`` on directories, and what their graphs answer.

Arguments: a folder with onnx and onnxruntime in it, and a JSON file of directories and arrays to ask them.
"""

import json
import sys
from pathlib import Path

# After MLflow's own: only what is missing there comes from here.
sys.path.append(sys.argv[1])

import mlflow.onnx
import numpy as np
import onnxruntime

told = {}
for place, rows in json.loads(Path(sys.argv[2]).read_text()).items():
    form = mlflow.onnx.load_model(place)
    flavor = mlflow.models.Model.load(place).flavors["onnx"]
    session = onnxruntime.InferenceSession(form.SerializeToString(), providers=flavor["providers"])
    answers = session.run(None, {"X": np.array(rows)})
    names = [one.name for one in session.get_outputs()]
    told[Path(place).name] = {
        "answers": {name: answer.tolist() for name, answer in zip(names, answers, strict=True)},
        "served": np.asarray(mlflow.pyfunc.load_model(place).predict(np.array(rows))).tolist(),
    }
print(json.dumps(told))
