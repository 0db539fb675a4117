"""Scales: where a value goes on an axis of a picture, and the round numbers beside it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from modelpack.report.numbers import number

_TICKS: Final = 5
_LONGEST_LABEL: Final = 12


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: *at* in the picture's units."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from *low* to *high* in the picture's units; texts have *places* on it, in order.

    On a *logarithmic* one equal factors are equally far apart.
    """

    name: str
    low: float
    high: float
    least: float = 0.0
    most: float = 1.0
    places: tuple[str, ...] = ()
    ticks: tuple[Tick, ...] = ()
    logarithmic: bool = False

    @classmethod
    def over(cls, name: str, values: Sequence[str | float | None], low: float, high: float) -> "Axis":
        """The scale on which all of *values* have a place: numbers by size, else texts in order."""
        numbers = [found for value in values if (found := as_number(value)) is not None]
        given = [value for value in values if value is not None]
        if given and len(numbers) == len(given):
            return cls._of_numbers(name, numbers, low, high)
        texts = tuple(sorted({str(value) for value in given}))
        bare = cls(name, low, high, places=texts)
        every = max(1, math.ceil(len(texts) / 8))
        ticks = tuple(Tick(bare._place_of(text), _cut(text)) for text in texts[::every])
        return cls(name, low, high, places=texts, ticks=ticks)

    @classmethod
    def _of_numbers(cls, name: str, numbers: Sequence[float], low: float, high: float) -> "Axis":
        least, most = min(numbers), max(numbers)
        if least == most:
            margin = abs(least) * 0.1 or 1.0
            least, most = least - margin, most + margin
        bare = cls(name, low, high, least, most)
        ticks = tuple(Tick(bare._at(value), number(value)) for value in nice(least, most))
        return cls(name, low, high, least, most, ticks=ticks)

    @classmethod
    def by_factors(
        cls, name: str, values: Sequence[float], low: float, high: float, *, marks: Sequence[float] = ()
    ) -> "Axis":
        """The logarithmic scale for *values*, all above 0, marked at *marks*, or at 1, 2, 5, 10 and so on."""
        least, most = min(values), max(values)
        if least == most:
            least, most = least / 2, most * 2
        bare = cls(name, low, high, math.log10(least), math.log10(most), logarithmic=True)
        ticks = tuple(Tick(bare._at(math.log10(one)), number(one)) for one in marks or _factors(least, most))
        return cls(name, low, high, bare.least, bare.most, ticks=ticks, logarithmic=True)

    def at(self, value: str | float | None) -> float | None:
        """Where *value* is; None for what has no place."""
        if value is None:
            return None
        if self.places:
            return self._place_of(str(value))
        found = as_number(value)
        if found is None or not self.logarithmic:
            return None if found is None else self._at(found)
        return self._at(math.log10(found)) if found > 0 else None

    def _at(self, value: float) -> float:
        return round(self.low + (self.high - self.low) * (value - self.least) / (self.most - self.least), 1)

    def _place_of(self, text: str) -> float:
        share = (self.places.index(text) + 0.5) / len(self.places)
        return round(self.low + (self.high - self.low) * share, 1)


def as_number(value: str | float | None) -> float | None:
    """*value* as a number; None for what is none, or none that can be drawn."""
    if value is None:
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) and abs(found) < 1e300 else None


def nice(least: float, most: float) -> list[float]:
    """Round numbers from *least* to *most*, a handful."""
    span = most - least
    rough = span / _TICKS
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(one * magnitude for one in (1.0, 2.0, 2.5, 5.0, 10.0) if one * magnitude >= rough * 0.999)
    first = math.ceil(least / step - 1e-9)
    last = math.floor(most / step + 1e-9)
    return [count * step for count in range(first, last + 1)]


def _factors(least: float, most: float) -> list[float]:
    decades = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    steps = (1.0,) if len(decades) > 4 else (1.0, 2.0, 5.0)
    found = (step * 10.0**decade for decade in decades for step in steps)
    return [one for one in found if least * 0.999 <= one <= most * 1.001]


def _cut(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
