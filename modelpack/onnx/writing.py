"""What an estimator becomes in a graph: new columns, or answers to its methods."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from modelpack.errors import NotConvertible, shorten
from modelpack.onnx import CONVERTERS, owner
from modelpack.onnx.columns import DOUBLE, Frame, Selected, cast, whole
from modelpack.onnx.graph import TEXT, Graph, Tensor

Answers: TypeAlias = Mapping[str, Callable[[], Tensor]]
"""By method; each is written when it is first asked for."""

Written: TypeAlias = Frame | Answers

INDEX = np.dtype(np.int64)


class Writer(Protocol):
    """Writes estimators of one library. Raises NotConvertible for what it cannot."""

    def __call__(self, graph: Graph, model: Any, frame: Frame) -> Written: ...


def write(graph: Graph, model: Any, frame: Frame) -> Written:
    """Write *model*, given the columns *frame*, by the converter of the nearest owner among its classes."""
    library = owner(model)
    if library:
        result: Written = CONVERTERS[library](graph, model, frame)
        return result
    raise NotConvertible(f"no converter for {shorten(type(model).__qualname__, 80)}")


def write_columns(graph: Graph, model: Any, frame: Frame) -> Frame:
    """The columns that the transformer *model* makes."""
    written = write(graph, model, frame)
    if isinstance(written, Frame):
        return written
    if "transform" in written:
        return whole(written["transform"]())
    raise NotConvertible(f"{type(model).__name__} makes no columns")


def write_answers(graph: Graph, model: Any, frame: Frame) -> Answers:
    """The answers of the predictor *model*."""
    written = write(graph, model, frame)
    if isinstance(written, Selected) and written.answers:
        return written.answers
    if isinstance(written, Frame):
        raise NotConvertible(f"{type(model).__name__} predicts nothing")
    return written


def answer(answers: Answers, *methods: str) -> Tensor:
    """The answer to the first of *methods* that there is."""
    for method in methods:
        if method in answers:
            return answers[method]()
    raise NotConvertible(f"there is no writer for {' or '.join(methods)} of this model")


def flat(graph: Graph, tensor: Tensor) -> Tensor:
    """One plain value a row."""
    if tensor.width is None:
        return tensor
    return Tensor(graph.node("Squeeze", tensor, np.array([1])), tensor.dtype)


def upright(graph: Graph, tensor: Tensor) -> Tensor:
    """Rows of one value."""
    if tensor.width is not None:
        return tensor
    return Tensor(graph.node("Unsqueeze", tensor, np.array([1])), tensor.dtype, 1)


def argmax(graph: Graph, scores: Tensor) -> Tensor:
    """Where each row is greatest, the first of equals."""
    return Tensor(graph.node("ArgMax", scores, axis=1, keepdims=0), INDEX)


def at_least(graph: Graph, scores: Tensor, bound: float, *, strictly: bool) -> Tensor:
    """1 where a row's one score is over *bound* (or at it), else 0."""
    operator = "Greater" if strictly else "GreaterOrEqual"
    one = flat(graph, scores)
    claim = graph.node(operator, one, np.array(bound, dtype=one.dtype))
    return cast(graph, Tensor(claim, np.dtype(bool)), INDEX)


def labels(graph: Graph, index: Tensor, classes: Any) -> Tensor:
    """The classes that *index* numbers."""
    table = np.asarray(classes)
    if table.dtype.kind in "iu" and (table == np.arange(len(table))).all():
        return index
    if table.dtype.kind == "b":
        table = table.astype(bool)
    elif table.dtype.kind in "iu":
        table = table.astype(np.int64)
    elif table.dtype.kind == "f":
        table = table.astype(np.float64)
    elif all(isinstance(one, str) for one in table):
        table = table.astype(object)
    else:
        raise NotConvertible("class labels must be all text or all numbers")
    return Tensor(graph.node("Gather", table, index), table.dtype if table.dtype != object else TEXT)


def sigmoid(graph: Graph, raw: Tensor) -> Tensor:
    """``expit`` of scikit-learn, in double."""
    return Tensor(graph.node("Sigmoid", raw), raw.dtype, raw.width)


def two_sided(graph: Graph, positive: Tensor) -> Tensor:
    """Probabilities of both classes, from those of the second: ``1 - p`` and ``p``."""
    one = upright(graph, positive)
    other = Tensor(graph.node("Sub", np.ones(1, dtype=one.dtype), one), one.dtype, 1)
    return Tensor(graph.node("Concat", other, one, axis=1), one.dtype, 2)


def softmax(graph: Graph, raw: Tensor) -> Tensor:
    """Softmax of each row, in double."""
    return Tensor(graph.node("Softmax", raw, axis=1), raw.dtype, raw.width)


def total(graph: Graph, tensors: Sequence[Tensor]) -> Tensor:
    """The sum of *tensors* of one shape, from the first to the last."""
    sum_ = tensors[0]
    for tensor in tensors[1:]:
        sum_ = Tensor(graph.node("Add", sum_, tensor), sum_.dtype, sum_.width)
    return sum_


def scaled(graph: Graph, tensor: Tensor, operator: str, value: float | np.ndarray) -> Tensor:
    """``tensor operator value``, in the dtype of *tensor*."""
    operand = np.asarray(value, dtype=tensor.dtype)
    return Tensor(graph.node(operator, tensor, operand), tensor.dtype, tensor.width)


def doubles(graph: Graph, tensor: Tensor) -> Tensor:
    """*tensor* in double."""
    return cast(graph, tensor, DOUBLE)
