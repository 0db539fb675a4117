"""Small models with a second form that is certified, made once."""

import functools
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import modelpack
from tests.modelpack.onnx.data import mixed

FEW: dict[str, int] = {"rows": 600, "seed": 5}
"""Rows that are compared where the comparison is not the subject."""


@functools.cache
def customers() -> pd.DataFrame:
    """Text, a flag and whole numbers."""
    return mixed()[0].drop(columns="spent").assign(visits=lambda data: data["visits"].astype(float))


@functools.cache
def forest() -> Pipeline:
    """Fitted on ``customers``: encoded text, scaled numbers, trees."""
    before = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city", "plan"]),
        (StandardScaler(), ["visits"]),
        remainder="passthrough",
    )
    trees = RandomForestClassifier(10, max_depth=5, random_state=0)
    return make_pipeline(before, trees).fit(customers(), mixed()[1])


def proved(folder: Path, **options: Any) -> Path:
    """A model directory *folder* with ``forest`` in both forms."""
    given: dict[str, Any] = {
        "input_example": customers().head(4),
        "requirements": ["scikit-learn"],
        "certify": FEW,
    } | options
    return modelpack.save(given.pop("model", forest()), folder, **given).path
