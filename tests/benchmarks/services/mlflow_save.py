"""Saves a pipeline as MLflow does; run by MLflow's Python: mlflow_save.py MODEL.joblib ROWS.json FOLDER."""

# Run by another environment's Python, whose libraries are not here.
# mypy: ignore-errors

import json
import sys
from pathlib import Path

import joblib
import mlflow.sklearn
import pandas as pd
from mlflow.models import infer_signature

model_file, rows_file, folder = sys.argv[1:]
model = joblib.load(model_file)
split = json.loads(Path(rows_file).read_text())
rows = pd.DataFrame(split["data"], columns=split["columns"])
mlflow.sklearn.save_model(
    model,
    folder,
    signature=infer_signature(rows, model.predict(rows)),
    # Its default, skops, refuses trees until it is told of each of their types; what is served is the same.
    serialization_format="cloudpickle",
)
