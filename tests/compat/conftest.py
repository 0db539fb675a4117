"""A corpus written by real MLflow, made once a run."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.compat.real_mlflow import run_in_mlflow


@dataclass(frozen=True)
class Corpus:
    """Model directories below *folder*, what was *asked* of them, and what MLflow answered."""

    folder: Path
    asked: dict[str, Any]
    answers: dict[str, dict[str, Any]]

    def data(self, name: str) -> Any:
        """What MLflow was asked with the model *name*: a DataFrame, or an array of float64 [20, 2]."""
        frame = pd.DataFrame(**self.asked["columns"])
        if self.answers[name]["input"] == "tensor":
            return np.array(self.asked["tensor"])
        return frame[["charges"]] if name.startswith("pyfunc") else frame


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Written by MLflow in its own environment; the test is skipped, or fails, where that is not set up."""
    folder = tmp_path_factory.mktemp("written-by-mlflow")
    told = run_in_mlflow("write_models.py", folder, work=folder)
    (folder / "asked.json").write_text(json.dumps(told["asked"]))
    return Corpus(folder, told["asked"], told["answers"])
