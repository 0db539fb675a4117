"""Plots: bars beside their names, and curves."""

import re

from modelpack.report.plots import Curve, bars, curves
from tests.modelpack.report.reading import read


def _bars(text: str) -> list[tuple[float, float]]:
    found = re.findall(r'<rect class="bar-of" x="([-\d.]+)" y="1" width="([-\d.]+)"', text)
    return [(float(start), float(width)) for start, width in found]


def test_bars_are_as_long_as_their_numbers() -> None:
    text = bars("t", ("Feature", "gain"), [("a", 4.0), ("b", 1.0), ("c", 0.0)])
    assert _bars(text) == [(0, 100), (0, 25), (0, 0)]
    assert read(text).tables["t"] == [
        *(["Feature", "gain", "Bar"], ["a", "4", ""], ["b", "1", ""], ["c", "0", ""]),
    ]


def test_bars_of_negative_numbers_go_to_the_left_of_zero() -> None:
    assert _bars(bars("t", ("F", "c"), [("a", 3.0), ("b", -1.0)])) == [(25, 75), (0, 25)]
    assert _bars(bars("t", ("F", "c"), [("a", -2.0)])) == [(0, 100)]


def test_what_is_no_number_has_no_bar_and_is_told() -> None:
    text = bars("t", ("F", "c"), [("a", 2.0), ("b", float("nan")), ("c", float("inf"))])
    assert _bars(text) == [(0, 100), (0, 0), (0, 0)]
    assert [row[1] for row in read(text).tables["t"][1:]] == ["2", "nan", "inf"]


def test_a_curve_goes_up_where_its_numbers_do() -> None:
    found = curves(
        "Rate",
        [Curve("native", ((1, 100.0), (4, 200.0), (16, 400.0)))],
        across="at a time",
        up="a second",
        told="it grows",
    )
    points = re.search(r'<polyline points="([^"]+)"', found)
    assert points is not None
    spots = [tuple(map(float, one.split(","))) for one in points[1].split()]
    assert spots[1][0] - spots[0][0] == spots[2][0] - spots[1][0], "equal factors, equal steps"
    assert spots[0][1] > spots[1][1] > spots[2][1]
    assert "native: 400 at 16" in read(found).text
    assert ("aria-label", "it grows") in read(found).attributes


def test_without_points_there_is_a_sentence_and_no_picture() -> None:
    found = curves("Rate", [Curve("x", ())], across="a", up="b", told="nothing was answered")
    assert "<svg" not in found
    assert "nothing was answered" in found
