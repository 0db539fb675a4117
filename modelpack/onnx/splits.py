"""The splits of trees, asked of a column's source rather than of the column.

``step(x) <= t`` is a question about *x*: each step of a column rises or falls, also after rounding, so there
is one greatest (or least) float *x* that says yes, and bisection over the floats finds it. The tree that asks
*x* directly answers the same for every float there is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelpack.onnx.columns import Cast, Column, Indicator

AT_MOST, EQUALS, MEMBER = 0, 4, 6
"""``nodes_modes`` of TreeEnsemble (ai.onnx.ml 5): ``BRANCH_LEQ``, ``BRANCH_EQ``, ``BRANCH_MEMBER``."""


@dataclass(frozen=True)
class Splits:
    """Questions for the source of one column, one for each threshold asked.

    Where *swapped*, yes means right. *missing* tells where NaN says yes.
    """

    modes: np.ndarray
    values: np.ndarray
    swapped: np.ndarray
    missing: np.ndarray


def pulled_back(
    column: Column, thresholds: np.ndarray, missing_left: np.ndarray, rounding: Cast | None
) -> Splits | None:
    """``column <= threshold``, the column rounded first if so, as questions for its source.

    None where a step neither rises nor falls: then the column has to be computed.
    """
    last = (rounding,) if rounding else ()
    steps = (*column.steps, *last)
    if steps and isinstance(steps[0], Indicator):
        return _indicated(steps[0], column.then(*last), thresholds, missing_left)
    falls = False
    for step in steps:
        if step.rises is None:
            return None
        falls ^= not step.rises

    def value(source: np.ndarray) -> np.ndarray:
        for step in steps:
            source = step.apply(source)
        return source

    return _monotone(value, thresholds, missing_left, falls=falls)


def _monotone(
    value: Callable[[np.ndarray], np.ndarray],
    thresholds: np.ndarray,
    missing_left: np.ndarray,
    *,
    falls: bool,
) -> Splits:
    # With a column that falls, the question is turned: not (value <= t) is what rises to a last yes.
    def yes(source: np.ndarray) -> np.ndarray:
        return (value(source) <= thresholds) ^ falls

    bounds = last_float(yes, len(thresholds))
    at_missing = value(np.full(len(thresholds), np.nan))
    left = np.where(np.isnan(at_missing), missing_left, at_missing <= thresholds)
    swapped = np.full(len(thresholds), falls)
    return Splits(np.full(len(thresholds), AT_MOST), bounds, swapped, left ^ swapped)


def last_float(yes: Callable[[np.ndarray], np.ndarray], count: int) -> np.ndarray:
    """The greatest float64 for which each of *count* questions says yes; -inf where none does.

    *yes* answers all of them, each for its own float, and once it says no it says no to all that is greater.
    """
    low = np.full(count, _ordered(-np.inf), dtype=np.int64)
    high = np.full(count, _ordered(np.inf), dtype=np.int64)
    always = yes(np.full(count, np.inf))
    for _ in range(64):
        # Not (low + high) // 2, which overflows.
        middle = (low >> 1) + (high >> 1) + (low & high & 1)
        agreed = yes(from_ordered(middle))
        low = np.where(agreed, middle, low)
        high = np.where(agreed, high, middle)
    return np.where(always, np.inf, from_ordered(low))


def _indicated(
    indicator: Indicator, column: Column, thresholds: np.ndarray, missing_left: np.ndarray
) -> Splits:
    """Splits of a column that is one value at the key and one elsewhere."""
    count = len(thresholds)
    probe = np.array([indicator.key, 0.0 if np.isnan(indicator.key) else np.nan])
    at_key, elsewhere = column.values(probe)
    left_at_key = _left(at_key, thresholds, missing_left)
    left_elsewhere = _left(elsewhere, thresholds, missing_left)
    same = left_at_key == left_elsewhere
    if np.isnan(indicator.key):
        # All floats are at most infinity, and NaN alone is not.
        return Splits(
            np.full(count, AT_MOST),
            np.where(same & ~left_elsewhere, -np.inf, np.inf),
            ~left_elsewhere & ~same,
            np.where(same, left_elsewhere, False),
        )
    return Splits(
        np.where(same, AT_MOST, EQUALS),
        np.where(same, np.where(left_elsewhere, np.inf, -np.inf), indicator.key),
        ~same & ~left_at_key,
        np.where(same, left_elsewhere, False),
    )


def _left(value: Any, thresholds: np.ndarray, missing_left: np.ndarray) -> np.ndarray:
    return np.asarray(missing_left if np.isnan(value) else value <= thresholds, dtype=bool)


def _ordered(value: float) -> int:
    return int(ordered(np.array([value]))[0])


def ordered(values: np.ndarray) -> np.ndarray:
    """Integers in the order of the float64 *values*, neighbours next to each other; -0.0 is 0.0."""
    bits = (values + 0.0).view(np.int64)
    return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


def from_ordered(places: np.ndarray) -> np.ndarray:
    """The float64 values that ``ordered`` numbered."""
    bits = np.where(places < 0, np.int64(-(2**63)) - places, places)
    return bits.view(np.float64)
