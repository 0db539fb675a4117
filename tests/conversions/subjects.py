"""Every estimator of scikit-learn, made as people make it, with small data that it can learn from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

KINDS = ("classifier", "regressor", "cluster", "transformer")
"""As ``all_estimators`` filters them; what is none of these is ``other``."""

ROWS = 150
_SEED = 20_260


@dataclass(frozen=True)
class Subject:
    """One estimator class; *lacking* says why there is nothing to ask, where there is not."""

    name: str
    kinds: tuple[str, ...]
    lacking: str = ""


def subjects() -> dict[str, Subject]:
    """All of them by name, in the order of the alphabet."""
    of_kind = {kind: {name for name, _ in all_estimators(type_filter=kind)} for kind in KINDS}
    found = {}
    for name, _ in all_estimators():
        kinds = tuple(kind for kind in KINDS if name in of_kind[kind]) or ("other",)
        found[name] = Subject(name, kinds, _LACKING.get(name, ""))
    return found


def fitted(name: str) -> tuple[Any, Any]:
    """The estimator *name*, fitted, and the rows it was fitted on (a DataFrame)."""
    classes: Mapping[str, Any] = dict(all_estimators())
    model = _MADE[name]() if name in _MADE else _plain(classes[name])
    rows, target = data(name, model)
    return (model.fit(rows) if target is None else model.fit(rows, target)), rows


def _plain(class_: Any) -> Any:
    model = class_()
    known = model.get_params(deep=False)
    usual = {"random_state": 0, "max_iter": 250, "n_estimators": 10, "n_init": 1}
    return model.set_params(**{key: value for key, value in usual.items() if key in known})


def data(name: str, model: Any) -> tuple[Any, Any]:
    """Rows for *model* to learn from, and what it is to learn, if anything."""
    if name in _TEXTS:
        words = pd.DataFrame({"words": [f"{a} {b} {a}" for a, b in zip(*_words(), strict=True)]})
        return words["words"], None
    if name in _CATEGORIES:
        city, plan = _words()
        return pd.DataFrame({"city": city, "plan": plan}), (numbers()[1] if name == "TargetEncoder" else None)
    rows, three, value = numbers()
    if name in _NARROW:
        return rows[["a"]], value
    if name == "KernelCenterer":
        matrix = rows.to_numpy()[:6] / 10
        return pd.DataFrame(matrix @ matrix.T, columns=list("abcdef")), None
    if name in _CODES:
        rows = rows[["d", "e", "f"]].astype(np.int64)
    if name in _MISSING:
        rows = rows.mask(np.random.default_rng(_SEED).random(rows.shape) < 0.1)
    if name in _TWO_CLASSES:
        return rows, (three > 0).astype(int)
    if name in _SEVERAL_CLASSES:
        return rows, np.c_[three > 0, three > 1].astype(int)
    if name in _SEVERAL_VALUES or name.startswith("MultiTask"):
        return rows, np.c_[value, rows["b"] - rows["c"] / 50]
    if name in _POSITIVE:
        return rows, np.abs(value) / 100 + 1
    # Who learns nothing from classes takes no notice of them.
    return rows, value if model.__sklearn_tags__().estimator_type == "regressor" else three


def numbers() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Six columns of numbers, three classes and a quantity."""
    rng = np.random.default_rng(_SEED)
    columns = {
        "a": rng.integers(1, 72, ROWS),
        "b": rng.uniform(20, 100, ROWS),
        "c": rng.uniform(100, 5000, ROWS),
        "d": rng.poisson(2, ROWS),
        "e": rng.integers(0, 3, ROWS),
        "f": rng.integers(0, 9, ROWS),
    }
    frame = pd.DataFrame(columns).astype(float)
    noisy = frame["b"] + frame["a"] / 3 + rng.normal(0, 10, ROWS)
    value = frame["a"] * frame["b"] / 10 + rng.normal(0, 1, ROWS)
    return frame, np.digitize(noisy, [60, 80]), value.to_numpy()


def _words() -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(_SEED)
    city = rng.choice(["Oslo", "Bergen", "Trondheim", "Bodø"], ROWS).tolist()
    return city, rng.choice(["free", "pro"], ROWS).tolist()


