"""Estimators that hold several others, one for each class or each target, or one behind a veil."""

from collections.abc import Callable
from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import DOUBLE, Column, Frame, Selected, matrix, whole
from modelpack.onnx.formulas import apply, both, column, expm1, log1p, nearest, repeated, row_sum
from modelpack.onnx.formulas import side_by_side as beside
from modelpack.onnx.graph import TEXT, Graph, Tensor
from modelpack.onnx.writing import (
    Answers,
    Written,
    answer,
    argmax,
    at_least,
    doubles,
    flat,
    labels,
    scaled,
    two_sided,
    upright,
    write,
    write_answers,
)


def held(graph: Graph, model: Any, frame: Frame) -> Written:
    """What is held is what answers."""
    # One that is frozen passes every question on, also that for an ``estimator_``.
    return write(graph, vars(model).get("estimator_", model.estimator), frame)


def eliminated(graph: Graph, model: Any, frame: Frame) -> Frame:
    """The columns that are kept, and what the estimator says to them."""
    chosen = frame.take([int(place) for place in model.get_support(indices=True)])
    inner = write(graph, model.estimator_, Frame(chosen.columns))
    return Selected(chosen.columns, chosen.names, {} if isinstance(inner, Frame) else inner)


def one_vs_rest(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The class whose own classifier is surest."""
    if model.multilabel_:
        raise NotConvertible("a classifier of several labels at once")
    members = _members(graph, model, frame)

    def scores() -> Tensor:
        return beside(graph, [_binary(graph, *one) for one in members])

    def shares() -> Tensor:
        each = [column(graph, doubles(graph, answer(one, "predict_proba")), 1) for _, one in members]
        found = two_sided(graph, each[0]) if len(each) == 1 else beside(graph, each)
        sums = row_sum(graph, found)
        none = graph.node("Equal", sums, np.zeros(1))
        ratio = both(graph, "Div", found, sums)
        return Tensor(graph.node("Where", none, found, ratio), DOUBLE, found.width)

    def decision() -> Tensor:
        return flat(graph, scores()) if len(members) == 1 else scores()

    def predict() -> Tensor:
        if len(members) > 1:
            return labels(graph, argmax(graph, scores()), model.classes_)
        return labels(graph, _above(graph, scores(), members[0][0]), model.classes_)

    answers: dict[str, Callable[[], Tensor]] = {"predict": predict}
    if all("predict_proba" in one for _, one in members):
        answers["predict_proba"] = shares
    if all("decision_function" in one for _, one in members):
        answers["decision_function"] = decision
    return answers


def output_code(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The class whose code is nearest to what the classifiers say."""
    members = _members(graph, model, frame)

    def predict() -> Tensor:
        said = beside(graph, [_binary(graph, *one) for one in members])
        return labels(graph, nearest(graph, said, np.asarray(model.code_book_, dtype=DOUBLE)), model.classes_)

    return {"predict": predict}


def multi_output(graph: Graph, model: Any, frame: Frame) -> Answers:
    """What each says, side by side."""
    members = [write_answers(graph, one, frame) for one in model.estimators_]

    def predict() -> Tensor:
        each = [answer(one, "predict") for one in members]
        if len({one.dtype for one in each}) > 1:
            raise NotConvertible("targets of several types")
        return beside(graph, each)

    return {"predict": predict}


def chain(graph: Graph, model: Any, frame: Frame) -> Answers:
    """Each is told what those before it said."""
    columns = whole(matrix(graph, frame, DOUBLE)).columns
    said = getattr(model, "chain_method_", "predict")
    members: list[Answers] = []
    for one in model.estimators_:
        inner = write_answers(graph, one, Frame(columns))
        members.append(inner)
        columns = (*columns, Column(upright(graph, _response(graph, inner, said)), 0, DOUBLE))
    places = np.argsort(model.order_)

    def ask(method: str) -> Callable[[], Tensor]:
        return lambda: beside(graph, [_response(graph, members[place], method) for place in places])

    methods = ("predict", "predict_proba", "decision_function")
    return {method: ask(method) for method in methods if all(method in one for one in members)}


def transformed_target(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The regressor's answer, and back."""
    inner = write_answers(graph, model.regressor_, frame)

    def predict() -> Tensor:
        found = _back(graph, model.transformer_, upright(graph, doubles(graph, answer(inner, "predict"))))
        return flat(graph, found) if found.width == 1 else found

    return {"predict": predict}


def dummy_classifier(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The same for every row."""
    if model.n_outputs_ != 1 or model.strategy in ("stratified", "uniform"):
        raise NotConvertible("a DummyClassifier of several targets, or of chance")
    classes, prior = np.asarray(model.classes_), np.asarray(model.class_prior_, dtype=DOUBLE)
    if model.strategy == "constant":
        chosen = int(np.flatnonzero(classes == model.constant)[0])
    else:
        chosen = int(prior.argmax())
    shares = prior if model.strategy == "prior" else np.eye(len(classes))[chosen]
    return {
        "predict": lambda: labels(graph, repeated(graph, frame, np.array(chosen)), classes),
        "predict_proba": lambda: repeated(graph, frame, shares),
    }


def dummy_regressor(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The same for every row."""
    value = np.asarray(model.constant_, dtype=DOUBLE).reshape(-1)
    return {"predict": lambda: repeated(graph, frame, value[0] if len(value) == 1 else value)}


def _members(graph: Graph, model: Any, frame: Frame) -> list[tuple[Any, Answers]]:
    return [
        (one, _constant(graph, one, frame))
        if type(one).__name__ == "_ConstantPredictor"
        else (one, write_answers(graph, one, frame))
        for one in model.estimators_
    ]


def _constant(graph: Graph, model: Any, frame: Frame) -> Answers:
    """For a class that every row of the training had, or none."""
    value = float(np.ravel(model.y_)[0])
    return {
        "decision_function": lambda: repeated(graph, frame, np.array(value)),
        "predict_proba": lambda: repeated(graph, frame, np.array([1 - value, value])),
    }


def _binary(graph: Graph, estimator: Any, answers: Answers) -> Tensor:
    """How sure a classifier of two classes is, as rows of one."""
    if hasattr(estimator, "decision_function"):
        return upright(graph, doubles(graph, answer(answers, "decision_function")))
    if not hasattr(estimator, "classes_"):
        return upright(graph, doubles(graph, answer(answers, "predict")))
    return column(graph, doubles(graph, answer(answers, "predict_proba")), 1)


def _above(graph: Graph, scores: Tensor, estimator: Any) -> Tensor:
    is_scored = hasattr(estimator, "decision_function") and hasattr(estimator, "classes_")
    return at_least(graph, scores, 0.0 if is_scored else 0.5, strictly=True)


def _response(graph: Graph, answers: Answers, method: str) -> Tensor:
    """A member's answer as a number."""
    found = answer(answers, method)
    if found.dtype == TEXT:
        raise NotConvertible("a chain of classes that are text")
    found = doubles(graph, found)
    return column(graph, found, 1) if method == "predict_proba" and found.width == 2 else found


def _back(graph: Graph, transformer: Any, found: Tensor) -> Tensor:
    """``inverse_transform`` of *transformer*."""
    kind = type(transformer).__name__
    if kind == "FunctionTransformer" and not transformer.inv_kw_args:
        if transformer.inverse_func is None:
            return found
        if transformer.inverse_func in _INVERSES:
            return _INVERSES[transformer.inverse_func](graph, found)
    if kind == "StandardScaler":
        scaled_up = scaled(graph, found, "Mul", transformer.scale_) if transformer.with_std else found
        return scaled(graph, scaled_up, "Add", transformer.mean_) if transformer.with_mean else scaled_up
    if kind == "MinMaxScaler" and not transformer.clip:
        return scaled(graph, scaled(graph, found, "Sub", transformer.min_), "Div", transformer.scale_)
    raise NotConvertible(f"a target that a {kind} has transformed")


def _square(graph: Graph, tensor: Tensor) -> Tensor:
    return both(graph, "Mul", tensor, tensor)


_INVERSES: dict[Any, Callable[[Graph, Tensor], Tensor]] = {
    np.exp: lambda graph, tensor: apply(graph, "Exp", tensor),
    np.log: lambda graph, tensor: apply(graph, "Log", tensor),
    np.sqrt: lambda graph, tensor: apply(graph, "Sqrt", tensor),
    np.square: _square,
    np.expm1: expm1,
    np.log1p: log1p,
}
