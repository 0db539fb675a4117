"""What skl2onnx makes of an estimator, tamed: one matrix in, plain outputs by method, no warnings."""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import onnx

from modelpack.errors import MissingDependency, NotConvertible, shorten
from modelpack.onnx import owner
from modelpack.onnx.graph import ML, OPSET
from modelpack.onnx.tracing import Tree, find_trees

_ML_OPSET = 3
"""The last whose tree operators are not deprecated; skl2onnx writes no other trees."""

_ENDLESS = {"QuantileTransformer"}
"""Whose conversion takes a time that doubles with every quantile."""

_DOMAINS = {"", "ai.onnx", ML}


def convert(model: Any, width: int, dtype: np.dtype[Any], *, raw_scores: bool = False) -> onnx.ModelProto:
    """*model* as skl2onnx converts it, with the one input ``X``: rows of *width* numbers of *dtype*.

    Raises NotConvertible from whatever goes wrong inside, and for operators outside ONNX's own.
    """
    for part in parts(model):
        if type(part).__name__ in _ENDLESS:
            raise NotConvertible(f"skl2onnx does not finish with {type(part).__name__}")
    if dtype == np.float64 and any(
        _asks_for_missing(tree) for trees in find_trees(model) for tree in trees.trees
    ):
        # It looks for the float32 next to each threshold, and next to infinity it looks for ever.
        raise NotConvertible("skl2onnx does not finish with trees that split off missing values")
    try:
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
    except ModuleNotFoundError as error:
        raise MissingDependency("converting this model", package="skl2onnx", extra="onnx") from error

    tensor = DoubleTensorType if dtype == np.float64 else FloatTensorType
    options: dict[str, Any] = {"zipmap": False} if hasattr(model, "classes_") else {}
    if raw_scores:
        options["raw_scores"] = True
    # It warns of what it rounds and guesses; the parity report says what came of it.
    quiet = logging.getLogger("skl2onnx")
    level = quiet.level
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            quiet.setLevel(logging.ERROR)
            made: onnx.ModelProto = convert_sklearn(
                model,
                name="model",
                initial_types=[("X", tensor([None, width]))],
                target_opset={"": OPSET, ML: _ML_OPSET},
                options={id(model): options} if options else None,
            )
    except Exception as error:
        raise NotConvertible(f"skl2onnx: {shorten(f'{type(error).__name__}: {error}', 200)}") from error
    finally:
        quiet.setLevel(level)
    if foreign := {node.domain for node in made.graph.node} - _DOMAINS:
        raise NotConvertible(f"skl2onnx uses operators of {', '.join(sorted(foreign))}")
    return made


def _asks_for_missing(tree: Tree) -> bool:
    """Whether a split has missing values on one side and all numbers on the other."""
    return bool(np.isinf(tree.threshold[tree.left >= 0]).any())


def parts(model: Any) -> Iterator[Any]:
    """*model* and all estimators that were given to it."""
    yield model
    if hasattr(model, "get_params") and not isinstance(model, type):
        for part in model.get_params(deep=True).values():
            if hasattr(part, "get_params") and not isinstance(part, type):
                yield part


def outputs(model: Any, make: Callable[..., Any]) -> Mapping[str, Callable[[], tuple[Any, int]]]:
    """For each method what gives its output: a result of *make*, and the place of the output in it.

    ``make(raw_scores=…)`` converts *model*. Raises NotConvertible for other libraries' models.
    """
    from sklearn.base import is_classifier, is_outlier_detector, is_regressor

    if owner(model) != "sklearn":
        raise NotConvertible("skl2onnx converts scikit-learn's own estimators")

    def plain(place: int) -> Callable[[], tuple[Any, int]]:
        return lambda: (make(raw_scores=False), place)

    if is_classifier(model):
        answers = {"predict": plain(0)}
        if hasattr(model, "predict_proba"):
            answers["predict_proba"] = plain(1)
            answers["decision_function"] = lambda: (make(raw_scores=True), 1)
        else:
            answers["decision_function"] = plain(1)
    elif is_regressor(model):
        answers = {"predict": plain(0)}
    elif is_outlier_detector(model):
        answers = {"predict": plain(0), "decision_function": plain(1)}
    elif hasattr(model, "predict"):
        answers = {"predict": plain(0), "predict_proba": plain(1), "transform": plain(1)}
    else:
        answers = {"transform": plain(0)}
    return {method: give for method, give in answers.items() if hasattr(model, method)}
