"""BentoML: a service as its documentation writes one, for a ``dataframe_split`` body at ``/predict``."""

# Run by another environment's Python, whose libraries are not here.
# mypy: ignore-errors

import os
from typing import Any

import bentoml
import joblib
import pandas as pd


@bentoml.service(workers=int(os.environ["BENCHMARK_WORKERS"]))
class Scorer:
    def __init__(self) -> None:
        self.model = joblib.load(os.environ["BENCHMARK_MODEL"])

    @bentoml.api
    def predict(self, dataframe_split: dict[str, Any]) -> dict[str, Any]:
        frame = pd.DataFrame(dataframe_split["data"], columns=dataframe_split["columns"])
        return {"predictions": self.model.predict(frame).tolist()}
