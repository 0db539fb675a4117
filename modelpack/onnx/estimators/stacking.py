"""Stacking: an estimator over the answers of others."""

from typing import Any

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import Column, Frame, matrix, whole
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.writing import (
    INDEX,
    Answers,
    answer,
    doubles,
    labels,
    upright,
    write_answers,
)


def classifier(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The last estimator answers numbers, which stand for the classes."""
    last = write_answers(graph, model.final_estimator_, _answers_as_columns(graph, model, frame))

    def predict() -> Tensor:
        index = answer(last, "predict")
        if index.dtype != INDEX:
            raise NotConvertible("a last estimator that answers no number")
        return labels(graph, index, model.classes_)

    return {**last, "predict": predict}


def regressor(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The last estimator's answer; as a transformer, what it is given."""
    given = _answers_as_columns(graph, model, frame)
    last = write_answers(graph, model.final_estimator_, given)
    return {"predict": last["predict"], "transform": lambda: matrix(graph, given)}


def _answers_as_columns(graph: Graph, model: Any, frame: Frame) -> Frame:
    columns: list[Column] = []
    for one, method in zip(model.estimators_, model.stack_method_, strict=True):
        made = upright(graph, doubles(graph, answer(write_answers(graph, one, frame), method)))
        parts = whole(made).columns
        # Of two probabilities one tells all.
        columns += parts[1:] if method == "predict_proba" and made.width == 2 else parts
    if model.passthrough:
        columns += frame.columns
    return Frame(tuple(columns))
