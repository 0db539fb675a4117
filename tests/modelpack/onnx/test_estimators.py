"""Estimators that have a writer of their own, in double as scikit-learn computes them."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import Birch, BisectingKMeans, FeatureAgglomeration, KMeans, MeanShift
from sklearn.compose import TransformedTargetRegressor
from sklearn.covariance import EllipticEnvelope
from sklearn.cross_decomposition import CCA, PLSSVD, PLSRegression
from sklearn.decomposition import FactorAnalysis, FastICA, SparsePCA
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import IsolationForest, RandomTreesEmbedding, StackingRegressor, VotingRegressor
from sklearn.feature_selection import RFE
from sklearn.frozen import FrozenEstimator
from sklearn.impute import MissingIndicator
from sklearn.isotonic import IsotonicRegression
from sklearn.kernel_approximation import AdditiveChi2Sampler, Nystroem, RBFSampler, SkewedChi2Sampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.multiclass import OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, RegressorChain
from sklearn.naive_bayes import CategoricalNB, GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.random_projection import SparseRandomProjection
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC, SVR, NuSVC, OneClassSVM

from modelpack.onnx.native import native
from modelpack.onnx.parity import certify
from tests.modelpack.onnx.data import SEED, held, mixed, numbers, signature_of
from tests.modelpack.onnx.forms import answers, exact, matrix_signature

SCALE = StandardScaler()
LOGISTIC = LogisticRegression(max_iter=300)
BOTH = ("predict", "predict_proba")

CASES: list[tuple[Any, str, tuple[str, ...]]] = [
    (Binarizer(threshold=3.0), "two", ("transform",)),
    (Normalizer(), "two", ("transform",)),
    (Normalizer("l1"), "two", ("transform",)),
    (Normalizer("max"), "two", ("transform",)),
    (KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf"), "two", ("transform",)),
    (KBinsDiscretizer(3, encode="ordinal", strategy="uniform"), "two", ("transform",)),
    (PowerTransformer(), "two", ("transform",)),
    (PowerTransformer(standardize=False), "two", ("transform",)),
    (QuantileTransformer(n_quantiles=60), "two", ("transform",)),
    (SplineTransformer(), "two", ("transform",)),
    (SplineTransformer(degree=2, n_knots=4, include_bias=False), "two", ("transform",)),
    (FunctionTransformer(np.log1p), "two", ("transform",)),
    (make_pipeline(SCALE, FunctionTransformer(np.expm1)), "two", ("transform",)),
    (FastICA(3, random_state=0, max_iter=2000), "two", ("transform",)),
    (FactorAnalysis(3), "two", ("transform",)),
    (SparsePCA(3, random_state=0, max_iter=20), "two", ("transform",)),
    (FeatureAgglomeration(3), "two", ("transform",)),
    (AdditiveChi2Sampler(), "two", ("transform",)),
    (SkewedChi2Sampler(n_components=20, random_state=0), "two", ("transform",)),
    (SparseRandomProjection(4, random_state=0), "two", ("transform",)),
    (make_pipeline(MinMaxScaler(), BernoulliRBM(4, random_state=0, n_iter=3)), "two", ("transform",)),
    (make_pipeline(SCALE, Nystroem(n_components=20, random_state=0)), "two", ("transform",)),
    (make_pipeline(SCALE, RBFSampler(n_components=20, random_state=0)), "two", ("transform",)),
    (RandomTreesEmbedding(5, max_depth=3, random_state=0), "two", ("transform",)),
    (PLSRegression(2), "value", ("predict", "transform")),
    (CCA(1), "value", ("predict", "transform")),
    (PLSSVD(1), "value", ("transform",)),
    (KMeans(4, n_init=1, random_state=0), "two", ("predict", "transform")),
    (BisectingKMeans(5, random_state=0), "two", ("predict", "transform")),
    (make_pipeline(SCALE, MeanShift(bandwidth=2.0)), "two", ("predict",)),
    (make_pipeline(SCALE, Birch(n_clusters=3)), "two", ("predict", "transform")),
    *[
        (make_pipeline(SCALE, GaussianMixture(3, covariance_type=kind, random_state=0)), "two", BOTH)
        for kind in ("full", "tied", "diag", "spherical")
    ],
    (make_pipeline(SCALE, BayesianGaussianMixture(n_components=3, random_state=0)), "two", BOTH),
    (make_pipeline(SCALE, LabelSpreading(gamma=0.5)), "three", BOTH),
    (NearestCentroid(), "three", BOTH),
    (NearestCentroid(priors="empirical"), "three", BOTH),
    (EllipticEnvelope(random_state=0), "two", ("predict", "decision_function")),
    (IsolationForest(n_estimators=9, random_state=0), "two", ("predict", "decision_function")),
    (IsolationForest(n_estimators=9, max_features=3, random_state=0), "two", ("predict", "score_samples")),
    (make_pipeline(SCALE, SVC()), "two", ("predict", "decision_function")),
    (make_pipeline(SCALE, SVC()), "three", ("predict", "decision_function")),
    (make_pipeline(SCALE, SVC(decision_function_shape="ovo")), "three", ("predict", "decision_function")),
    (make_pipeline(SCALE, SVC(kernel="poly")), "three", ("predict", "decision_function")),
    (make_pipeline(SCALE, SVC(kernel="linear")), "three", ("predict", "decision_function")),
    (make_pipeline(SCALE, NuSVC(kernel="sigmoid", nu=0.2)), "two", ("predict", "decision_function")),
    (make_pipeline(SCALE, SVR()), "value", ("predict",)),
    (make_pipeline(SCALE, OneClassSVM()), "two", ("predict", "decision_function")),
    (make_pipeline(SCALE, KernelRidge(kernel="rbf")), "value", ("predict",)),
    (make_pipeline(SCALE, KernelRidge()), "value", ("predict",)),
    (OneVsRestClassifier(LOGISTIC), "three", BOTH),
    (OneVsRestClassifier(GaussianNB()), "three", BOTH),
    (OneVsRestClassifier(GaussianNB()), "two", BOTH),
    (OutputCodeClassifier(GaussianNB(), random_state=0), "three", ("predict",)),
    (SelfTrainingClassifier(GaussianNB()), "two", BOTH),
    (RFE(LOGISTIC, n_features_to_select=3), "three", (*BOTH, "transform")),
    (TransformedTargetRegressor(Ridge()), "value", ("predict",)),
    (TransformedTargetRegressor(Ridge(), func=np.cbrt, inverse_func=np.square, check_inverse=False), "value",
     ("predict",)),
    (TransformedTargetRegressor(Ridge(), transformer=StandardScaler()), "value", ("predict",)),
    (TransformedTargetRegressor(Ridge(), transformer=MinMaxScaler()), "value", ("predict",)),
    (DummyClassifier(), "three", BOTH),
    (DummyClassifier(strategy="most_frequent"), "three", BOTH),
    (DummyClassifier(strategy="constant", constant=2), "three", BOTH),
    (DummyRegressor(strategy="median"), "value", ("predict",)),
    (VotingRegressor([("a", Ridge()), ("b", Ridge(9))]), "value", ("predict", "transform")),
    (StackingRegressor([("a", Ridge()), ("b", Ridge(9))], passthrough=True), "value",
     ("predict", "transform")),
    (CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=2), "two", BOTH),
    (CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=2), "three", BOTH),
]  # fmt: skip


def fitted(model: Any, rows: Any, target: Any) -> Any:
    with warnings.catch_warnings():
        # Some do not converge in the little time that they are given.
        warnings.simplefilter("ignore")
        return model.fit(rows, target)


def assert_alike(model: Any, rows: np.ndarray, methods: tuple[str, ...], signature: Any = None) -> None:
    form = exact(model, signature or matrix_signature(rows.shape[1]), methods)
    assert form.layout is not None
    assert set(form.layout.outputs) == set(methods), form.problems
    for method in methods:
        wanted = np.asarray(native(model)(rows, method))
        got = answers(form, rows, method).reshape(wanted.shape)
        if wanted.dtype.kind == "f":
            scale = float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0))
            np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12 * scale, err_msg=method)
        else:
            np.testing.assert_array_equal(got, wanted, err_msg=method)


@pytest.mark.parametrize(
    ("model", "target", "methods"),
    CASES,
    ids=[f"{type(one).__name__}-{place}" for place, (one, *_) in enumerate(CASES)],
)
def test_it_answers_as_scikit_learn_does(model: Any, target: str, methods: tuple[str, ...]) -> None:
    rows, targets = numbers(200)
    fitted(model, rows, targets[target])
    rng = np.random.default_rng(SEED)
    other = rng.uniform(rows.min(axis=0) * 0.5, rows.max(axis=0) * 1.5, rows.shape)
    assert_alike(model, np.r_[rows, other, rows[:20].round()], methods)


def test_chains_and_several_targets() -> None:
    rows, targets = numbers(200)
    labels = np.c_[targets["two"], targets["three"] > 0].astype(int)
    values = np.c_[targets["value"], rows[:, 0] - rows[:, 1]]
    assert_alike(fitted(MultiOutputClassifier(LOGISTIC), rows, labels), rows, ("predict",))
    chained = fitted(ClassifierChain(LOGISTIC, order=[1, 0]), rows, labels)
    assert_alike(chained, rows, ("predict", "predict_proba", "decision_function"))
    by_chance = fitted(ClassifierChain(LOGISTIC, chain_method="predict_proba"), rows, labels)
    assert_alike(by_chance, rows, BOTH)
    assert_alike(fitted(RegressorChain(Ridge(), order=[1, 0]), rows, values), rows, ("predict",))


def test_what_is_frozen_answers_itself() -> None:
    rows, targets = numbers(200)
    model = FrozenEstimator(fitted(make_pipeline(StandardScaler(), LOGISTIC), rows, targets["three"]))
    assert_alike(model, rows, (*BOTH, "decision_function"))


@pytest.mark.parametrize("outside", ["nan", "clip"])
def test_isotonic_regression_inside_and_outside(outside: str) -> None:
    rows, targets = numbers(200)
    model = IsotonicRegression(out_of_bounds=outside).fit(rows[:, :1], targets["value"])
    values = np.r_[rows[:, 0], rows[:, 0] + 0.3, -1e9, 1e9].reshape(-1, 1)
    assert_alike(model, values, ("predict", "transform"))


def test_a_box_cox_refuses_what_is_not_positive() -> None:
    rows = np.abs(numbers(200)[0]) + 0.5
    model = PowerTransformer("box-cox").fit(rows)
    assert_alike(model, rows, ("transform",))
    form = exact(model, matrix_signature(6), ("transform",))
    rows[3, 2] = 0.0
    with pytest.raises(ValueError, match="the model refuses a value"):
        answers(form, rows, "transform")


def test_missing_values_are_pointed_out() -> None:
    rows, _ = numbers(200, missing=0.1)
    assert_alike(MissingIndicator().fit(rows), rows, ("transform",))
    assert_alike(MissingIndicator(features="all").fit(rows), rows, ("transform",))


def test_categories_that_naive_bayes_has_not_seen_are_refused() -> None:
    codes = numbers(200)[0][:, [3, 4, 5]].astype(np.int64)
    model = CategoricalNB().fit(codes, numbers(200)[1]["three"])
    assert_alike(model, codes, BOTH, matrix_signature(3, "int64"))
    form = exact(model, matrix_signature(3, "int64"), BOTH)
    for wrong in (-1, 10_000):
        with pytest.raises(ValueError, match="the model refuses a value"):
            answers(form, np.array([[0, 0, wrong]]), "predict")


@pytest.mark.parametrize("target", ["two", "three", "value"])
def test_means_of_the_target_by_category(target: str) -> None:
    data = mixed(200)[0][["city", "plan"]]
    model = TargetEncoder(target_type={"two": "binary", "three": "multiclass", "value": "continuous"}[target])
    model.fit(data, numbers(200)[1][target])
    more = pd.DataFrame({"city": ["Oslo", "Rome", ""], "plan": ["pro", "free", "other"]})
    signature = signature_of(data)
    form = exact(model, signature, ("transform",))
    for frame in (data, more):
        table = held(frame, signature.inputs)
        np.testing.assert_allclose(answers(form, table, "transform"), model.transform(frame), rtol=1e-12)


@pytest.mark.parametrize("model", [PowerTransformer(), QuantileTransformer(n_quantiles=50)])
def test_a_curve_costs_trees_no_node_and_others_its_formula(model: Any) -> None:
    rows, targets = numbers(200)
    assert_alike(fitted(make_pipeline(model, LOGISTIC), rows, targets["two"]), rows, BOTH)


def test_the_rows_of_the_training_are_among_those_compared() -> None:
    rows, _ = numbers()
    model = OneClassSVM(gamma=1e-6).fit(rows)
    _, report = certify(
        model, matrix_signature(6), example=rows[:3], reference=rows, methods=("predict",), rows=200
    )
    assert report.rows["reference"] == len(rows)
    assert report.certified == ("predict",)
