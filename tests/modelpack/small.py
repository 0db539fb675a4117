"""Small data and small fitted models, made once."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import modelpack


@functools.cache
def frame() -> pd.DataFrame:
    """Forty rows: a double, a float and a boolean."""
    random = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "age": random.uniform(18, 90, 40),
            "charges": random.uniform(10, 100, 40).astype(np.float32),
            "paperless": random.integers(0, 2, 40).astype(bool),
        }
    )


@functools.cache
def labels() -> np.ndarray:
    """Two classes."""
    return (frame()["age"] > 50).to_numpy().astype(np.int64)


@functools.cache
def pipeline() -> Pipeline:
    """Fitted on ``frame``."""
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(frame(), labels())


def saved(folder: Path, **options: Any) -> Path:
    """A model directory *folder* with ``pipeline`` in it; quick, because its requirements are given."""
    given: dict[str, Any] = {"input_example": frame().head(3), "requirements": ["scikit-learn"]} | options
    return modelpack.save(given.pop("model", pipeline()), folder, **given).path


class Doubler:
    """An object with ``predict``."""

    def __init__(self, factor: float = 2.0) -> None:
        self.factor = factor

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> np.ndarray:
        """Ages, times the factor, plus the param ``plus``."""
        plus = (params or {}).get("plus", 0.0)
        return np.asarray(model_input["age"] * self.factor + plus)
