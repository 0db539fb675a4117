"""Training data for the tests of ONNX forms: made up, the guide's, and real."""

import warnings
from typing import Any

import numpy as np
import pandas as pd

from modelpack.schema import Schema, Signature, SignatureWarning, Table, enforce, infer_signature
from tests.shared import shared

SEED = 20_260


def numbers(rows: int = 400, *, missing: float = 0.0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Six columns, some of whole or few values, and targets: ``two`` and ``three`` classes, a ``value``."""
    rng = np.random.default_rng(SEED)
    matrix = np.c_[
        rng.integers(1, 72, rows),
        rng.uniform(20, 100, rows),
        rng.uniform(100, 5000, rows),
        rng.poisson(2, rows),
        rng.integers(0, 3, rows),
        rng.integers(0, 9, rows),
    ].astype(float)
    noisy = matrix[:, 1] + matrix[:, 0] / 3 + rng.normal(0, 10, rows)
    targets = {
        "two": (noisy > 70).astype(int),
        "three": np.digitize(noisy, [60, 80]),
        "value": matrix[:, 0] * matrix[:, 1] + rng.normal(0, 1, rows),
    }
    matrix[rng.random(matrix.shape) < missing] = np.nan
    return matrix, targets


def churn() -> tuple[pd.DataFrame, np.ndarray]:
    """The customers of the well-known guide: six columns of numbers."""
    rng = np.random.default_rng(42)
    rows = 1000
    data = pd.DataFrame(
        {
            "tenure_months": rng.integers(1, 72, rows),
            "monthly_charges": rng.uniform(20, 100, rows),
            "total_charges": rng.uniform(100, 5000, rows),
            "num_support_tickets": rng.poisson(2, rows),
            "contract_type": rng.choice([0, 1, 2], rows),
            "payment_method": rng.choice([0, 1, 2, 3], rows),
        }
    )
    chance = (
        0.3 - data["tenure_months"] / 100 + data["monthly_charges"] / 200 + data["num_support_tickets"] / 20
    )
    return data, (chance + rng.normal(0, 0.1, rows) > 0.3).astype(int).to_numpy()


def telco() -> tuple[pd.DataFrame, np.ndarray, list[str], list[str]]:
    """Real customers: the frame, whether they left, the columns of text and of numbers (one with blanks)."""
    data = pd.read_csv(shared("data/telco-customer-churn.csv"))
    data["TotalCharges"] = pd.to_numeric(data["TotalCharges"], errors="coerce")
    left = data["Churn"].to_numpy(dtype=object)
    data = data.drop(columns=["customerID", "Churn"])
    amounts = ["tenure", "MonthlyCharges", "TotalCharges"]
    words = [name for name in data.columns if name not in amounts and name != "SeniorCitizen"]
    return data, left, words, amounts


def mixed(rows: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    """Text, a flag, whole numbers and floats with gaps, and two classes named by text."""
    rng = np.random.default_rng(SEED)
    data = pd.DataFrame(
        {
            "city": rng.choice(["Oslo", "Bergen", "Trondheim", "Bodø"], rows, p=[0.5, 0.3, 0.15, 0.05]),
            "member": rng.random(rows) < 0.4,
            "visits": rng.integers(0, 6, rows),
            "spent": np.where(rng.random(rows) < 0.1, np.nan, rng.gamma(2, 50, rows)),
            "plan": rng.choice(["free", "pro"], rows),
        }
    )
    score = data["spent"].fillna(100) / 100 + data["visits"] / 3 + (data["city"] == "Oslo") + data["member"]
    return data, np.where(score + rng.normal(0, 0.5, rows) > 3, "stays", "goes").astype(object)


def signature_of(data: Any) -> Signature:
    """The signature of *data*, without the remark that whole numbers cannot be missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SignatureWarning)
        return infer_signature(data)


def held(data: Any, schema: Schema | None) -> Table | np.ndarray:
    """*data* as the model is given it."""
    enforced = enforce(data, schema)
    assert isinstance(enforced, Table | np.ndarray)
    return enforced


def methods_of(model: Any) -> tuple[str, ...]:
    """What *model* can be asked."""
    return tuple(one for one in ("predict", "predict_proba", "decision_function") if hasattr(model, one))
