"""Plans, locks and models that several tests of images ask for."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import modelpack
from serving.images.lock import Lock
from serving.images.plan import ImagePlan

NAME = "churn-prediction-model"
PRODUCTION = f"models:/{NAME}/Production"
DIGEST = "sha256:" + "cd" * 32
LOCK = Lock.parse(f"numpy==2.4.6 \\\n    --hash=sha256:{'a' * 64} \\\n    --hash=sha256:{'b' * 64}\n")


def plan(**changes: Any) -> ImagePlan:
    """The plan of the guide's image, with *changes*; its lock is as small as one can be."""
    given: dict[str, Any] = {
        "base": "python:3.11-slim",
        "python": "3.11",
        "platform": "linux/amd64",
        "engine": "onnx",
        "reference": PRODUCTION,
        "name": NAME,
        "version": "3",
        "digest": DIGEST,
        "created": "2026-11-20T09:30:00+00:00",
        "known": (f"models:/{NAME}/3", PRODUCTION),
        "lock": LOCK,
    }
    return ImagePlan(**given | changes)


@functools.cache
def customers() -> pd.DataFrame:
    """The guide's data: 400 rows of six columns."""
    chance = np.random.default_rng(42)
    count = 400
    return pd.DataFrame(
        {
            "tenure_months": chance.integers(1, 72, count),
            "monthly_charges": chance.uniform(20, 100, count),
            "total_charges": chance.uniform(100, 5000, count),
            "num_support_tickets": chance.poisson(2, count),
            "contract_type": chance.integers(0, 3, count),
            "payment_method": chance.integers(0, 4, count),
        }
    )


@functools.cache
def churn() -> Pipeline:
    """The guide's model: a scaler and 100 trees."""
    rows = customers()
    label = (rows["tenure_months"] < 30) & (rows["monthly_charges"] > 50) | (rows["num_support_tickets"] > 4)
    trees = RandomForestClassifier(n_estimators=100, max_depth=10, random_state=42)
    return make_pipeline(StandardScaler(), trees).fit(rows, label.astype(int))


def saved(folder: Path, **options: Any) -> Path:
    """The guide's model as a directory with a certified ONNX form, compared on few rows."""
    rows = customers().astype({"tenure_months": float, "num_support_tickets": float})
    rows = rows.astype({"contract_type": float, "payment_method": float})
    signature = modelpack.infer_signature(rows, churn().predict(rows))
    given: dict[str, Any] = {
        "signature": signature,
        "input_example": rows.head(3),
        "certify": {"rows": 600, "seed": 5},
    } | options
    return modelpack.save(churn(), folder, **given).path
