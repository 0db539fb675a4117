"""XGBoost's trees: float32 rows, ``<``, and sums in float32 that begin with the base score.

Source: XGBoost 3.2, ``src/predictor/cpu_predictor.cc`` and ``src/objective``.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from modelpack.errors import NotConvertible, shorten
from modelpack.onnx.boosted import reading
from modelpack.onnx.columns import DOUBLE, FLOAT, Frame, cast, matrix, whole
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.trees import Tree, constant_tree, sums
from modelpack.onnx.writing import Answers, argmax, at_least, flat, labels, scaled, two_sided

_LOGISTIC = frozenset({"binary:logistic", "reg:logistic"})
_EXPONENTIAL = frozenset({"count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "survival:aft"})
_PLAIN = frozenset(
    {
        "binary:logitraw",
        "rank:map",
        "rank:ndcg",
        "rank:pairwise",
        "reg:absoluteerror",
        "reg:expectileerror",
        "reg:pseudohubererror",
        "reg:quantileerror",
        "reg:squarederror",
        "reg:squaredlogerror",
    }
)

_LARGEST_EXPONENT = 88.7
"""Where XGBoost cuts what it takes the exponential of, lest it be infinite."""


def write(graph: Graph, model: Any, frame: Frame) -> Answers:
    """A ``Booster``, or an estimator around one."""
    if not hasattr(model, "get_booster"):
        return {"predict": _value(graph, _read(model, None), frame)}
    missing = model.get_params().get("missing", math.nan)
    if missing is not None and not math.isnan(missing):
        raise NotConvertible(f"missing values that are written {missing!r}")
    learner = _read(model.get_booster(), _best(model))
    if not hasattr(model, "predict_proba"):
        return {"predict": _value(graph, learner, frame)}
    return _classes(graph, model, learner, frame)


def _read(booster: Any, iterations: int | None) -> "_Learner":
    with reading("XGBoost"):
        return _Learner(booster, iterations)


class _Learner:
    """What a booster's own JSON says of it: *trees*, the *targets* they add to, what the sums begin with."""

    def __init__(self, booster: Any, iterations: int | None) -> None:
        learner = json.loads(bytes(booster.save_raw("json")))["learner"]
        kind = learner["gradient_booster"]["name"]
        if kind not in ("gbtree", "dart"):
            raise NotConvertible(f"a booster of the kind {shorten(kind, 40)}")
        boosting = learner["gradient_booster"]
        model = boosting["gbtree"]["model"] if kind == "dart" else boosting["model"]
        weights = boosting["weight_drop"] if kind == "dart" else [1.0] * len(model["trees"])
        parameters = learner["learner_model_param"]
        self.objective = str(learner["objective"]["name"])
        self.width = max(1, int(parameters["num_class"])) * max(1, int(parameters.get("num_target", 1)))
        self.start = _start(parameters["base_score"], self.objective, self.width)
        count = len(model["trees"]) if iterations is None else _count(model, iterations)
        self.trees = [
            _tree(tree, weight) for tree, weight in zip(model["trees"][:count], weights, strict=False)
        ]
        self.targets = [int(target) for target in model["tree_info"][:count]]


def _count(model: Mapping[str, Any], iterations: int) -> int:
    """The trees of the first *iterations*."""
    bounds = model.get("iteration_indptr")
    if not bounds:
        raise NotConvertible("a file that does not tell which trees were stopped before")
    return int(bounds[min(iterations, len(bounds) - 1)])


def _best(model: Any) -> int | None:
    """How many iterations an estimator predicts with, where it was stopped early; None for all."""
    try:
        return int(model.best_iteration) + 1
    except AttributeError:
        return None


def _start(text: str, objective: str, width: int) -> np.ndarray:
    """What the sums begin with, in float32: the base score, turned by the objective's link."""
    given = json.loads(text) if text.startswith("[") else [float(text)]
    scores = np.broadcast_to(np.array(given, dtype=np.float32), (width,))
    one = np.float32(1)
    if objective in _LOGISTIC or objective == "binary:logitraw":
        return np.array([-math.log(one / score - one) for score in scores], dtype=np.float32)
    if objective in _EXPONENTIAL:
        return np.array([math.log(score) for score in scores], dtype=np.float32)
    return scores


