"""Pipelines over numbers, text and gaps answer as scikit-learn does."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from modelpack.onnx.convert import candidates
from modelpack.schema import ColumnSpec, DataType, Schema, Signature, Table
from tests.modelpack.onnx.data import SEED, held, methods_of, mixed, numbers, signature_of
from tests.modelpack.onnx.forms import answers, assert_same, exact, matrix_signature

WORDS = ["city", "plan"]
FEW = {"n_estimators": 8, "random_state": 3}
IGNORE = {"handle_unknown": "ignore"}


def _asked(data: pd.DataFrame, *, unseen: bool = True) -> pd.DataFrame:
    """The rows it was fitted on, numbers moved a little, and cities that nobody knows."""
    rng = np.random.default_rng(SEED)
    moved = data.copy()
    moved["spent"] += rng.normal(0, 1, len(data))
    if unseen:
        moved.loc[moved.index[::7], "city"] = "Atlantis"
        moved.loc[moved.index[::11], "visits"] = 77
    return pd.concat([data, moved], ignore_index=True)


def _columns(*, text: Any, amounts: Any = None) -> Any:
    return make_column_transformer(
        (text, WORDS), (amounts or SimpleImputer(), ["spent"]), remainder="passthrough"
    )


def _signature(data: pd.DataFrame) -> Signature:
    inferred = signature_of(data)
    assert inferred.inputs is not None
    return inferred


ENCODERS = {
    "one-hot": OneHotEncoder(**IGNORE),
    "one-hot-dense-float32": OneHotEncoder(sparse_output=False, dtype=np.float32, **IGNORE),
    "one-hot-dropped": OneHotEncoder(drop="first", **IGNORE),
    "one-hot-if-binary": OneHotEncoder(drop="if_binary", **IGNORE),
    "one-hot-infrequent": OneHotEncoder(min_frequency=0.2, handle_unknown="infrequent_if_exist"),
    "one-hot-few": OneHotEncoder(max_categories=2, **IGNORE),
    "ordinal": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    "ordinal-missing": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan),
}


@pytest.mark.parametrize("encoder", ENCODERS.values(), ids=ENCODERS.keys())
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_encoders_before_trees_answer_to_the_bit(encoder: Any) -> None:
    data, target = mixed()
    model = make_pipeline(_columns(text=encoder), RandomForestClassifier(**FEW)).fit(data, target)
    signature = _signature(data)
    assert_same(model, exact(model, signature), held(_asked(data), signature.inputs))


LAST = {
    "logistic": LogisticRegression(max_iter=300),
    "linear-svc": LinearSVC(),
    "sgd": SGDClassifier(loss="log_loss", random_state=0),
    "boosting": GradientBoostingClassifier(**FEW),
    "vote": VotingClassifier(
        [("a", LogisticRegression(max_iter=300)), ("b", RandomForestClassifier(**FEW))],
        voting="soft",
        weights=[1, 2],
    ),
    "hard-vote": VotingClassifier([("a", LogisticRegression(max_iter=300)), ("b", DecisionTreeClassifier())]),
    "bag": BaggingClassifier(DecisionTreeClassifier(max_depth=4), max_features=0.6, random_state=0),
    "calibrated": CalibratedClassifierCV(RandomForestClassifier(**FEW), cv=2),
    "adaboost": AdaBoostClassifier(n_estimators=5, random_state=0),
    "stack": StackingClassifier(
        [("a", LogisticRegression(max_iter=300)), ("b", RandomForestClassifier(**FEW))], cv=2
    ),
    "selected": make_pipeline(SelectKBest(k=4), GradientBoostingClassifier(**FEW)),
    "svd": make_pipeline(TruncatedSVD(3, random_state=0), LogisticRegression()),
    "pca": make_pipeline(PCA(3, whiten=True), LogisticRegression()),
    "bayes": GaussianNB(),
    "threshold": FixedThresholdClassifier(LogisticRegression(max_iter=300), threshold=0.3, pos_label="stays"),
    "search": GridSearchCV(RandomForestClassifier(**FEW), {"max_depth": [2, 4]}, cv=2),
}


@pytest.mark.parametrize("last", LAST.values(), ids=LAST.keys())
def test_estimators_after_encoded_columns_answer_alike(last: Any) -> None:
    data, target = mixed()
    encoder = OneHotEncoder(sparse_output=False, **IGNORE)
    scaled = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    model = make_pipeline(_columns(text=encoder, amounts=scaled), last).fit(data, target)
    signature = _signature(data)
    assert_same(model, exact(model, signature), held(_asked(data), signature.inputs), bits=False)


SCALERS = {
    "standard": StandardScaler(),
    "standard-no-mean": StandardScaler(with_mean=False),
    "minmax": MinMaxScaler(),
    "minmax-clipped": MinMaxScaler((-1, 2), clip=True),
    "maxabs": MaxAbsScaler(),
    "robust": RobustScaler(),
    "imputed": make_pipeline(SimpleImputer(strategy="median", add_indicator=True), RobustScaler()),
    "quantile": QuantileTransformer(n_quantiles=50),
    "power": PowerTransformer(),
    "nothing": FunctionTransformer(),
    "log": FunctionTransformer(np.log1p),
    "union": make_union(StandardScaler(), MinMaxScaler()),
    "products": make_pipeline(SimpleImputer(), PolynomialFeatures(2)),
    "two-scalers": make_pipeline(StandardScaler(), MinMaxScaler()),
    "search-inside": make_pipeline(StandardScaler(), SelectKBest(lambda x, y: np.arange(x.shape[1]), k=4)),
}


@pytest.mark.parametrize("scaler", SCALERS.values(), ids=SCALERS.keys())
def test_scalers_before_trees_answer_to_the_bit_also_at_the_thresholds(scaler: Any) -> None:
    imputes = "Imputer" in str(scaler)
    matrix, targets = numbers(missing=0.05 if imputes else 0.0)
    model = make_pipeline(scaler, RandomForestClassifier(**FEW)).fit(matrix, targets["three"])
    rng = np.random.default_rng(SEED)
    rows = np.concatenate([matrix, matrix + rng.integers(0, 2, matrix.shape)])
    assert_same(model, exact(model, matrix_signature(6)), rows)


REGRESSORS = {
    "linear": LinearRegression(),
    "ridge": make_pipeline(StandardScaler(), Ridge()),
    "vote": VotingRegressor([("a", Ridge()), ("b", RandomForestRegressor(**FEW))]),
    "bag": BaggingRegressor(max_features=4, random_state=0),
    "stack": StackingRegressor([("a", Ridge()), ("b", RandomForestRegressor(**FEW))], cv=2, passthrough=True),
}


@pytest.mark.parametrize("model", REGRESSORS.values(), ids=REGRESSORS.keys())
def test_regressors_answer_alike(model: Any) -> None:
    matrix, targets = numbers()
    model.fit(matrix, targets["value"])
    assert_same(model, exact(model, matrix_signature(6)), matrix, bits=False)


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param([(OneHotEncoder(**IGNORE), [0, 4]), ("passthrough", [1, 2])], id="by-position"),
        pytest.param([(OneHotEncoder(**IGNORE), slice(0, 1)), ("drop", ["plan"])], id="by-slice"),
        pytest.param([(OneHotEncoder(**IGNORE), [True, False, False, False, True])], id="by-mask"),
        pytest.param(
            [(OneHotEncoder(**IGNORE), make_column_selector("city|plan")), ("passthrough", ["visits"])],
            id="by-function",
        ),
    ],
)
def test_columns_are_found_however_they_were_named(columns: list[Any]) -> None:
    data, target = mixed()
    model = make_pipeline(make_column_transformer(*columns), RandomForestClassifier(**FEW)).fit(data, target)
    signature = _signature(data)
    assert_same(model, exact(model, signature), held(_asked(data), signature.inputs))


def test_columns_in_another_order_than_at_fitting_are_found_by_name() -> None:
    data, target = mixed()
    model = make_pipeline(_columns(text=OneHotEncoder(**IGNORE)), RandomForestClassifier(**FEW))
    model.fit(data, target)
    turned = data[["plan", "spent", "visits", "member", "city"]]
    signature = _signature(turned)
    assert_same(model, exact(model, signature), held(turned, signature.inputs))


@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
def test_missing_text_takes_the_word_that_fills_it(strategy: str) -> None:
    data, target = mixed()
    data.loc[data.index[::5], "city"] = None
    filled = make_pipeline(
        SimpleImputer(strategy=strategy, fill_value="nowhere" if strategy == "constant" else None),
        OneHotEncoder(**IGNORE),
    )
    model = make_pipeline(_columns(text=filled), RandomForestClassifier(**FEW)).fit(data, target)
    signature = _signature(data)
    assert signature.inputs is not None
    assert "city" not in signature.inputs.required_names
    assert_same(model, exact(model, signature), held(_asked(data), signature.inputs))


def test_a_missing_text_may_be_a_category_of_its_own() -> None:
    data, target = mixed()
    data.loc[data.index[::5], "city"] = None
    model = make_pipeline(_columns(text=OneHotEncoder(**IGNORE)), RandomForestClassifier(**FEW))
    model.fit(data, target)
    signature = _signature(data)
    assert_same(model, exact(model, signature), held(_asked(data), signature.inputs))


def test_boosting_over_columns_of_text_finds_its_categories() -> None:
    data, target = mixed()
    model = HistGradientBoostingClassifier(max_iter=10, categorical_features=WORDS).fit(data, target)
    signature = _signature(data)
    assert_same(model, exact(model, signature), held(_asked(data), signature.inputs), bits=False)


def test_an_encoder_that_refuses_unknown_words_refuses_them_in_the_graph_too() -> None:
    data, target = mixed()
    model = make_pipeline(_columns(text=OneHotEncoder()), RandomForestClassifier(**FEW)).fit(data, target)
    signature = _signature(data)
    form = exact(model, signature)
    assert_same(model, form, held(data, signature.inputs))
    unknown = held(_asked(data), signature.inputs)
    with pytest.raises(ValueError, match="the model refuses"):
        answers(form, unknown, "predict")


def test_scalers_and_encoders_before_trees_cost_no_node() -> None:
    matrix, targets = numbers()
    model = make_pipeline(StandardScaler(), MinMaxScaler(), RandomForestRegressor(**FEW))
    form = exact(model.fit(matrix, targets["value"]), matrix_signature(6))
    assert form.model is not None
    assert [node.op_type for node in form.model.graph.node] == ["TreeEnsemble", "Div", "Squeeze"]
    data, target = mixed()
    encoded = make_pipeline(_columns(text=OneHotEncoder(**IGNORE)), GradientBoostingClassifier(**FEW))
    form = exact(encoded.fit(data, target), _signature(data), ("decision_function",))
    assert form.model is not None
    kinds = sorted(node.op_type for node in form.model.graph.node)
    assert kinds == ["Concat", "LabelEncoder", "Squeeze", "TreeEnsemble"]


def test_transformers_can_be_served_as_well() -> None:
    data, target = mixed()
    model = make_pipeline(_columns(text=OneHotEncoder(sparse_output=False, **IGNORE)), StandardScaler())
    model.fit(data, target)
    signature = _signature(data)
    form = next(candidates(model, signature=signature, methods=("transform",)))
    table = held(data, signature.inputs)
    assert isinstance(table, Table)
    np.testing.assert_array_equal(answers(form, table, "transform"), model.transform(table.frame()))


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        pytest.param(None, "does not say what the model takes", id="nothing"),
        pytest.param(Schema((ColumnSpec(DataType.datetime, "a"),)), "other types", id="moments"),
    ],
)
def test_a_signature_that_no_graph_can_take_is_a_problem_not_an_error(
    inputs: Schema | None, reason: str
) -> None:
    matrix, targets = numbers()
    model = LinearRegression().fit(matrix, targets["value"])
    for form in candidates(model, signature=Signature(inputs=inputs), methods=("predict",)):
        assert form.model is None
        assert reason in form.problem


def test_every_method_asked_for_is_answered_or_explained() -> None:
    matrix, targets = numbers()
    model = RandomForestClassifier(**FEW).fit(matrix, targets["two"])
    form = next(candidates(model, signature=matrix_signature(6), methods=("predict", "predict_log_proba")))
    assert form.layout is not None
    assert list(form.layout.outputs) == ["predict"]
    assert form.problems is not None
    assert "predict_log_proba" in form.problems["predict_log_proba"]
    assert methods_of(model) == ("predict", "predict_proba")
