"""Scales: where values go, and the numbers beside them."""

import pytest

from modelpack.report.scale import Axis, nice


@pytest.mark.parametrize(
    ("least", "most", "marks"),
    [
        (0, 100, [0, 20, 40, 60, 80, 100]),
        (0.013, 0.019, [0.014, 0.016, 0.018]),
        (-3, 3, [-2, 0, 2]),
        (0, 1e9, [0, 2e8, 4e8, 6e8, 8e8, 1e9]),
    ],
)
def test_marks_are_round_numbers(least: float, most: float, marks: list[float]) -> None:
    assert nice(least, most) == pytest.approx(marks)


def test_numbers_are_placed_by_size_and_texts_in_order() -> None:
    numbers = Axis.over("n", ["1", 3, None], 0, 100)
    assert [numbers.at(one) for one in (1, 2, 3, None, "x")] == [0, 50, 100, None, None]
    texts = Axis.over("t", ["b", "a"], 0, 100)
    assert [texts.at(one) for one in ("a", "b")] == [25, 75]
    assert [tick.label for tick in texts.ticks] == ["a", "b"]


def test_one_value_stands_in_the_middle() -> None:
    assert Axis.over("n", [7.0], 0, 100).at(7) == 50
    assert Axis.by_factors("n", [7.0], 0, 100).at(7) == 50


def test_by_factors_equal_factors_are_equally_far_apart() -> None:
    axis = Axis.by_factors("n", [1, 100], 0, 100)
    assert [axis.at(one) for one in (1, 10, 100, 0, -1)] == [0, 50, 100, None, None]
    assert [tick.label for tick in axis.ticks] == ["1", "2", "5", "10", "20", "50", "100"]
    assert [tick.label for tick in Axis.by_factors("n", [1, 64], 0, 1, marks=[1, 8, 64]).ticks] == [
        *("1", "8", "64")
    ]


def test_over_many_decades_only_the_decades_are_marked() -> None:
    assert [tick.label for tick in Axis.by_factors("n", [0.001, 10_000], 0, 1).ticks][:2] == ["0.001", "0.01"]
