"""The models that are served, and the rows that are asked of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.benchmarks.works import ROWS_ASKED
from tests.shared import shared

SEED = 42


@dataclass(frozen=True, slots=True)
class Subject:
    """A fitted *model*, rows it has *seen*, and rows to be *asked* of it, all with the same columns."""

    name: str
    model: Pipeline
    seen: pd.DataFrame
    asked: pd.DataFrame


class Absent(Exception):
    """A subject whose data does not lie on this machine."""


def churn(*, trees: int = 100) -> Subject:
    """The guide's pipeline on the guide's kind of data: scaler and forest of depth 10, 6 numeric columns."""
    random = np.random.default_rng(SEED)
    seen = _customers(random, 1_000)
    likely = 0.3 - seen.tenure_months / 100 + seen.monthly_charges / 200 + seen.num_support_tickets / 20
    left = (likely + random.normal(0, 0.1, len(seen)) > 0.3).astype(int)
    forest = RandomForestClassifier(n_estimators=trees, max_depth=10, random_state=SEED)
    return Subject(
        "churn",
        make_pipeline(StandardScaler(), forest).fit(seen, left),
        seen,
        _customers(random, ROWS_ASKED),
    )


def _customers(random: np.random.Generator, rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "tenure_months": random.integers(1, 72, rows),
            "monthly_charges": random.uniform(20, 100, rows),
            "total_charges": random.uniform(100, 5_000, rows),
            "num_support_tickets": random.poisson(2, rows),
            "contract_type": random.integers(0, 3, rows),
            "payment_method": random.integers(0, 4, rows),
        }
    )


def telco() -> Subject:
    """Real customers, strings and numbers mixed: one-hot encoding and gradient boosting, labels Yes and No.

    Raises Absent where the data does not lie beside the checkout.
    """
    try:
        table = pd.read_csv(shared("data/telco-customer-churn.csv"))
    except pytest.skip.Exception as error:
        raise Absent(str(error)) from None
    # Blank for those who have not paid yet; they are new, and owe nothing.
    table["TotalCharges"] = pd.to_numeric(table["TotalCharges"], errors="coerce").fillna(0.0)
    rows, labels = table.drop(columns=["customerID", "Churn"]), table["Churn"]
    last_seen = len(rows) * 3 // 4
    seen = rows.iloc[:last_seen].reset_index(drop=True)
    words = [name for name in rows if not pd.api.types.is_numeric_dtype(rows[name])]
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words), remainder="passthrough"
    )
    model = make_pipeline(encoder, GradientBoostingClassifier(random_state=SEED))
    return Subject(
        "telco",
        model.fit(seen, labels.iloc[:last_seen]),
        seen,
        rows.iloc[last_seen:].sample(ROWS_ASKED, replace=True, random_state=SEED).reset_index(drop=True),
    )


SUBJECTS: dict[str, Callable[[], Subject]] = {"churn": churn, "telco": telco}
