"""Run by real MLflow's Python: writes the corpus of its version below the folder that is named.

``corpus.json`` beside the models says what each was asked and what this MLflow's pyfunc answered.
"""

import json
import sys
from pathlib import Path

import mlflow
from corpus import (
    catboost_models,
    lightgbm_models,
    onnx_models,
    python_models,
    sklearn_models,
    statsmodels_models,
    xgboost_models,
)

from tests.compat.reading import plain

FLAVORS = (
    sklearn_models,
    xgboost_models,
    lightgbm_models,
    catboost_models,
    onnx_models,
    statsmodels_models,
    python_models,
)

into = Path(sys.argv[1])


def answered(entry, place):
    """What MLflow answers; for what it cannot call, what the native model does."""
    if entry.predicts:
        return mlflow.pyfunc.load_model(place, suppress_warnings=True).predict(entry.data, entry.params)
    return mlflow.sklearn.load_model(place).transform(entry.data)


def written(entry):
    """What is told of *entry* once it is saved."""
    place = str(into / entry.name)
    entry.save(place)
    signature = mlflow.models.Model.load(place).signature
    return {
        "flavor": entry.flavor,
        "form": entry.form,
        "kind": entry.kind,
        "example": entry.example,
        "needs": list(entry.needs),
        "predicts": entry.predicts,
        "signature": signature and signature.to_dict(),
        "data": plain.encode(entry.data),
        "params": plain.encode(entry.params),
        "answer": plain.encode(answered(entry, place)),
    }


told = {entry.name: written(entry) for flavor in FLAVORS for entry in flavor.entries()}
marks = Path("marks")
left = sorted(mark.name for mark in marks.iterdir())
for mark in left:
    (marks / mark).unlink()
document = {"version": mlflow.__version__, "marks": left, "models": told}
(into / "corpus.json").write_text(json.dumps(document))
print(json.dumps({"models": len(told)}))
