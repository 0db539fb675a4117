"""Numbers as people read them."""

import pytest

from modelpack.report.numbers import number, size


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (3 << 40, "3.0 TiB")]
)
def test_sizes_are_for_people(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.0, "2"), (0.1 + 0.2, "0.3"), (1e300, "1e+300"), (-1234567.5, "-1.23457e+06"), (float("nan"), "nan")],
)
def test_numbers_have_six_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text