def _tree(tree: Mapping[str, Any], weight: float) -> Tree:
    if tree["tree_param"].get("size_leaf_vector", "1") not in ("0", "1"):
        raise NotConvertible("trees whose leaves hold several numbers")
    if any(tree["split_type"]):
        raise NotConvertible("trees that ask for categories")
    left = np.array(tree["left_children"], dtype=np.int64)
    conditions = np.array(tree["split_conditions"], dtype=np.float32)
    return Tree(
        feature=np.array(tree["split_indices"], dtype=np.int64),
        # Less than a float is at most the float before it.
        threshold=np.nextafter(conditions, np.float32(-np.inf)).astype(np.float64),
        left=left,
        right=np.array(tree["right_children"], dtype=np.int64),
        missing_left=np.array(tree["default_left"], dtype=bool),
        value=(conditions * np.float32(weight)).astype(np.float64),
    )


def _margins(graph: Graph, learner: _Learner, frame: Frame) -> Tensor:
    """The sums before the objective's last step, in float32 and tree by tree."""
    rows = whole(matrix(graph, frame, FLOAT))
    trees = [*(constant_tree(float(one)) for one in learner.start), *learner.trees]
    targets: Sequence[int] = [*range(learner.width), *learner.targets]
    return sums(graph, rows, trees, targets, width=learner.width, rounding=None, dtype=FLOAT)


def _value(graph: Graph, learner: _Learner, frame: Frame) -> Callable[[], Tensor]:
    """What ``Booster.predict`` answers: the margins through the objective."""

    def predict() -> Tensor:
        answers = _transformed(graph, learner, _margins(graph, learner, frame))
        return flat(graph, answers) if answers.width == 1 else answers

    return predict


def _transformed(graph: Graph, learner: _Learner, margins: Tensor) -> Tensor:
    objective = learner.objective
    if objective in _PLAIN:
        return margins
    if objective in _LOGISTIC:
        return _sigmoid(graph, margins)
    if objective in _EXPONENTIAL:
        return _exp(graph, margins)
    if objective == "multi:softprob":
        return _softmax(graph, margins)
    if objective == "multi:softmax":
        return cast(graph, argmax(graph, margins), FLOAT)
    if objective == "binary:hinge":
        return cast(graph, at_least(graph, margins, 0.0, strictly=True), FLOAT)
    raise NotConvertible(f"the objective {shorten(objective, 60)}")


def _classes(graph: Graph, model: Any, learner: _Learner, frame: Frame) -> Answers:
    """Probabilities, and the class that they say."""
    if learner.objective not in ("binary:logistic", "multi:softprob"):
        raise NotConvertible(f"a classifier with the objective {shorten(learner.objective, 60)}")
    if learner.objective == "binary:logistic" and learner.width != 1:
        raise NotConvertible("a classifier with several outputs")

    def shares() -> Tensor:
        return _transformed(graph, learner, _margins(graph, learner, frame))

    def probabilities() -> Tensor:
        return two_sided(graph, shares()) if learner.width == 1 else shares()

    def predict() -> Tensor:
        found = shares()
        if learner.width == 1:
            return labels(graph, at_least(graph, found, 0.5, strictly=True), model.classes_)
        return labels(graph, argmax(graph, found), model.classes_)

    return {"predict": predict, "predict_proba": probabilities}


def _exp(graph: Graph, values: Tensor) -> Tensor:
    """The exponential as the C library gives it for float32: that of the double, rounded."""
    wide = cast(graph, values, DOUBLE)
    return cast(graph, Tensor(graph.node("Exp", wide), DOUBLE, values.width), FLOAT)


def _sigmoid(graph: Graph, margins: Tensor) -> Tensor:
    opposite = Tensor(graph.node("Neg", margins), FLOAT, margins.width)
    bounded = graph.node("Min", opposite, np.array(_LARGEST_EXPONENT, dtype=np.float32))
    below = scaled(graph, _exp(graph, Tensor(bounded, FLOAT, margins.width)), "Add", 1.0)
    return Tensor(graph.node("Div", np.ones(1, dtype=np.float32), below), FLOAT, margins.width)


def _softmax(graph: Graph, margins: Tensor) -> Tensor:
    """The exponentials in float32, over their sum in double, rounded to float32."""
    most = graph.node("ReduceMax", margins, np.array([1]), keepdims=1)
    raised = _exp(graph, Tensor(graph.node("Sub", margins, most), FLOAT, margins.width))
    total = graph.node("ReduceSum", cast(graph, raised, DOUBLE), np.array([1]), keepdims=1)
    below = cast(graph, Tensor(total, DOUBLE, 1), FLOAT)
    return Tensor(graph.node("Div", raised, below), FLOAT, margins.width)
