"""Ensembles of other estimators: votes, bags, calibration."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import DOUBLE, Frame, cast
from modelpack.onnx.estimators.shaping import isotonic_curve
from modelpack.onnx.formulas import side_by_side
from modelpack.onnx.graph import ML, TEXT, Graph, Tensor
from modelpack.onnx.writing import (
    INDEX,
    Answers,
    answer,
    argmax,
    at_least,
    doubles,
    flat,
    labels,
    scaled,
    sigmoid,
    softmax,
    total,
    two_sided,
    upright,
    write_answers,
)


def voting_classifier(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The mean of the probabilities (soft), or the class with the most votes (hard), by weights if so."""
    members = [write_answers(graph, one, frame) for one in model.estimators_]
    weights = _weights(model)
    if model.voting == "hard":
        return {
            "predict": lambda: labels(graph, argmax(graph, _votes(graph, model, members)), model.classes_)
        }

    def shares() -> Tensor:
        return _average(graph, [answer(one, "predict_proba") for one in members], weights)

    return {
        "predict_proba": shares,
        "predict": lambda: labels(graph, argmax(graph, shares()), model.classes_),
    }


def voting_regressor(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The mean of the answers, by weights if so."""
    members = [write_answers(graph, one, frame) for one in model.estimators_]
    weights = _weights(model)

    def each() -> list[Tensor]:
        return [flat(graph, answer(one, "predict")) for one in members]

    return {
        "predict": lambda: _average(graph, each(), weights),
        "transform": lambda: side_by_side(graph, [doubles(graph, one) for one in each()]),
    }


def bagging_classifier(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The mean of the members' probabilities, each from its own columns."""
    if getattr(model, "n_outputs_", 1) != 1 or not all(
        hasattr(one, "predict_proba") and len(one.classes_) == len(model.classes_)
        for one in model.estimators_
    ):
        raise NotConvertible("a BaggingClassifier that votes, or whose members know fewer classes")
    members = _bagged(graph, model, frame)

    def shares() -> Tensor:
        each = [doubles(graph, answer(one, "predict_proba")) for one in members]
        return scaled(graph, total(graph, each), "Div", len(each))

    answers: dict[str, Callable[[], Tensor]] = {
        "predict_proba": shares,
        "predict": lambda: labels(graph, argmax(graph, shares()), model.classes_),
    }
    if all("decision_function" in one for one in members):
        answers["decision_function"] = lambda: scaled(
            graph, total(graph, [answer(one, "decision_function") for one in members]), "Div", len(members)
        )
    return answers


def bagging_regressor(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The mean of the members' answers, each from its own columns."""
    members = _bagged(graph, model, frame)

    def mean() -> Tensor:
        each = [flat(graph, answer(one, "predict")) for one in members]
        return scaled(graph, total(graph, each), "Div", len(each))

    return {"predict": mean}


def adaboost(graph: Graph, model: Any, frame: Frame) -> Answers:
    """Each member's vote for a class, against the others, by its weight."""
    members = [write_answers(graph, one, frame) for one in model.estimators_]
    count = int(model.n_classes_)

    def votes() -> Tensor:
        each = []
        for weight, one in zip(model.estimator_weights_, members, strict=False):
            chosen = _claims(graph, upright(graph, answer(one, "predict")), model.classes_)
            for_, against = np.full(1, weight), np.full(1, -1 / (count - 1) * weight)
            each.append(Tensor(graph.node("Where", chosen, for_, against), DOUBLE, count))
        return scaled(graph, total(graph, each), "Div", model.estimator_weights_.sum())

    def decision() -> Tensor:
        if count != 2:
            return votes()
        turned = scaled(graph, votes(), "Mul", np.array([[-1.0, 1.0]]))
        return Tensor(graph.node("ReduceSum", turned, np.array([1]), keepdims=0), DOUBLE)

    def shares() -> Tensor:
        if count != 2:
            return softmax(graph, scaled(graph, decision(), "Div", count - 1))
        one = scaled(graph, upright(graph, decision()), "Div", 2)
        other = Tensor(graph.node("Neg", one), DOUBLE, 1)
        return softmax(graph, Tensor(graph.node("Concat", other, one, axis=1), DOUBLE, 2))

    def predict() -> Tensor:
        if count == 2:
            return labels(graph, at_least(graph, decision(), 0.0, strictly=True), model.classes_)
        return labels(graph, argmax(graph, decision()), model.classes_)

    return {"predict": predict, "predict_proba": shares, "decision_function": decision}


def _claims(graph: Graph, chosen: Tensor, classes: np.ndarray) -> str:
    """Which of *classes* each row has chosen."""
    table = np.asarray(classes)
    if chosen.dtype == TEXT:
        # Equal knows text only since opset 19.
        numbers = graph.node(
            "LabelEncoder",
            chosen,
            domain=ML,
            keys_strings=[str(one) for one in table],
            values_int64s=list(range(len(table))),
            default_int64=-1,
        )
        return graph.node("Equal", numbers, np.arange(len(table))[None, :])
    return graph.node("Equal", doubles(graph, chosen), table.astype(np.float64)[None, :])


def calibrated(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The mean of the calibrated probabilities of each fold's classifier."""
    folds = model.calibrated_classifiers_

    def shares() -> Tensor:
        return scaled(graph, total(graph, [_fold(graph, one, frame) for one in folds]), "Div", len(folds))

    return {
        "predict_proba": shares,
        "predict": lambda: labels(graph, argmax(graph, shares()), model.classes_),
    }


def _fold(graph: Graph, fold: Any, frame: Frame) -> Tensor:
    """One calibrated classifier: its score through its calibrator."""
    if fold.method not in ("sigmoid", "isotonic"):
        raise NotConvertible(f"calibration by {fold.method}")
    inner = write_answers(graph, fold.estimator, frame)
    scores = _response(graph, fold.estimator, inner)
    count = len(fold.classes)
    if count == 2:
        positive = _calibrator(graph, fold.calibrators[0], upright(graph, scores))
        return two_sided(graph, positive)
    known = {one: place for place, one in enumerate(fold.estimator.classes_)}
    if len(known) != count:
        raise NotConvertible("a fold that has not seen all classes")
    each = [
        _calibrator(graph, calibrator, _one(graph, scores, place))
        for place, calibrator in enumerate(fold.calibrators)
    ]
    joined = Tensor(graph.node("Concat", *each, axis=1), DOUBLE, count)
    sums = graph.node("ReduceSum", joined, np.array([1]), keepdims=1)
    none = graph.node("Equal", sums, np.zeros(1))
    ratio = graph.node("Div", joined, sums)
    return Tensor(graph.node("Where", none, np.full(1, 1 / count), ratio), DOUBLE, count)


def _response(graph: Graph, estimator: Any, inner: Answers) -> Tensor:
    """What scikit-learn calibrates: the decision function, or the probabilities (of two the second)."""
    if hasattr(estimator, "decision_function"):
        return doubles(graph, answer(inner, "decision_function"))
    shares = doubles(graph, answer(inner, "predict_proba"))
    return _one(graph, shares, 1) if shares.width == 2 else shares


def _one(graph: Graph, scores: Tensor, place: int) -> Tensor:
    return Tensor(graph.node("Gather", scores, np.array([place]), axis=1), scores.dtype, 1)


def _calibrator(graph: Graph, calibrator: Any, scores: Tensor) -> Tensor:
    """``expit(-(a * score + b))``, or the steps of an isotonic regression."""
    if type(calibrator).__name__ == "IsotonicRegression":
        return isotonic_curve(graph, calibrator, scores)
    raw = scaled(graph, scaled(graph, scores, "Mul", calibrator.a_), "Add", calibrator.b_)
    return sigmoid(graph, Tensor(graph.node("Neg", raw), raw.dtype, raw.width))


def _bagged(graph: Graph, model: Any, frame: Frame) -> list[Answers]:
    # Bagging gives its members plain arrays: names end here.
    plain = Frame(frame.columns)
    return [
        write_answers(graph, one, plain.take([int(place) for place in places]))
        for one, places in zip(model.estimators_, model.estimators_features_, strict=True)
    ]


def _weights(model: Any) -> np.ndarray | None:
    if model.weights is None:
        return None
    pairs = zip(model.estimators, model.weights, strict=True)
    return np.array([weight for (_, one), weight in pairs if not isinstance(one, str)], dtype=np.float64)


def _average(graph: Graph, tensors: Sequence[Tensor], weights: np.ndarray | None) -> Tensor:
    """``numpy.average``: the sum, times its weights, over the sum of the weights."""
    each = [doubles(graph, one) for one in tensors]
    if weights is None:
        return scaled(graph, total(graph, each), "Div", len(each))
    weighted = [scaled(graph, one, "Mul", weight) for one, weight in zip(each, weights, strict=True)]
    return scaled(graph, total(graph, weighted), "Div", weights.sum())


def _votes(graph: Graph, model: Any, members: Sequence[Answers]) -> Tensor:
    """For each class, the weights of the members that answer it."""
    weights = _weights(model)
    each = np.ones(len(members)) if weights is None else weights
    votes = []
    for weight, one in zip(each, members, strict=True):
        # Members were fitted on numbered classes, and answer these numbers.
        chosen = upright(graph, answer(one, "predict"))
        if chosen.dtype != INDEX:
            raise NotConvertible("a member of a vote that answers no number")
        same = graph.node("Equal", chosen, np.arange(len(model.classes_))[None, :])
        vote = cast(graph, Tensor(same, np.dtype(bool), len(model.classes_)), DOUBLE)
        votes.append(scaled(graph, vote, "Mul", weight))
    return total(graph, votes)
