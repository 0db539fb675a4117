"""scikit-learn's estimators, each written as it computes. This file finds the writer of a class."""

from typing import Any

from modelpack.errors import NotConvertible, shorten
from modelpack.onnx.columns import Frame
from modelpack.onnx.graph import Graph
from modelpack.onnx.writing import Writer, Written
from modelpack.plugins import Table

_HERE = "modelpack.onnx.estimators"
_MODULES = {
    "composition:pipeline": ("Pipeline",),
    "composition:column_transformer": ("ColumnTransformer",),
    "composition:feature_union": ("FeatureUnion",),
    "composition:best_estimator": (
        "GridSearchCV",
        "RandomizedSearchCV",
        "HalvingGridSearchCV",
        "HalvingRandomSearchCV",
    ),
    "composition:threshold_classifier": ("FixedThresholdClassifier", "TunedThresholdClassifierCV"),
    "scaling:standard": ("StandardScaler",),
    "scaling:minmax": ("MinMaxScaler",),
    "scaling:maxabs": ("MaxAbsScaler",),
    "scaling:robust": ("RobustScaler",),
    "scaling:curve": ("PowerTransformer", "QuantileTransformer"),
    "scaling:function": ("FunctionTransformer",),
    "imputing:simple_imputer": ("SimpleImputer",),
    "encoding:one_hot": ("OneHotEncoder",),
    "encoding:ordinal": ("OrdinalEncoder",),
    "selection:selected": (
        "GenericUnivariateSelect",
        "RFE",
        "RFECV",
        "SelectFdr",
        "SelectFpr",
        "SelectFromModel",
        "SelectFwe",
        "SelectKBest",
        "SelectPercentile",
        "SequentialFeatureSelector",
        "VarianceThreshold",
    ),
    "selection:pca": ("PCA", "IncrementalPCA"),
    "selection:truncated_svd": ("TruncatedSVD",),
    "selection:polynomial": ("PolynomialFeatures",),
    "linear:logistic": ("LogisticRegression", "LogisticRegressionCV"),
    "linear:classifier": ("LinearSVC", "Perceptron", "RidgeClassifier", "RidgeClassifierCV"),
    "linear:sgd_classifier": ("SGDClassifier",),
    "linear:regressor": (
        "ARDRegression",
        "BayesianRidge",
        "ElasticNet",
        "ElasticNetCV",
        "HuberRegressor",
        "Lars",
        "LarsCV",
        "Lasso",
        "LassoCV",
        "LassoLars",
        "LassoLarsCV",
        "LassoLarsIC",
        "LinearRegression",
        "LinearSVR",
        "OrthogonalMatchingPursuit",
        "OrthogonalMatchingPursuitCV",
        "QuantileRegressor",
        "Ridge",
        "RidgeCV",
        "SGDRegressor",
        "TheilSenRegressor",
    ),
    "forests:tree_classifier": ("DecisionTreeClassifier", "ExtraTreeClassifier"),
    "forests:tree_regressor": ("DecisionTreeRegressor", "ExtraTreeRegressor"),
    "forests:forest_classifier": ("RandomForestClassifier", "ExtraTreesClassifier"),
    "forests:forest_regressor": ("RandomForestRegressor", "ExtraTreesRegressor"),
    "boosting:classifier": ("GradientBoostingClassifier",),
    "boosting:regressor": ("GradientBoostingRegressor",),
    "histogram:classifier": ("HistGradientBoostingClassifier",),
    "histogram:regressor": ("HistGradientBoostingRegressor",),
    "ensembles:voting_classifier": ("VotingClassifier",),
    "ensembles:voting_regressor": ("VotingRegressor",),
    "ensembles:bagging_classifier": ("BaggingClassifier",),
    "ensembles:bagging_regressor": ("BaggingRegressor",),
    "ensembles:adaboost": ("AdaBoostClassifier",),
    "stacking:classifier": ("StackingClassifier",),
    "stacking:regressor": ("StackingRegressor",),
    "ensembles:calibrated": ("CalibratedClassifierCV",),
}

WRITERS: Table[Writer] = Table(
    "writer",
    group="modelpack.converters.sklearn",
    builtins={
        **{name: f"{_HERE}.{target}" for target, names in _MODULES.items() for name in names},
        "*": f"{_HERE}.stock:converted",
    },
)
"""By the name of the class; ``*`` is skl2onnx, for all the rest."""


def write(graph: Graph, model: Any, frame: Frame) -> Written:
    """Write *model* by its own writer, or as skl2onnx converts it."""
    name = _class_name(model)
    if name in WRITERS:
        return WRITERS[name](graph, model, frame)
    return WRITERS["*"](graph, model, frame)


def _class_name(model: Any) -> str:
    """The name of the first of *model*'s classes that scikit-learn itself defines."""
    for class_ in type(model).__mro__:
        if class_.__module__.startswith("sklearn."):
            return str(class_.__name__)
    raise NotConvertible(f"{shorten(type(model).__qualname__, 80)} is no estimator of scikit-learn")
