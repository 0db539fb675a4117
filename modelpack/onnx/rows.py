"""Rows to ask a model: columns of values, built one by one and put together as the schema wants them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelpack.errors import NotConvertible
from modelpack.onnx.profile import QUANTILES, ColumnProfile, Profile
from modelpack.schema import DataType, Schema, Table

UNSEEN = ("", "unseen", "\u00fcnseen \u6f22", "nan")
"""Words that hardly any model was fitted on."""

_MANY = 50
"""A column of whole numbers with no more distinct values than that holds codes, not counts."""


@dataclass(frozen=True)
class Ask:
    """One column of the input: *dtype* (object for text), whether it may be missing, what is known of it."""

    name: str | int
    dtype: np.dtype[Any]
    optional: bool
    profile: ColumnProfile

    @property
    def is_text(self) -> bool:
        """Whether it holds text."""
        return self.dtype == object

    @property
    def is_float(self) -> bool:
        """Whether it holds floats, which can be missing or infinite."""
        return self.dtype.kind == "f"

    @property
    def known(self) -> list[Any]:
        """The values that stand for categories; none where the column holds quantities."""
        values = [value for value, _ in self.profile.categories]
        if self.is_text or self.dtype.kind == "b":
            return values
        return values if self.dtype.kind in "iu" and 0 < len(values) <= _MANY else []


class Rows:
    """Makes columns of values for *schema*, and the input a model takes from them."""

    def __init__(self, schema: Schema, profile: Profile) -> None:
        self._is_tensor = schema.is_tensor
        self._tensor_dtype = schema.tensors[0].dtype if schema.is_tensor else np.dtype(float)
        self.asks = _tensor(schema, profile) if schema.is_tensor else _columns(schema, profile)
        self.by_name = {ask.name: ask for ask in self.asks}

    def random(self, count: int, rng: np.random.Generator) -> dict[str | int, np.ndarray]:
        """*count* rows: known categories, and numbers in and a little outside the range that was seen."""
        return {ask.name: _random(ask, count, rng) for ask in self.asks}

    def input(self, columns: Mapping[str | int, np.ndarray]) -> Table | np.ndarray:
        """*columns* as the model is given them."""
        count = len(next(iter(columns.values())))
        if self._is_tensor:
            matrix = np.empty((count, len(self.asks)), dtype=self._tensor_dtype)
            for place, ask in enumerate(self.asks):
                matrix[:, place] = columns[ask.name]
            return matrix
        return Table({ask.name: columns[ask.name] for ask in self.asks}, count)

    def columns(self, data: Table | np.ndarray) -> dict[str | int, np.ndarray]:
        """The columns of *data*, which ``input`` would give back."""
        if isinstance(data, Table):
            return dict(data.columns)
        return {ask.name: data[:, place] for place, ask in enumerate(self.asks)}


def repeated(columns: Mapping[str | int, np.ndarray], count: int) -> dict[str | int, np.ndarray]:
    """The first row of *columns*, *count* times."""
    return {name: np.repeat(values[:1], count) for name, values in columns.items()}


def taken(
    columns: Mapping[str | int, np.ndarray], places: np.ndarray | Sequence[int]
) -> dict[str | int, np.ndarray]:
    """The rows of *columns* at *places*."""
    return {name: values[np.asarray(places)] for name, values in columns.items()}


def part(data: Table | np.ndarray, places: np.ndarray | slice) -> Table | np.ndarray:
    """The rows of *data* at *places*."""
    if not isinstance(data, Table):
        return data[places]
    columns = {name: values[places] for name, values in data.columns.items()}
    return Table(columns, len(next(iter(columns.values()))))


def _tensor(schema: Schema, profile: Profile) -> list[Ask]:
    spec = schema.tensors[0]
    if len(schema.tensors) != 1 or len(spec.shape) != 2 or spec.shape[1] < 1 or spec.dtype.kind not in "biuf":
        raise NotConvertible("a tensor that is no matrix of numbers with a known number of columns")
    empty = ColumnProfile()
    return [
        Ask(place, spec.dtype, False, profile.columns.get(place, empty)) for place in range(spec.shape[1])
    ]


def _columns(schema: Schema, profile: Profile) -> list[Ask]:
    asks = []
    for name, spec in zip(schema.names, schema.columns, strict=True):
        if not isinstance(spec.type, DataType) or spec.type in (DataType.binary, DataType.datetime):
            raise NotConvertible("columns of other types than numbers, booleans and text")
        known = profile.columns.get(name, ColumnProfile())
        asks.append(Ask(name, spec.type.numpy, not spec.required, known))
    return asks


def _random(ask: Ask, count: int, rng: np.random.Generator) -> np.ndarray:
    if ask.is_text:
        words = np.array(ask.known or ["a", "b"], dtype=object)
        return words[rng.integers(0, len(words), count)]
    if ask.dtype.kind == "b":
        return rng.integers(0, 2, count).astype(bool)
    if ask.known:
        codes = np.array(ask.known, dtype=ask.dtype)
        return codes[rng.integers(0, len(codes), count)]
    numbers = _numbers(ask, count, rng)
    if ask.is_float:
        return numbers.astype(ask.dtype)
    limits = np.iinfo(ask.dtype)
    # Whole numbers beyond 2**53 are not held by the floats that models compute with.
    bound = min(float(limits.max), 2.0**53)
    whole = np.clip(np.rint(numbers), max(float(limits.min), -bound), bound)
    return np.asarray(whole.astype(ask.dtype))


def _numbers(ask: Ask, count: int, rng: np.random.Generator) -> np.ndarray:
    quantiles = ask.profile.quantiles or (-3.0, -2.3, -1.6, -0.7, 0.0, 0.7, 1.6, 2.3, 3.0)
    low, high = quantiles[0], quantiles[-1]
    span = (high - low) or max(abs(high), 1.0)
    as_seen = np.interp(rng.random(count), QUANTILES, quantiles)
    even = rng.uniform(low, low + span, count)
    wide = rng.uniform(low - span, low + 2 * span, count)
    kind = rng.random(count)
    numbers = np.select([kind < 0.5, kind < 0.85], [as_seen, even], wide)
    # Real data are often round: whole numbers, cents, or float32 read from a file.
    round_ = rng.random(count)
    return np.select(
        [round_ < 0.15, round_ < 0.3, round_ < 0.4],
        [np.rint(numbers), np.round(numbers, 2), numbers.astype(np.float32).astype(np.float64)],
        numbers,
    )