_LACKING = {
    "DictVectorizer": "takes dictionaries, which no row of a signature holds",
    "FeatureHasher": "takes dictionaries or pairs, which no row of a signature holds",
    "LabelBinarizer": "takes targets, not rows",
    "LabelEncoder": "takes targets, not rows",
    "MultiLabelBinarizer": "takes targets, not rows",
    "PatchExtractor": "takes images",
}
_TEXTS = {"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"}
_CATEGORIES = {"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"}
_NARROW = {"IsotonicRegression"}
_CODES = {"CategoricalNB"}
_MISSING = {"KNNImputer", "SimpleImputer", "MissingIndicator", "IterativeImputer"}
_TWO_CLASSES = {"FixedThresholdClassifier", "TunedThresholdClassifierCV"}
_SEVERAL_CLASSES = {"MultiOutputClassifier", "ClassifierChain"}
_SEVERAL_VALUES = {"MultiOutputRegressor", "RegressorChain", "CCA", "PLSCanonical", "PLSSVD"}
_POSITIVE = {"GammaRegressor", "PoissonRegressor", "TweedieRegressor"}

_LINEAR = LogisticRegression(max_iter=200)
_CHOICE: list[tuple[str, Any]] = [
    ("linear", _LINEAR),
    ("tree", DecisionTreeClassifier(max_depth=3)),
]
_VALUES: list[tuple[str, Any]] = [("linear", Ridge()), ("tree", DecisionTreeRegressor(max_depth=3))]


def _made(name: str, **options: Any) -> Callable[[], Any]:
    def make() -> Any:
        return dict(all_estimators())[name](**options)

    return make


def _frozen() -> Any:
    rows, three, _ = numbers()
    return dict(all_estimators())["FrozenEstimator"](LogisticRegression(max_iter=200).fit(rows, three))


def _novelty() -> Any:
    return dict(all_estimators())["LocalOutlierFactor"](novelty=True)


_MADE: Mapping[str, Callable[[], Any]] = {
    "ClassifierChain": _made("ClassifierChain", estimator=_LINEAR),
    "ColumnTransformer": _made(
        "ColumnTransformer", transformers=[("a", StandardScaler(), ["a", "b"]), ("b", MinMaxScaler(), ["c"])]
    ),
    "FeatureUnion": _made("FeatureUnion", transformer_list=[("a", StandardScaler()), ("b", MinMaxScaler())]),
    "FixedThresholdClassifier": _made("FixedThresholdClassifier", estimator=_LINEAR),
    "FrozenEstimator": _frozen,
    "GaussianRandomProjection": _made("GaussianRandomProjection", n_components=4, random_state=0),
    "GridSearchCV": _made("GridSearchCV", estimator=_LINEAR, param_grid={"C": [0.1, 1]}),
    "HalvingGridSearchCV": _made("HalvingGridSearchCV", estimator=_LINEAR, param_grid={"C": [0.1, 1]}),
    "HashingVectorizer": _made("HashingVectorizer", n_features=64),
    "LocalOutlierFactor": _novelty,
    "MultiOutputClassifier": _made("MultiOutputClassifier", estimator=_LINEAR),
    "MultiOutputRegressor": _made("MultiOutputRegressor", estimator=Ridge()),
    "OneVsOneClassifier": _made("OneVsOneClassifier", estimator=_LINEAR),
    "OneVsRestClassifier": _made("OneVsRestClassifier", estimator=_LINEAR),
    "OrthogonalMatchingPursuitCV": _made("OrthogonalMatchingPursuitCV"),
    "OutputCodeClassifier": _made("OutputCodeClassifier", estimator=_LINEAR, random_state=0),
    "Pipeline": _made("Pipeline", steps=[("scale", StandardScaler()), ("model", _LINEAR)]),
    "RandomizedSearchCV": _made(
        "RandomizedSearchCV",
        estimator=_LINEAR,
        param_distributions={"C": [0.1, 1]},
        n_iter=2,
        random_state=0,
    ),
    "RFE": _made("RFE", estimator=_LINEAR),
    "RFECV": _made("RFECV", estimator=_LINEAR),
    "RegressorChain": _made("RegressorChain", estimator=Ridge()),
    "SelectFromModel": _made("SelectFromModel", estimator=_LINEAR),
    "SelfTrainingClassifier": _made("SelfTrainingClassifier", estimator=_LINEAR),
    "SequentialFeatureSelector": _made("SequentialFeatureSelector", estimator=_LINEAR),
    "SparseRandomProjection": _made("SparseRandomProjection", n_components=4, random_state=0),
    "SparseCoder": _made("SparseCoder", dictionary=np.eye(6)[:3] + 0.1),
    "StackingClassifier": _made("StackingClassifier", estimators=_CHOICE),
    "StackingRegressor": _made("StackingRegressor", estimators=_VALUES),
    "TunedThresholdClassifierCV": _made("TunedThresholdClassifierCV", estimator=_LINEAR),
    "VotingClassifier": _made("VotingClassifier", estimators=_CHOICE, voting="soft"),
    "VotingRegressor": _made("VotingRegressor", estimators=_VALUES),
}
