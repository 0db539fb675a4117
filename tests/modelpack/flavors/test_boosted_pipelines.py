"""Pipelines of scikit-learn that end in another library's model: the sklearn flavor has them, untrusted."""

from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import modelpack
from modelpack.flavors import FLAVORS
from modelpack.trust import Trust
from tests.modelpack.flavors.test_catboost import FEW as CATBOOST
from tests.modelpack.flavors.test_lightgbm import FEW as LIGHTGBM
from tests.modelpack.flavors.test_xgboost import FEW as XGBOOST
from tests.modelpack.small import frame, labels

LAST: dict[str, Any] = {
    "xgboost": xgboost.XGBClassifier(**XGBOOST),
    "lightgbm": lightgbm.LGBMClassifier(**LIGHTGBM),
    "catboost": catboost.CatBoostClassifier(**CATBOOST),
    "vote": VotingClassifier(
        [("trees", xgboost.XGBClassifier(**XGBOOST)), ("line", LogisticRegression())], voting="soft"
    ),
}


@pytest.mark.parametrize("last", LAST)
def test_a_pipeline_is_saved_by_skops_and_asks_for_nothing(last: str, tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), LAST[last]).fit(frame(), labels())
    source = modelpack.save(model, tmp_path / "model", input_example=frame().head(3), requirements=[])
    assert source.document.flavors["sklearn"]["serialization_format"] == "skops"
    assert FLAVORS["sklearn"].needs(source) == ()
    named = "xgboost" if last == "vote" else last
    assert any(module.startswith(named) for module in FLAVORS["sklearn"].mentions(source))
    predictor = modelpack.load_predictor(source.path, trust=Trust(), method="predict_proba")
    np.testing.assert_array_equal(predictor.predict(frame()), model.predict_proba(frame()))
