"""Models that skops has built, with numbers that lie. None of them is asked for a prediction."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from modelpack.errors import InvalidModel, Untrusted
from modelpack.flavors import skopsfile
from modelpack.flavors.audit import estimators
from modelpack.trust import Trust
from tests.modelpack.flavors.audit import forge

RANDOM = np.random.default_rng(9)
X = RANDOM.normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)
THREE = np.digitize(X[:, 0], [-0.5, 0.5])


def evil_tree(model: Any) -> None:
    """Replace the tree's features by one that is far out of range."""
    state = model.tree_.__getstate__()
    nodes = state["nodes"].copy()
    nodes["feature"][:] = 10**6
    model.tree_.__setstate__({**state, "nodes": nodes})


def refused(model: Any, path: Path, said: str = "malformed") -> None:
    forge.dump(model, path)
    with pytest.raises(InvalidModel, match=said):
        skopsfile.load(path, Trust())
    # Nor does the word of an operator let numbers out of bounds.
    with pytest.raises(InvalidModel, match=said):
        skopsfile.load(path, Trust(types=("sklearn.*",)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.skops"


def test_a_crafted_tree_is_found_wherever_it_hides(path: Path) -> None:
    tree = DecisionTreeClassifier().fit(X, Y)
    evil_tree(tree)
    forest = RandomForestClassifier(3).fit(X, Y)
    evil_tree(forest.estimators_[2])
    pipeline = make_pipeline(StandardScaler(), BaggingClassifier(forest, 2).fit(X, Y))
    evil_tree(pipeline[-1].estimators_[1].estimators_[0])
    columns = make_column_transformer((StandardScaler(), [0]), ("passthrough", [1, 2])).fit(X)
    for model in (tree, forest, pipeline, {"any": [columns, (tree,)]}):
        refused(model, path)


def change(model: Any, **attributes: Any) -> Any:
    """A copy of *model* with other attributes; None takes one away."""
    changed = copy.deepcopy(model)
    for name, value in attributes.items():
        if value is None:
            delattr(changed, name)
        else:
            setattr(changed, name, value)
    return changed


def crafted() -> dict[str, Any]:
    tree = DecisionTreeClassifier().fit(X, Y)
    wide = DecisionTreeRegressor().fit(X, np.c_[Y, Y, Y])
    boosted = GradientBoostingRegressor(n_estimators=2).fit(X, Y)
    classes = GradientBoostingClassifier(n_estimators=2).fit(X, THREE)
    histogram = HistGradientBoostingClassifier(max_iter=2).fit(X, Y)
    near = KNeighborsClassifier().fit(X, Y)
    brute = KNeighborsRegressor(algorithm="brute").fit(X, Y)
    vectors = SVC().fit(X, THREE)
    line = SVR().fit(X, Y)
    means = KMeans(2, n_init=1).fit(X)
    spline = SplineTransformer().fit(X)
    cut = copy.deepcopy(spline)
    cut.bsplines_[0].c = cut.bsplines_[0].c[:2]
    unordered = copy.deepcopy(spline)
    unordered.bsplines_[1].t = unordered.bsplines_[1].t[::-1].copy()
    matrix = sparse.csr_matrix(X)
    matrix.indices[0] = 10**6
    other = DecisionTreeRegressor().fit(np.c_[X, X], Y)
    stages = boosted.estimators_
    far = copy.deepcopy(histogram)
    far._predictors[0][0].nodes["feature_idx"][:] = 10**6
    return {
        "no count of features": change(tree, n_features_in_=None),
        "another count of features": change(tree, n_features_in_=2),
        "a tree elsewhere": {"tree": tree.tree_},
        "a tree in an attribute": change(StandardScaler().fit(X), tree_=tree.tree_),
        "something else for a tree": change(tree, tree_=StandardScaler()),
        "stages side by side": change(boosted, estimators_=np.tile(stages, (1, 3))),
        "stages side by side, and said so": change(
            boosted, estimators_=np.tile(stages, (1, 3)), n_trees_per_iteration_=3
        ),
        "more stages than classes": change(classes, classes_=np.array([0, 1])),
        "stages of several outputs": change(boosted, estimators_=np.array([[wide]])),
        "stages of other features": change(boosted, estimators_=np.array([[other]])),
        "stages that are no trees": change(boosted, estimators_=np.array([[brute]])),
        "stages in a list": change(boosted, estimators_=[[stages[0, 0]]]),
        "histogram out of range": far,
        "histogram of other features": change(histogram, n_features_in_=1),
        "a histogram's tree elsewhere": [histogram._predictors[0][0]],
        "labels out of range": change(near, _y=np.full(60, 10**6)),
        "labels below": change(near, _y=np.full(60, -1)),
        "labels missing": change(near, _y=Y[:5]),
        "rows missing": change(near, _fit_X=X[:5]),
        "rows of other features": change(brute, _fit_X=X[:, :1].copy()),
        "vectors missing": change(vectors, support_vectors_=vectors.support_vectors_[:1]),
        "vectors of other features": change(vectors, support_vectors_=vectors.support_vectors_[:, :1].copy()),
        "vectors counted wrong": change(vectors, _n_support=np.array([10**6, 1, 1], dtype=np.int32)),
        "vectors counted below": change(vectors, _n_support=np.array([-1, 30, 30], dtype=np.int32)),
        "vectors of more classes": change(vectors, classes_=np.arange(9)),
        "coefficients missing": change(vectors, _dual_coef_=vectors._dual_coef_[:, :1].copy()),
        "intercepts missing": change(vectors, _intercept_=np.zeros(1)),
        "probabilities": change(vectors, _probA=np.zeros(1)),
        "features of a machine": change(vectors, n_features_in_=1),
        "vectors of a line missing": change(line, support_vectors_=line.support_vectors_[:1]),
        "coefficients of a line": change(line, _dual_coef_=np.zeros((1, 1))),
        "centres of other features": change(means, cluster_centers_=means.cluster_centers_[:, :1].copy()),
        "spline without coefficients": cut,
        "spline out of order": unordered,
        "sparse out of range": change(StandardScaler().fit(X), matrix=matrix),
    }


CRAFTED = crafted()


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_model_is_refused(name: str, path: Path) -> None:
    refused(CRAFTED[name], path, "malformed|no estimator answers")


def test_a_crafted_random_state_is_refused(path: Path) -> None:
    model = StandardScaler().fit(X)
    model.random_state = np.random.RandomState(0)
    forge.dump(model, path)
    skopsfile.load(path, Trust())

    def step_out(schema: forge.Node, members: dict[str, bytes]) -> None:
        state = forge.find(schema, "RandomStateNode")["content"]["content"]["state"]["content"]
        state["pos"]["content"] = "1000000"

    forge.rewrite(path, step_out)
    with pytest.raises(InvalidModel, match="it stands at no number"):
        skopsfile.load(path, Trust())


@pytest.mark.parametrize("kind", [CountVectorizer, TfidfVectorizer])
@pytest.mark.parametrize("source", ["filename", "file"])
def test_a_vectorizer_that_opens_what_callers_name_waits_for_the_operator(
    kind: Callable[..., BaseEstimator], source: str, path: Path
) -> None:
    model = make_pipeline(kind(input=source), StandardScaler(with_mean=False))
    forge.dump(model, path)
    name = f"sklearn.feature_extraction.text.{kind.__name__}"
    with pytest.raises(Untrusted, match="opens files that its callers name") as met:
        skopsfile.load(path, Trust())
    assert met.value.allow == f"--trust {name}"
    skopsfile.load(path, Trust(types=(name,)))


def test_a_model_that_holds_itself_is_walked_once() -> None:
    model = StandardScaler().fit(X)
    model.itself = [model, {"again": model}]
    estimators.check(model, Trust())


@pytest.mark.parametrize("protocol", [1, 2])
def test_honest_models_pass_under_every_protocol(protocol: int, path: Path) -> None:
    model = RandomForestClassifier(3).fit(X, Y)
    forge.dump(model, path)

    def claim(schema: forge.Node, members: dict[str, bytes]) -> None:
        schema["protocol"] = protocol

    forge.rewrite(path, claim)
    assert (skopsfile.load(path, Trust()).predict(X) == model.predict(X)).all()
