"""One model of each flavor, format and kind of signature, as ``modelpack.save`` is given it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import catboost
import lightgbm
import numpy as np
import onnx
import pandas as pd
import statsmodels.api
import statsmodels.formula.api
import statsmodels.tsa.ar_model
import xgboost
from onnx import TensorProto, helper, numpy_helper
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from modelpack.schema import ColumnSpec, DataType, Schema, Signature, TensorSpec, infer_signature
from tests.compat.writing import python_models as models

RANDOM = np.random.default_rng(8)
ROWS = 60
FRAME = pd.DataFrame(
    {
        "age": RANDOM.integers(18, 90, ROWS),
        "children": RANDOM.integers(0, 5, ROWS).astype(np.int32),
        "charges": RANDOM.uniform(10, 100, ROWS),
        "weight": RANDOM.uniform(40, 120, ROWS).astype(np.float32),
        "paperless": RANDOM.integers(0, 2, ROWS).astype(bool),
        "plan": RANDOM.choice(["basic", "plus", "pro"], ROWS),
    }
)
NUMBERS = FRAME[["age", "charges"]].astype(np.float64)
GAPS = NUMBERS.mask(RANDOM.random(NUMBERS.shape) < 0.2)
MATRIX = NUMBERS.to_numpy()
KINDS = (FRAME["charges"] > 50).astype(int).to_numpy()
AMOUNT = (FRAME["charges"] * 0.3 + FRAME["age"]).to_numpy()


FOUND_OUT = {
    "sklearn-skops-columns",
    "sklearn-cloudpickle-xgboost",
    "xgboost-classifier-ubj-columns",
    "lightgbm-classifier-skops-columns",
    "catboost-classifier-cbm-columns",
    "statsmodels-least-pickle-columns",
    "onnx-one-columns",
    "python-function-columns",
    "certified-lightgbm",
}
"""Models whose requirements are found out; as that takes half of the time, all others are given theirs."""


@dataclass(frozen=True)
class Subject:
    """A *model*, the *options* that it is saved with, and what it is asked: *data*, and *params* beside it.

    *example* says whether the first rows of that are its input example; *since* is the oldest MLflow that
    loads it.
    """

    name: str
    model: Any
    data: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] | None = None
    example: bool = True
    since: str = "2.22"

    @property
    def given(self) -> dict[str, Any]:
        """All options of ``modelpack.save``."""
        asked = _first(self.data) if self.params is None else (_first(self.data), dict(self.params))
        listed = {} if self.name in FOUND_OUT else {"requirements": ["numpy", "pandas>=2,<4"]}
        example = {"input_example": asked} if self.example else {}
        return {"certify": False, **listed, **example, **self.options}


def subjects() -> list[Subject]:
    """All of them, fitted."""
    return [
        *_sklearn(),
        *_xgboost(),
        *_lightgbm(),
        *_catboost(),
        *_statsmodels(),
        *_onnx(),
        *_python(),
        *_certified(),
    ]


def _sklearn() -> list[Subject]:
    numbers = ["age", "children", "charges", "weight"]
    mixed = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["plan", "paperless"]), (StandardScaler(), numbers)),
        LogisticRegression(),
    ).fit(FRAME, KINDS)
    forest = RandomForestClassifier(9, random_state=3).fit(MATRIX, KINDS)
    line = LinearRegression().fit(MATRIX, AMOUNT)
    trees = make_pipeline(StandardScaler(), lightgbm.LGBMRegressor(n_estimators=5, verbose=-1)).fit(
        NUMBERS, AMOUNT
    )
    boosted = make_pipeline(StandardScaler(), xgboost.XGBRegressor(n_estimators=5)).fit(NUMBERS, AMOUNT)
    return [
        Subject("sklearn-skops-columns", mixed, FRAME, since="3.17"),
        Subject("sklearn-cloudpickle-columns", mixed, FRAME, {"format": "cloudpickle"}),
        Subject("sklearn-pickle-columns", mixed, FRAME, {"format": "pickle"}),
        Subject("sklearn-skops-tensor", forest, MATRIX, since="3.17"),
        Subject("sklearn-cloudpickle-tensor", line, MATRIX, {"format": "cloudpickle"}),
        Subject("sklearn-skops-none", line, MATRIX, example=False, since="3.17"),
        Subject("sklearn-pickle-none", forest, MATRIX, {"format": "pickle"}, example=False),
        Subject("sklearn-skops-lightgbm", trees, NUMBERS, since="3.17"),
        Subject("sklearn-cloudpickle-xgboost", boosted, NUMBERS, {"format": "cloudpickle"}),
    ]


def _xgboost() -> list[Subject]:
    booster = xgboost.train({"max_depth": 3}, xgboost.DMatrix(GAPS, AMOUNT), 5)
    nameless = xgboost.train({"max_depth": 3}, xgboost.DMatrix(MATRIX, AMOUNT), 5)
    classifier = xgboost.XGBClassifier(n_estimators=5, max_depth=3).fit(FRAME.drop(columns="plan"), KINDS)
    regressor = xgboost.XGBRegressor(n_estimators=5, max_depth=3).fit(MATRIX, AMOUNT)
    forest = xgboost.XGBRFClassifier(n_estimators=5).fit(NUMBERS, KINDS)
    ranker = xgboost.XGBRanker(n_estimators=5).fit(NUMBERS, KINDS, qid=np.repeat(np.arange(6), 10))
    margin = {"output_margin": True}
    return [
        Subject("xgboost-booster-ubj-columns", booster, GAPS),
        Subject("xgboost-booster-json-tensor", nameless, MATRIX, {"format": "json"}),
        Subject("xgboost-booster-ubj-params", booster, GAPS, params=margin),
        Subject("xgboost-classifier-ubj-columns", classifier, FRAME.drop(columns="plan")),
        Subject(
            "xgboost-classifier-json-params",
            classifier,
            FRAME.drop(columns="plan"),
            {"format": "json"},
            params=margin,
        ),
        Subject("xgboost-regressor-json-tensor", regressor, MATRIX, {"format": "json"}),
        Subject("xgboost-forest-ubj-none", forest, NUMBERS, example=False),
        Subject("xgboost-ranker-ubj-columns", ranker, NUMBERS),
    ]


def _lightgbm() -> list[Subject]:
    quiet: dict[str, Any] = {"verbose": -1, "max_depth": 3}
    booster = lightgbm.train(quiet, lightgbm.Dataset(GAPS, AMOUNT), 5)
    classifier = lightgbm.LGBMClassifier(n_estimators=5, **quiet).fit(GAPS, KINDS)
    regressor = lightgbm.LGBMRegressor(n_estimators=5, **quiet).fit(MATRIX, AMOUNT)
    return [
        Subject("lightgbm-booster-text-columns", booster, GAPS),
        Subject("lightgbm-booster-text-tensor", booster, MATRIX),
        Subject("lightgbm-booster-text-none", booster, MATRIX, example=False),
        Subject("lightgbm-classifier-skops-columns", classifier, GAPS, since="3.17"),
        Subject("lightgbm-classifier-cloudpickle-columns", classifier, GAPS, {"format": "cloudpickle"}),
        Subject("lightgbm-regressor-pickle-tensor", regressor, MATRIX, {"format": "pickle"}),
        Subject(
            "lightgbm-regressor-cloudpickle-none", regressor, MATRIX, {"format": "cloudpickle"}, example=False
        ),
    ]


def _catboost() -> list[Subject]:
    quiet = {"iterations": 5, "depth": 3, "verbose": False, "allow_writing_files": False}
    words = FRAME[["age", "charges", "plan"]]
    classifier = catboost.CatBoostClassifier(**quiet, cat_features=["plan"]).fit(words, KINDS)
    regressor = catboost.CatBoostRegressor(**quiet).fit(MATRIX, AMOUNT)
    plain = catboost.CatBoost(quiet).fit(GAPS, AMOUNT)
    ranker = catboost.CatBoostRanker(**quiet).fit(NUMBERS, KINDS, group_id=np.repeat(np.arange(6), 10))
    return [
        Subject("catboost-classifier-cbm-columns", classifier, words),
        Subject("catboost-regressor-json-tensor", regressor, MATRIX, {"format": "json"}),
        Subject("catboost-plain-cbm-columns", plain, GAPS),
        Subject("catboost-regressor-cbm-none", regressor, MATRIX, example=False),
        Subject("catboost-ranker-cbm-columns", ranker, NUMBERS),
    ]


def _statsmodels() -> list[Subject]:
    columns = NUMBERS.assign(amount=AMOUNT + RANDOM.normal(0, 1, ROWS))
    least = statsmodels.api.OLS(columns["amount"], NUMBERS).fit()
    formula = statsmodels.formula.api.ols("amount ~ age + charges", columns).fit()
    counts = statsmodels.api.GLM(KINDS, MATRIX, family=statsmodels.api.families.Binomial()).fit()
    series = statsmodels.tsa.ar_model.AutoReg(AMOUNT, lags=2).fit()
    span = pd.DataFrame({"start": [ROWS], "end": [ROWS + 4]})
    return [
        Subject("statsmodels-least-pickle-columns", least, NUMBERS),
        Subject("statsmodels-formula-pickle-columns", formula, NUMBERS),
        Subject("statsmodels-general-pickle-tensor", counts, MATRIX),
        Subject("statsmodels-least-pickle-none", least, NUMBERS, example=False),
        Subject("statsmodels-series-pickle-columns", series, span),
    ]


def _onnx() -> list[Subject]:
    small = MATRIX.astype(np.float32)
    named = {"left": small, "right": small * 2}
    apart = NUMBERS.rename(columns={"age": "left", "charges": "right"}).astype(np.float32)
    signature = infer_signature(apart)
    return [
        Subject("onnx-one-tensor", _weighed(), small),
        Subject("onnx-external-tensor", _weighed(), small, {"format": "external"}),
        Subject("onnx-one-columns", _weighed(), NUMBERS),
        Subject("onnx-one-none", _weighed(), small, example=False),
        Subject("onnx-one-tensors", _added([None, 2]), named),
        Subject(
            "onnx-external-columns", _added([None]), apart, {"format": "external", "signature": signature}
        ),
    ]


def _weighed() -> onnx.ModelProto:
    weights = numpy_helper.from_array(np.array([[0.5], [-0.25]], np.float32), "weights")
    return _model(
        [helper.make_node("MatMul", ["X", "weights"], ["sum"])], {"X": [None, 2]}, [None, 1], [weights]
    )


def _added(shape: list[Any]) -> onnx.ModelProto:
    half = numpy_helper.from_array(np.array(0.5, np.float32), "half")
    nodes = [
        helper.make_node("Add", ["left", "right"], ["both"]),
        helper.make_node("Mul", ["both", "half"], ["sum"]),
    ]
    return _model(nodes, {"left": shape, "right": shape}, shape, [half])


def _model(
    nodes: list[Any], inputs: Mapping[str, list[Any]], output: list[Any], constants: list[Any]
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "sums",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info("sum", TensorProto.FLOAT, output)],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def _python() -> list[Subject]:
    text = Schema((ColumnSpec(DataType.string),))
    every = Signature(inputs=models.EVERY_TYPE, outputs=text)
    charges = FRAME[["charges"]]
    with_params = Signature(
        inputs=Schema((ColumnSpec(DataType.double, "charges"),)), outputs=text, params=models.PARAMS
    )
    tensors = Signature(
        inputs=Schema(
            (
                TensorSpec(np.dtype(np.float32), (-1, 2), "points"),
                TensorSpec(np.dtype(np.int64), (-1,), "counts"),
                TensorSpec(np.dtype(bool), (-1, 1), "flags"),
            )
        ),
        outputs=Schema((TensorSpec(np.dtype(np.float64), (-1,)),)),
    )
    named = {"points": MATRIX.astype(np.float32)[:5], "counts": np.arange(5), "flags": np.ones((5, 1), bool)}
    cube = np.arange(24, dtype=np.float64).reshape(4, 3, 2)
    return [
        Subject("python-function-columns", models.described, models.EVERY_CELL, {"signature": every}),
        Subject("python-function-gaps", models.described, models.SOME_GAPS, {"signature": every}),
        Subject(
            "python-function-deep",
            models.described,
            models.DEEP_CELLS,
            {"signature": Signature(inputs=models.DEEP, outputs=text)},
        ),
        Subject(
            "python-function-params",
            models.with_given,
            charges,
            {"signature": with_params},
            params=models.GIVEN,
        ),
        Subject("python-function-none", models.doubled, charges, example=False),
        Subject("python-function-tensor", models.doubled, cube),
        Subject("python-object-tensors", models.Summing(0.5), named, {"signature": tensors}),
        Subject("python-object-columns", models.Summing(2.0), NUMBERS),
        Subject(
            "python-class-params",
            models.Loaded(3.0),
            charges,
            {"signature": with_params},
            params=models.GIVEN,
        ),
        Subject("python-class-columns", models.Loaded(3.0), charges),
    ]


def _certified() -> list[Subject]:
    forest = RandomForestClassifier(9, random_state=3).fit(MATRIX, KINDS)
    regressor = xgboost.XGBRegressor(n_estimators=5, max_depth=3).fit(NUMBERS, AMOUNT)
    booster = lightgbm.train({"verbose": -1, "max_depth": 3}, lightgbm.Dataset(MATRIX, AMOUNT), 5)
    trees = catboost.CatBoostRegressor(iterations=5, depth=3, verbose=False, allow_writing_files=False)
    certify = {"certify": {"rows": 300}}
    return [
        Subject("certified-sklearn-skops", forest, MATRIX, certify, since="3.17"),
        Subject("certified-sklearn-pickle", forest, MATRIX, {**certify, "format": "pickle"}),
        Subject("certified-xgboost", regressor, NUMBERS, certify),
        Subject("certified-lightgbm", booster, MATRIX, certify),
        Subject("certified-catboost", trees.fit(MATRIX, AMOUNT), MATRIX, certify),
    ]


def _first(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: one[:3] for name, one in data.items()}
    return data.head(3) if isinstance(data, pd.DataFrame) else data[:3]
