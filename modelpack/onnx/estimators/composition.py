"""Estimators made of estimators that stand in a row or side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.columns import Frame
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.native import kept
from modelpack.onnx.writing import (
    Answers,
    Written,
    answer,
    at_least,
    labels,
    write,
    write_answers,
    write_columns,
)


def pipeline(graph: Graph, model: Any, frame: Frame) -> Written:
    """Step after step."""
    steps = [step for _, step in model.steps if not _passes(step)]
    if not steps:
        return frame
    for step in steps[:-1]:
        frame = write_columns(graph, step, frame)
    return frame if _passes(model.steps[-1][1]) else write(graph, steps[-1], frame)


def column_transformer(graph: Graph, model: Any, frame: Frame) -> Frame:
    """Each transformer on its own columns, the results side by side."""
    columns: list[Any] = []
    for name, transformer, _ in model.transformers_:
        # There is what a name, mask, slice or function has chosen.
        places = _places(model, kept(model, "_transformer_to_input_indices")[name], frame)
        if not places or (isinstance(transformer, str) and transformer == "drop"):
            continue
        chosen = frame.take(places)
        made = chosen if _passes(transformer) else write_columns(graph, transformer, chosen)
        columns += made.columns
    if not columns:
        raise NotConvertible("the ColumnTransformer keeps no columns")
    return Frame(tuple(columns))


def _places(model: Any, indices: Sequence[int], frame: Frame) -> list[int]:
    """Where the columns stand that the transformer saw at *indices* when it was fitted."""
    fitted = getattr(model, "feature_names_in_", None)
    if frame.names is None or fitted is None:
        return [int(index) for index in indices]
    where = {name: place for place, name in enumerate(frame.names)}
    missing = [fitted[index] for index in indices if fitted[index] not in where]
    if missing:
        raise NotConvertible("the ColumnTransformer names columns that the signature has not")
    return [where[fitted[index]] for index in indices]


def feature_union(graph: Graph, model: Any, frame: Frame) -> Frame:
    """Each transformer on all columns, the results side by side, by their weights if there are any."""
    if model.transformer_weights:
        raise NotConvertible("a FeatureUnion with transformer_weights")
    columns: list[Any] = []
    for _, transformer in model.transformer_list:
        if isinstance(transformer, str) and transformer == "drop":
            continue
        made = frame if _passes(transformer) else write_columns(graph, transformer, frame)
        columns += made.columns
    return Frame(tuple(columns))


def best_estimator(graph: Graph, model: Any, frame: Frame) -> Written:
    """A search is what it found."""
    if not hasattr(model, "best_estimator_"):
        raise NotConvertible("a search that was not refitted")
    return write(graph, model.best_estimator_, frame)


def threshold_classifier(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The estimator's score against a threshold."""
    inner = write_answers(graph, model.estimator_, frame)
    threshold = getattr(model, "best_threshold_", getattr(model, "threshold", "auto"))
    classes = list(model.classes_)
    positive = 1 if model.__dict__.get("pos_label") is None else classes.index(model.pos_label)

    def predict() -> Tensor:
        scores = _score(graph, model, inner, positive)
        bound = (0.5 if "predict_proba" in inner else 0.0) if threshold == "auto" else float(threshold)
        above = at_least(graph, scores, bound, strictly=False)
        return labels(graph, above, np.array(classes if positive == 1 else classes[::-1]))

    return {**inner, "predict": predict}


def _score(graph: Graph, model: Any, inner: Answers, positive: int) -> Tensor:
    wanted = getattr(model, "response_method", "auto")
    methods = ("predict_proba", "decision_function") if wanted == "auto" else (wanted,)
    scores = answer(inner, *methods)
    if scores.width == len(model.classes_):
        return Tensor(graph.node("Gather", scores, np.array(positive), axis=1), scores.dtype)
    if positive == 0:
        return Tensor(graph.node("Neg", scores), scores.dtype, scores.width)
    return scores


def _passes(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")
