"""What skops may build without a word from the operator, beyond what skops itself trusts.

Each entry was looked at: a class keeps numbers, text and other entries of these lists; a function computes,
and can neither run code, open files nor reach the network, whatever it is given. skops' own list holds
scikit-learn's public estimators, its losses, numpy's and scipy's element-wise functions and data types.
"""

from modelpack.flavors.audit.nodes import FUNCTION, OBJECT, TYPE, Mention
from modelpack.trust import Trust


def _below(package: str, names: str) -> frozenset[str]:
    return frozenset(f"{package}.{name}" for name in names.split())


TREES = (
    _below("sklearn.tree._tree", "Tree")
    | _below("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor")
    | _below("sklearn.neighbors._kd_tree", "KDTree KDTree64 KDTree32")
    | _below("sklearn.neighbors._ball_tree", "BallTree BallTree64 BallTree32")
)
"""Allowed because ``trees`` and ``estimators`` check what they hold."""

METRICS = _below(
    "sklearn.metrics._dist_metrics",
    "EuclideanDistance EuclideanDistance64 EuclideanDistance32 ManhattanDistance ManhattanDistance64 "
    "ManhattanDistance32 ChebyshevDistance ChebyshevDistance64 ChebyshevDistance32 MinkowskiDistance "
    "MinkowskiDistance64 MinkowskiDistance32",
)
"""Distances; those that hold matrices, or call Python, are not among them."""

BOOSTERS = (
    _below("catboost.core", "CatBoost CatBoostClassifier CatBoostRanker CatBoostRegressor")
    | _below("lightgbm.basic", "Booster")
    | _below("lightgbm.sklearn", "LGBMClassifier LGBMModel LGBMRanker LGBMRegressor")
    | _below("xgboost.core", "Booster")
    | _below(
        "xgboost.sklearn",
        "XGBClassifier XGBModel XGBRFClassifier XGBRFRegressor XGBRanker XGBRegressor",
    )
)
"""Estimators of other libraries: each reads what its library also reads from a file of its own, and
``boosters`` checks the trees."""

OBJECTS = (
    TREES
    | METRICS
    | BOOSTERS
    | _below("functools", "partial")
    | _below("numpy", "dtype")
    | _below("scipy.interpolate._bsplines", "BSpline")
    | _below("scipy.sparse._csr", "csr_matrix csr_array")
    | _below("scipy.sparse._csc", "csc_matrix csc_array")
    | _below("scipy.sparse._coo", "coo_matrix coo_array")
    | _below("sklearn._loss.loss", "HalfTweedieLoss HalfTweedieLossIdentity")
    | _below("sklearn._loss.link", "IdentityLink LogLink LogitLink HalfLogitLink MultinomialLogit Interval")
    | _below("sklearn.calibration", "_CalibratedClassifier _SigmoidCalibration _TemperatureScaling")
    | _below("sklearn.cluster._bisect_k_means", "_BisectingTree")
    | _below("sklearn.compose._column_transformer", "make_column_selector _RemainderColsList")
    | _below("sklearn.gaussian_process._gpc", "_BinaryGaussianProcessClassifierLaplace")
    | _below(
        "sklearn.gaussian_process.kernels",
        "ConstantKernel WhiteKernel RBF Matern RationalQuadratic ExpSineSquared DotProduct Sum Product "
        "Exponentiation CompoundKernel Hyperparameter",
    )
    | _below("sklearn.metrics._scorer", "_Scorer _PassthroughScorer _CurveScorer _MultimetricScorer")
    | _below(
        "sklearn.model_selection._search_successive_halving", "HalvingGridSearchCV HalvingRandomSearchCV"
    )
    | _below(
        "sklearn.model_selection._split",
        "KFold GroupKFold StratifiedKFold StratifiedGroupKFold RepeatedKFold RepeatedStratifiedKFold "
        "TimeSeriesSplit LeaveOneOut LeavePOut LeaveOneGroupOut LeavePGroupsOut ShuffleSplit "
        "GroupShuffleSplit StratifiedShuffleSplit PredefinedSplit",
    )
    | _below("sklearn.model_selection._search", "ParameterGrid ParameterSampler")
    | _below("sklearn.multiclass", "_ConstantPredictor")
    | _below("sklearn.neural_network._stochastic_optimizers", "AdamOptimizer SGDOptimizer")
    | _below("sklearn.utils._bunch", "Bunch")
    | _below("sklearn.utils._metadata_requests", "MetadataRequest MethodMetadataRequest")
)

FUNCTIONS = (
    _below("numpy", "mean median max min amax amin sum std var prod")
    | _below("scipy._lib.array_api_compat.numpy._aliases", "asarray")
    | _below("sklearn.cluster._kmeans", "_kmeans_single_lloyd _kmeans_single_elkan")
    | _below(
        "sklearn.feature_selection._univariate_selection", "f_classif f_regression f_oneway chi2 r_regression"
    )
    | _below("sklearn.feature_selection._mutual_info", "mutual_info_classif mutual_info_regression")
    | _below(
        "sklearn.metrics._classification",
        "accuracy_score balanced_accuracy_score brier_score_loss cohen_kappa_score d2_brier_score "
        "d2_log_loss_score f1_score fbeta_score hamming_loss hinge_loss jaccard_score log_loss "
        "matthews_corrcoef precision_score recall_score zero_one_loss",
    )
    | _below(
        "sklearn.metrics._ranking",
        "average_precision_score coverage_error dcg_score label_ranking_average_precision_score "
        "label_ranking_loss ndcg_score roc_auc_score top_k_accuracy_score",
    )
    | _below(
        "sklearn.metrics._regression",
        "d2_absolute_error_score d2_pinball_score d2_tweedie_score explained_variance_score max_error "
        "mean_absolute_error mean_absolute_percentage_error mean_gamma_deviance mean_pinball_loss "
        "mean_poisson_deviance mean_squared_error mean_squared_log_error mean_tweedie_deviance "
        "median_absolute_error r2_score root_mean_squared_error root_mean_squared_log_error",
    )
    | _below(
        "sklearn.metrics.cluster._supervised",
        "adjusted_mutual_info_score adjusted_rand_score completeness_score fowlkes_mallows_score "
        "homogeneity_score mutual_info_score normalized_mutual_info_score rand_score v_measure_score",
    )
    | _below("sklearn.utils.validation", "check_array")
)

TYPES = (
    _below(
        "numpy",
        "number integer signedinteger unsignedinteger inexact floating complexfloating generic character "
        "flexible",
    )
    | _below("builtins", "object")
    | _below("collections", "OrderedDict")
)
"""Types as values, as ``make_column_selector`` holds them, and LightGBM's table of scores."""

_KNOWN = {OBJECT: OBJECTS, FUNCTION: FUNCTIONS, TYPE: TYPES}


def is_allowed(mention: Mention, trust: Trust) -> bool:
    """Whether the lists above, or the operator, let skops build or fetch *mention*."""
    return mention.name in _KNOWN.get(mention.kind, ()) or trust.allow_type(mention.name)


def is_misplaced(mention: Mention, trust: Trust) -> bool:
    """Whether *mention* bears a name of the lists as another kind of thing: skops knows names alone."""
    known = any(mention.name in names for names in _KNOWN.values())
    return known and not is_allowed(mention, trust)
