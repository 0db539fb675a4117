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
    "shaping:binarizer": ("Binarizer",),
    "shaping:normalizer": ("Normalizer",),
    "shaping:bins": ("KBinsDiscretizer",),
    "shaping:missing_indicator": ("MissingIndicator",),
    "shaping:isotonic": ("IsotonicRegression",),
    "shaping:splines": ("SplineTransformer",),
    "imputing:simple_imputer": ("SimpleImputer",),
    "encoding:one_hot": ("OneHotEncoder",),
    "encoding:ordinal": ("OrdinalEncoder",),
    "encoding:target": ("TargetEncoder",),
    "selection:selected": (
        "GenericUnivariateSelect",
        "SelectFdr",
        "SelectFpr",
        "SelectFromModel",
        "SelectFwe",
        "SelectKBest",
        "SelectPercentile",
        "SequentialFeatureSelector",
        "VarianceThreshold",
    ),
    "several:eliminated": ("RFE", "RFECV"),
    "selection:pca": ("PCA", "IncrementalPCA"),
    "selection:truncated_svd": ("TruncatedSVD",),
    "selection:polynomial": ("PolynomialFeatures",),
    "projections:boltzmann": ("BernoulliRBM",),
    "projections:factor_analysis": ("FactorAnalysis",),
    "projections:fast_ica": ("FastICA",),
    "projections:feature_agglomeration": ("FeatureAgglomeration",),
    "projections:kernel_centerer": ("KernelCenterer",),
    "projections:partial_least_squares": ("CCA", "PLSCanonical", "PLSRegression"),
    "projections:pls_svd": ("PLSSVD",),
    "projections:random_projection": ("GaussianRandomProjection", "SparseRandomProjection"),
    "projections:sparse_pca": ("MiniBatchSparsePCA", "SparsePCA"),
    "projections:trees_embedding": ("RandomTreesEmbedding",),
    "kernels:kernel_ridge": ("KernelRidge",),
    "kernels:nystroem": ("Nystroem",),
    "kernels:one_class": ("OneClassSVM",),
    "kernels:rbf_sampler": ("RBFSampler",),
    "kernels:additive_chi2": ("AdditiveChi2Sampler",),
    "kernels:label_propagation": ("LabelPropagation", "LabelSpreading"),
    "kernels:skewed_chi2": ("SkewedChi2Sampler",),
    "kernels:support_classifier": ("NuSVC", "SVC"),
    "kernels:support_regressor": ("NuSVR", "SVR"),
    "clusters:birch": ("Birch",),
    "clusters:bisecting": ("BisectingKMeans",),
    "clusters:elliptic_envelope": ("EllipticEnvelope",),
    "clusters:kmeans": ("KMeans", "MiniBatchKMeans"),
    "clusters:nearest_center": ("AffinityPropagation", "MeanShift"),
    "clusters:nearest_centroid": ("NearestCentroid",),
    "isolation:forest": ("IsolationForest",),
    "mixtures:mixture": ("BayesianGaussianMixture", "GaussianMixture"),
    "bayes:categorical": ("CategoricalNB",),
    "several:chain": ("ClassifierChain", "RegressorChain"),
    "several:dummy_classifier": ("DummyClassifier",),
    "several:dummy_regressor": ("DummyRegressor",),
    "several:held": ("FrozenEstimator", "SelfTrainingClassifier"),
    "several:multi_output": ("MultiOutputClassifier", "MultiOutputRegressor"),
    "several:one_vs_rest": ("OneVsRestClassifier",),
    "several:output_code": ("OutputCodeClassifier",),
    "several:transformed_target": ("TransformedTargetRegressor",),
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
