"""A split asked of a column's source says what it says of the column."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.onnx.columns import (
    DOUBLE,
    FLOAT,
    AnyStep,
    Arithmetic,
    Cast,
    Clip,
    Column,
    Fill,
    Indicator,
)
from modelpack.onnx.graph import Tensor
from modelpack.onnx.splits import AT_MOST, EQUALS, Splits, from_ordered, last_float, ordered, pulled_back

SOURCE = Tensor("X", DOUBLE, 1)


def _says(splits: Splits, place: int, values: np.ndarray) -> np.ndarray:
    """Which of *values* the question at *place* sends left, as ``TreeEnsemble`` computes it."""
    if splits.modes[place] == EQUALS:
        yes = values == splits.values[place]
    else:
        assert splits.modes[place] == AT_MOST
        yes = values <= splits.values[place]
    yes = np.where(np.isnan(values), splits.missing[place], yes)
    return np.asarray(yes ^ splits.swapped[place])


def _wanted(
    column: Column, rounding: Cast | None, threshold: float, missing: bool, values: np.ndarray
) -> np.ndarray:
    """The same as scikit-learn computes it: step by step, then the comparison."""
    seen = column.values(values)
    if rounding is not None:
        seen = rounding.apply(seen)
    # A plain Python float would be rounded to the column's float32 first.
    return np.where(np.isnan(seen), missing, seen <= np.float64(threshold))


def _around(splits: Splits, place: int) -> np.ndarray:
    value = splits.values[place]
    return np.array([value, np.nextafter(value, np.inf), np.nextafter(value, -np.inf)])


def _arithmetic(operator: str, value: float) -> Arithmetic:
    return Arithmetic(operator, np.float64(value), DOUBLE)


SCALERS: dict[str, tuple[AnyStep, ...]] = {
    "nothing": (),
    "standard": (_arithmetic("Sub", 35.37), _arithmetic("Div", 20.3)),
    "minmax": (_arithmetic("Mul", 1 / 71), _arithmetic("Add", -0.0141)),
    "falling": (_arithmetic("Mul", -0.3), _arithmetic("Add", 1e-3)),
    "clipped": (_arithmetic("Mul", 0.1), Clip(0.0, 1.0, DOUBLE)),
    "filled": (Fill(36.5, DOUBLE), _arithmetic("Div", 7.7)),
    "in-float32": (
        Cast(FLOAT),
        Arithmetic("Sub", np.float32(3.3), FLOAT),
        Arithmetic("Div", np.float32(0.7), FLOAT),
    ),
}


@pytest.mark.parametrize("steps", SCALERS.values(), ids=SCALERS.keys())
@pytest.mark.parametrize("rounding", [None, Cast(FLOAT)], ids=["in-double", "rounded"])
@settings(max_examples=25)
@given(
    thresholds=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5),
    values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=8),
    missing=st.booleans(),
)
def test_the_source_answers_as_the_column_does(
    steps: tuple[AnyStep, ...],
    rounding: Cast | None,
    thresholds: list[float],
    values: list[float],
    missing: bool,
) -> None:
    column = Column(SOURCE, 0, DOUBLE, steps)
    asked = np.array(thresholds)
    splits = pulled_back(column, asked, np.full(len(asked), missing), rounding)
    assert splits is not None
    for place, threshold in enumerate(thresholds):
        here = np.array([*values, np.nan, *_around(splits, place)])
        # Infinity is no input: nearly all of scikit-learn refuses it.
        here = here[~np.isinf(here)]
        np.testing.assert_array_equal(
            _says(splits, place, here), _wanted(column, rounding, threshold, missing, here)
        )


@pytest.mark.parametrize("key", [2.0, 0.0, float("nan")])
@pytest.mark.parametrize("threshold", [0.5, 0.0, 1.0, -0.5, 1.5])
def test_an_indicator_is_asked_by_its_key(key: float, threshold: float) -> None:
    column = Column(SOURCE, 0, DOUBLE, (Indicator(key),))
    splits = pulled_back(column, np.array([threshold]), np.array([False]), Cast(FLOAT))
    assert splits is not None
    values = np.array([2.0, 0.0, -0.0, 1.0, -7.5, 2.0000000000000004, np.nan])
    np.testing.assert_array_equal(
        _says(splits, 0, values), _wanted(column, Cast(FLOAT), threshold, False, values)
    )


def test_a_column_that_neither_rises_nor_falls_has_to_be_computed() -> None:
    column = Column(SOURCE, 0, DOUBLE, (_arithmetic("Mul", 0.0),))
    assert pulled_back(column, np.zeros(1), np.zeros(1, dtype=bool), None) is None


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=20, unique=True))
def test_floats_and_their_numbers_are_in_one_order(values: list[float]) -> None:
    floats = np.sort(np.array(values))
    numbers = ordered(floats)
    assert (numbers[1:] >= numbers[:-1]).all()
    np.testing.assert_array_equal(from_ordered(numbers), floats)


def test_neighbouring_floats_have_neighbouring_numbers() -> None:
    floats = np.array([0.0, 1.0, -1.0, 5e-324, -5e-324, 1e308])
    np.testing.assert_array_equal(ordered(np.nextafter(floats, np.inf)), ordered(floats) + 1)


def test_the_last_float_that_says_yes_is_found_wherever_it_is() -> None:
    bounds = np.array([0.0, 1.1, -3e-310, 1.7e308, -1e30, np.inf])
    np.testing.assert_array_equal(last_float(lambda values: values <= bounds, len(bounds)), bounds)
    assert last_float(lambda values: np.zeros(len(values), dtype=bool), 1) == -np.inf
