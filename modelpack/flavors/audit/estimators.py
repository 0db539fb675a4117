"""A model that skops has built, checked before it is used: numbers that scikit-learn's compiled code trusts.

What is checked: trees of every kind, other libraries' too, the tables of support vector machines, neighbours,
cluster centres, splines, sparse matrices, random generators. What is not: every other array of every other
estimator.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from modelpack.errors import InvalidModel, Untrusted, shorten
from modelpack.flavors.audit import boosters, trees
from modelpack.trust import Trust

_TREE = "sklearn.tree._tree.Tree"
_HISTOGRAM = "sklearn.ensemble._hist_gradient_boosting"
_PREDICTOR = f"{_HISTOGRAM}.predictor.TreePredictor"


def check(model: Any, trust: Trust) -> None:
    """Raise InvalidModel when a part of *model* holds numbers that compiled code would follow out of bounds.

    Raises Untrusted for a text vectorizer that reads files which its caller names, unless *trust* names it.
    """
    owned: set[int] = set()
    loose: list[Any] = []
    for part in _parts(model):
        classes = _classes(part)
        for name, verify in _CHECKS.items():
            if name in classes:
                try:
                    verify(part, owned)
                except (AttributeError, TypeError, ValueError, IndexError, KeyError) as error:
                    if isinstance(error, InvalidModel):
                        raise
                    raise _malformed(part, f"{type(error).__name__}: {error}") from error
        if classes & {_TREE, _PREDICTOR}:
            loose.append(part)
        _check_reads_no_files(part, classes, trust)
    if any(id(part) not in owned for part in loose):
        raise InvalidModel("the model holds a tree in a place where no estimator answers for its features")


def _parts(model: Any) -> Iterator[Any]:
    """*model* and all that it holds, each once."""
    seen: set[int] = set()
    pending = [model]
    while pending:
        part = pending.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float | type(None) | type):
            continue
        seen.add(id(part))
        yield part
        pending.extend(_held(part))


def _held(part: Any) -> Iterator[Any]:
    if isinstance(part, Mapping):
        yield from part.keys()
        yield from part.values()
    elif isinstance(part, list | tuple | set | frozenset):
        yield from part
    elif isinstance(part, partial):
        yield from (part.func, part.args, part.keywords)
    elif isinstance(part, np.ndarray):
        if part.dtype.hasobject:
            yield from part.ravel().tolist()
        return
    yield from getattr(part, "__dict__", {}).values()


def _classes(part: Any) -> set[str]:
    return {f"{class_.__module__}.{class_.__qualname__}" for class_ in type(part).__mro__}


def _malformed(part: Any, what: str) -> InvalidModel:
    return InvalidModel(shorten(f"the {type(part).__name__} of the model is malformed: {what}"))


def _expect(claim: Any, part: Any, what: str) -> None:
    if not claim:
        raise _malformed(part, what)


def _decision_tree(part: Any, owned: set[int]) -> None:
    tree = part.__dict__.get("tree_")
    if tree is None:
        return
    _expect(_TREE in _classes(tree), part, "its tree is something else")
    # The check of the caller's columns looks at this number, and is silent where there is none.
    _expect(part.n_features_in_ == tree.n_features, part, "it has more or fewer features than its tree")
    owned.add(id(tree))


def _gradient_boosting(part: Any, owned: set[int]) -> None:
    stages = part.__dict__.get("estimators_")
    if stages is None:
        return
    width = part.n_trees_per_iteration_
    _expect(isinstance(stages, np.ndarray) and stages.ndim == 2, part, "its stages have another form")
    _expect(stages.shape[1] == width, part, "it has more trees in a stage than outputs")
    classes = len(part.classes_) if hasattr(part, "classes_") else 1
    _expect(width == (classes if classes > 2 else 1), part, "it has more trees in a stage than outputs")
    for one in stages.ravel():
        _expect("sklearn.tree._classes.DecisionTreeRegressor" in _classes(one), part, "a stage is no tree")
        tree = one.tree_
        _expect(_TREE in _classes(tree), part, "a stage is no tree")
        _expect(tree.n_features == part.n_features_in_, part, "a stage has other features")
        _expect(tree.value.shape[1:] == (1, 1), part, "a stage has several outputs")


def _histogram_boosting(part: Any, owned: set[int]) -> None:
    stages = part.__dict__.get("_predictors")
    if stages is None:
        return
    is_categorical = np.asarray(part._bin_mapper.is_categorical_) != 0  # noqa: SLF001 - the file's content
    _expect(len(is_categorical) == part.n_features_in_, part, "it has more or fewer features than its bins")
    for predictor in (one for stage in stages for one in stage):
        _expect(_PREDICTOR in _classes(predictor), part, "a stage is something else")
        trees.check_predictor(
            predictor.nodes, predictor.raw_left_cat_bitsets, is_categorical, part.n_features_in_
        )
        owned.add(id(predictor))


def _neighbour_tree(part: Any, owned: set[int]) -> None:
    state = part.__getstate__()
    is_ball = "Ball" in type(part).__name__
    trees.check_neighbours(state, is_ball=is_ball)
    weights = np.asarray(state[11].__getstate__()[1])
    if "Minkowski" in type(state[11]).__name__:
        _expect(weights.size in (0, state[0].shape[1]), part, "its distance has other weights")


def _neighbours(part: Any, owned: set[int]) -> None:
    rows = part.__dict__.get("_fit_X")
    if rows is None:
        return
    _expect(part.n_samples_fit_ == rows.shape[0], part, "it has other rows than it says")
    if part.metric != "precomputed":
        _expect(part.n_features_in_ == rows.shape[1], part, "it has other features than its rows")
    labels = part.__dict__.get("_y")
    if labels is not None:
        _expect(len(labels) == rows.shape[0], part, "it has other labels than rows")
        if "classes_" in part.__dict__ and np.ndim(labels) == 1:
            known = len(part.classes_)
            _expect(((labels >= 0) & (labels < known)).all(), part, "a label is none of its classes")


def _support_vectors(part: Any, owned: set[int]) -> None:
    vectors = part.__dict__.get("support_vectors_")
    if vectors is None:
        return
    counts, count = np.asarray(part._n_support), len(part.support_)  # noqa: SLF001 - the file's content
    is_classifier = "classes_" in part.__dict__
    known = len(part.classes_) if is_classifier else 2
    pairs = known * (known - 1) // 2
    _expect(known >= 2 and (counts >= 0).all(), part, "it counts its vectors wrong")
    # A regressor's table has a second entry that nothing reads.
    counts = counts if is_classifier else counts[:1]
    _expect(len(counts) == (known if is_classifier else 1), part, "it counts its vectors wrong")
    _expect(counts.sum() == count, part, "it counts its vectors wrong")
    _expect(part._dual_coef_.shape == (known - 1, count), part, "its coefficients do not fit")
    _expect(np.size(part._intercept_) == pairs, part, "its intercepts do not fit")
    for values in (part._probA, part._probB):  # noqa: SLF001
        _expect(np.size(values) in (0, pairs), part, "its probabilities do not fit")
    _expect(part.shape_fit_[1] == part.n_features_in_, part, "it has other features than its vectors")
    if part.kernel == "precomputed":
        _expect(
            ((part.support_ >= 0) & (part.support_ < part.shape_fit_[0])).all(), part, "a vector is missing"
        )
    else:
        _expect(vectors.shape == (count, part.n_features_in_), part, "its vectors do not fit")


def _cluster_centres(part: Any, owned: set[int]) -> None:
    centres = part.__dict__.get("cluster_centers_")
    if centres is not None:
        _expect(centres.ndim == 2 and centres.shape[1] == part.n_features_in_, part, "its centres do not fit")


def _spline(part: Any, owned: set[int]) -> None:
    knots, coefficients, degree = part.t, part.c, part.k
    _expect(type(degree) is int and 0 <= degree <= 50 and knots.ndim == 1, part, "its degree is none")
    count = len(knots) - degree - 1
    _expect(count > degree and coefficients.shape[0] >= count, part, "its coefficients do not fit its knots")
    _expect((np.diff(knots) >= 0).all(), part, "its knots are not in order")


def _sparse(part: Any, owned: set[int]) -> None:
    if hasattr(part, "check_format"):
        part.check_format(full_check=True)


def _random(part: Any, owned: set[int]) -> None:
    state = part.get_state(legacy=False) if hasattr(part, "get_state") else part.bit_generator.state
    name = state["bit_generator"]
    if name == "MT19937":
        _expect(0 <= int(state["state"]["pos"]) <= 624, part, "it stands at no number")
    elif name == "Philox":
        _expect(0 <= int(state["buffer_pos"]) <= 4, part, "it stands at no number")


def _check_reads_no_files(part: Any, classes: set[str], trust: Trust) -> None:
    if "sklearn.feature_extraction.text._VectorizerMixin" not in classes:
        return
    name = f"{type(part).__module__}.{type(part).__qualname__}"
    if getattr(part, "input", "content") != "content" and not trust.allow_type(name):
        raise Untrusted(
            f"the {type(part).__name__} opens files that its callers name (input={part.input!r})",
            allow=f"--trust {name}",
            types=[name],
        )


_CHECKS: Mapping[str, Callable[[Any, set[int]], None]] = {
    "sklearn.tree._classes.BaseDecisionTree": _decision_tree,
    "sklearn.ensemble._gb.BaseGradientBoosting": _gradient_boosting,
    f"{_HISTOGRAM}.gradient_boosting.BaseHistGradientBoosting": _histogram_boosting,
    **{
        f"sklearn.neighbors._{kind}_tree.BinaryTree{bits}": _neighbour_tree
        for kind in ("kd", "ball")
        for bits in ("", "64", "32")
    },
    "sklearn.neighbors._base.NeighborsBase": _neighbours,
    "sklearn.svm._base.BaseLibSVM": _support_vectors,
    "sklearn.cluster._kmeans._BaseKMeans": _cluster_centres,
    "scipy.interpolate._bsplines.BSpline": _spline,
    "scipy.sparse._base._spbase": _sparse,
    "numpy.random.mtrand.RandomState": _random,
    "numpy.random._generator.Generator": _random,
    "xgboost.core.Booster": lambda part, owned: boosters.check_xgboost_booster(part),
    "lightgbm.basic.Booster": lambda part, owned: boosters.check_lightgbm_booster(part),
}
"""By the full name of a class among an object's own and those it builds on."""
