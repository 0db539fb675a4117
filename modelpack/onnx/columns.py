"""Columns on their way through a pipeline: where each comes from, and the steps it has taken since.

A step stays a note until something needs the numbers. Trees never do: they ask which values of the source go
left (``modelpack.onnx.splits``), so that a scaler or an encoder before them costs no node at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, Protocol, TypeAlias

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.graph import TEXT, Graph, Tensor, element_type

DOUBLE = np.dtype(np.float64)
FLOAT = np.dtype(np.float32)


class Step(Protocol):
    """What happens to the values of one column, in numpy and in the graph alike."""

    @property
    def family(self) -> tuple[object, ...]:
        """Columns whose steps are of one family are written as one node."""
        ...

    @property
    def rises(self) -> bool | None:
        """Whether greater values stay greater (or equal); False when they become less, None when neither."""
        ...

    def apply(self, values: np.ndarray) -> np.ndarray:
        """The step on *values*, as scikit-learn computes it."""
        ...

    def write(self, graph: Graph, tensor: Tensor, steps: Sequence[Any]) -> Tensor:
        """The step on the columns of *tensor*, each by its own of *steps*, which are of this family."""
        ...


@dataclass(frozen=True)
class Arithmetic:
    """``column operator= value`` of numpy: computed in the wider dtype, kept in *dtype*."""

    operator: str
    value: np.floating[Any]
    dtype: np.dtype[Any]

    @property
    def family(self) -> tuple[object, ...]:
        return ("arithmetic", self.operator, self._wide, self.dtype)

    @property
    def rises(self) -> bool | None:
        if self.operator in ("Add", "Sub"):
            return True
        return None if self.value == 0 else bool(self.value > 0)

    @property
    def _wide(self) -> np.dtype[Any]:
        return np.result_type(self.dtype, self.value.dtype)

    def apply(self, values: np.ndarray) -> np.ndarray:
        left, right = values.astype(self.dtype).astype(self._wide), self.value.astype(self._wide)
        with np.errstate(all="ignore"):
            result: np.ndarray = _ARITHMETIC[self.operator](left, right).astype(self.dtype)
        return result

    def write(self, graph: Graph, tensor: Tensor, steps: Sequence["Arithmetic"]) -> Tensor:
        operands = np.array([[step.value for step in steps]]).astype(self._wide)
        wide = cast(graph, cast(graph, tensor, self.dtype), self._wide)
        done = Tensor(graph.node(self.operator, wide, operands), self._wide, tensor.width)
        return cast(graph, done, self.dtype)


_ARITHMETIC: dict[str, Callable[..., np.ndarray]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
}


@dataclass(frozen=True)
class Fill:
    """NaN becomes *value*."""

    value: float
    dtype: np.dtype[Any]

    @property
    def family(self) -> tuple[object, ...]:
        return ("fill", self.dtype)

    @property
    def rises(self) -> bool | None:
        return True

    def apply(self, values: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(values), self.value, values).astype(self.dtype)

    def write(self, graph: Graph, tensor: Tensor, steps: Sequence["Fill"]) -> Tensor:
        known = cast(graph, tensor, self.dtype)
        missing = graph.node("IsNaN", known)
        fills = np.array([[step.value for step in steps]]).astype(self.dtype)
        return Tensor(graph.node("Where", missing, fills, known), self.dtype, tensor.width)


@dataclass(frozen=True)
class Clip:
    """Values outside *low* to *high* become these."""

    low: float
    high: float
    dtype: np.dtype[Any]

    @property
    def family(self) -> tuple[object, ...]:
        return ("clip", self.low, self.high, self.dtype)

    @property
    def rises(self) -> bool | None:
        return True

    def apply(self, values: np.ndarray) -> np.ndarray:
        low, high = (np.asarray(bound, dtype=self.dtype) for bound in (self.low, self.high))
        return np.asarray(np.clip(values.astype(self.dtype), low, high))

    def write(self, graph: Graph, tensor: Tensor, steps: Sequence["Clip"]) -> Tensor:
        bounds = [np.array(bound, dtype=self.dtype) for bound in (self.low, self.high)]
        node = graph.node("Clip", cast(graph, tensor, self.dtype), *bounds)
        return Tensor(node, self.dtype, tensor.width)


@dataclass(frozen=True)
class Cast:
    """Rounded to *dtype*."""

    dtype: np.dtype[Any]

    @property
    def family(self) -> tuple[object, ...]:
        return ("cast", self.dtype)

    @property
    def rises(self) -> bool | None:
        return True

    def apply(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return values.astype(self.dtype)

    def write(self, graph: Graph, tensor: Tensor, steps: Sequence["Cast"]) -> Tensor:
        return cast(graph, tensor, self.dtype)


@dataclass(frozen=True)
class Indicator:
    """1 where the source is *key*, else 0."""

    key: float

    @property
    def family(self) -> tuple[object, ...]:
        return ("indicator", np.isnan(self.key))

    @property
    def rises(self) -> bool | None:
        return None

    def apply(self, values: np.ndarray) -> np.ndarray:
        same = np.isnan(values) if np.isnan(self.key) else values == self.key
        return np.asarray(same, dtype=DOUBLE)

    def write(self, graph: Graph, tensor: Tensor, steps: Sequence["Indicator"]) -> Tensor:
        if np.isnan(self.key):
            same = graph.node("IsNaN", tensor)
        else:
            keys = np.array([[step.key for step in steps]])
            same = graph.node("Equal", cast(graph, tensor, DOUBLE), keys)
        return cast(graph, Tensor(same, np.dtype(bool), tensor.width), DOUBLE)


@dataclass(frozen=True)
class FillWord:
    """A missing text becomes *word*. Only an encoder knows what to do with it."""

    word: str

    @property
    def family(self) -> tuple[object, ...]:
        return ("word", self.word)

    @property
    def rises(self) -> bool | None:
        return None

    def apply(self, values: np.ndarray) -> np.ndarray:
        raise NotConvertible("text reaches a step that wants numbers")

    def write(self, graph: Graph, tensor: Tensor, steps: Sequence["FillWord"]) -> Tensor:
        raise NotConvertible("text reaches a step that wants numbers")


@dataclass(frozen=True)
class Curve:
    """Column *place* of a transformer that moves each column by itself, upwards.

    Trees ask the transformer's own code where a split lies, so that they need no formula. For all others
    *written* writes the columns at some places.
    """

    transformer: Any
    place: int
    width: int
    written: Callable[[Graph, Tensor, Any, Sequence[int]], Tensor]

    @property
    def family(self) -> tuple[object, ...]:
        return ("curve", id(self.transformer))

    @property
    def rises(self) -> bool | None:
        return True

    def apply(self, values: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(values), self.width))
        rows[:, self.place] = np.nan_to_num(values, nan=np.nan, posinf=_MOST, neginf=-_MOST)
        with np.errstate(all="ignore"):
            return np.asarray(self.transformer.transform(rows))[:, self.place]

    def write(self, graph: Graph, tensor: Tensor, steps: Sequence["Curve"]) -> Tensor:
        return self.written(
            graph, cast(graph, tensor, DOUBLE), self.transformer, [one.place for one in steps]
        )


_MOST = float(np.finfo(np.float64).max)

AnyStep: TypeAlias = Arithmetic | Fill | Clip | Cast | Indicator | FillWord | Curve


@dataclass(frozen=True)
class Column:
    """Column *index* of the tensor *source*, and the *steps* taken since.

    *dtype* is what the column has in numpy now: a float64 source may hold what is int64 or float32 there.
    """

    source: Tensor
    index: int
    dtype: np.dtype[Any]
    steps: tuple[AnyStep, ...] = ()

    def then(self, *steps: AnyStep, dtype: np.dtype[Any] = DOUBLE) -> "Column":
        """The column after *steps* more, whose values are of *dtype*."""
        return replace(self, steps=(*self.steps, *steps), dtype=dtype)

    @property
    def is_text(self) -> bool:
        """Whether it still holds text."""
        return self.dtype == TEXT

    def values(self, source: np.ndarray) -> np.ndarray:
        """What the column holds where its source holds the values *source*."""
        for step in self.steps:
            source = step.apply(source)
        return source


@dataclass(frozen=True)
class Frame:
    """The columns that one estimator is given; *names* where the estimator is given a DataFrame."""

    columns: tuple[Column, ...]
    names: tuple[str | int, ...] | None = None

    def __len__(self) -> int:
        return len(self.columns)

    def take(self, places: Sequence[int]) -> "Frame":
        """The columns at *places*, in that order."""
        names = None if self.names is None else tuple(self.names[place] for place in places)
        return Frame(tuple(self.columns[place] for place in places), names)

    @property
    def floats(self) -> np.dtype[Any]:
        """The float dtype that scikit-learn computes in for these columns. Raises NotConvertible for text."""
        if any(column.is_text for column in self.columns):
            raise NotConvertible("text reaches a step that wants numbers")
        common = np.result_type(*(column.dtype for column in self.columns))
        return FLOAT if common == FLOAT else DOUBLE


@dataclass(frozen=True)
class Selected(Frame):
    """The columns that a selector keeps, which can be asked itself: *answers* by method."""

    answers: Mapping[str, Callable[[], Tensor]] = field(default_factory=dict)


def whole(tensor: Tensor) -> Frame:
    """A frame of all columns of *tensor*."""
    return Frame(tuple(Column(tensor, place, tensor.dtype) for place in range(tensor.width or 1)))


def cast(graph: Graph, tensor: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """*tensor* in *dtype*."""
    if tensor.dtype == dtype:
        return tensor
    return Tensor(graph.node("Cast", tensor, to=element_type(dtype)), dtype, tensor.width)


def matrix(graph: Graph, frame: Frame, dtype: np.dtype[Any] | None = None) -> Tensor:
    """The columns side by side, all steps taken, in *dtype* or what scikit-learn would compute with."""
    wanted = dtype or frame.floats
    parts = [
        _run(graph, list(run), wanted)
        for _, run in groupby(frame.columns, key=lambda column: (column.source, _families(column)))
    ]
    return side_by_side(graph, parts)


def side_by_side(graph: Graph, parts: Sequence[Tensor]) -> Tensor:
    """*parts* of one dtype as one matrix."""
    if not parts:
        raise NotConvertible("a step is left without columns")
    if len(parts) == 1:
        return parts[0]
    width = sum(part.width or 1 for part in parts)
    return Tensor(graph.node("Concat", *parts, axis=1), parts[0].dtype, width)


def _families(column: Column) -> tuple[object, ...]:
    return tuple(step.family for step in column.steps)


def _run(graph: Graph, run: Sequence[Column], wanted: np.dtype[Any]) -> Tensor:
    """Columns of one source, whose steps are of the same families."""
    if run[0].source.dtype == TEXT:
        raise NotConvertible("text reaches a step that wants numbers")
    tensor = gather(graph, run[0].source, [column.index for column in run])
    for place, step in enumerate(run[0].steps):
        own: list[Any] = [column.steps[place] for column in run]
        tensor = step.write(graph, tensor, own)
    return cast(graph, tensor, wanted)


def gather(graph: Graph, source: Tensor, places: Sequence[int]) -> Tensor:
    """The columns of *source* at *places*."""
    if list(places) == list(range(source.width or 1)):
        return source
    node = graph.node("Gather", source, np.array(places, dtype=np.int64), axis=1)
    return Tensor(node, source.dtype, len(places))
