"""Naive Bayes over categories: a table for each column."""

from typing import Any

import numpy as np

from modelpack.onnx.codes import REFUSED
from modelpack.onnx.columns import DOUBLE, Frame, cast, matrix
from modelpack.onnx.formulas import apply, both, log_sum_exp
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.writing import INDEX, Answers, argmax, flat, labels, scaled, total


def categorical(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The sum of what each column's category says of the classes, as logarithms."""

    def likelihood() -> Tensor:
        each = []
        for place, table in enumerate(model.feature_log_prob_):
            index = cast(graph, flat(graph, matrix(graph, frame.take([place]), DOUBLE)), INDEX)
            # A negative index would count from the table's end.
            negative = graph.node("Less", index, np.array([0]))
            safe = graph.node("Where", negative, np.array([REFUSED]), index)
            rows = np.ascontiguousarray(np.asarray(table, dtype=DOUBLE).T)
            each.append(Tensor(graph.node("Gather", rows, safe), DOUBLE, len(model.classes_)))
        return scaled(graph, total(graph, each), "Add", model.class_log_prior_)

    def shares() -> Tensor:
        found = likelihood()
        return apply(graph, "Exp", both(graph, "Sub", found, log_sum_exp(graph, found)))

    return {
        "predict": lambda: labels(graph, argmax(graph, likelihood()), model.classes_),
        "predict_proba": shares,
    }
