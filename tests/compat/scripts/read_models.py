"""Run by real MLflow's Python: loads the directories named as arguments, prints what it sees and predicts."""

import json
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd

asked = json.loads(Path(sys.argv[1]).read_text())
seen = {}
for place in sys.argv[2:]:
    model = mlflow.pyfunc.load_model(place)
    name = Path(place).name
    frame = pd.DataFrame(**asked["columns"])
    data = frame if asked["input"][name] == "columns" else np.array(asked["tensor"])
    if asked["input"][name] == "charges":
        data = frame[["charges"]]
    signature = model.metadata.signature
    example = mlflow.models.Model.load(place).load_input_example(place)
    seen[name] = {
        "predictions": np.asarray(model.predict(data, params=asked.get("params", {}).get(name))).tolist(),
        "signature": signature.to_dict() if signature else None,
        "example_rows": None if example is None else len(example),
        "flavors": sorted(model.metadata.flavors),
        "requirements": mlflow.pyfunc.get_model_dependencies(place)
        and Path(place, "requirements.txt").read_text(),
    }
    if "sklearn" in model.metadata.flavors:
        native = mlflow.sklearn.load_model(place)
        seen[name]["native"] = np.asarray(native.predict(data)).tolist()
print(json.dumps(seen))
