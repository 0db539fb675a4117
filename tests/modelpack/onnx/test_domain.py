"""What was not compared, and what the model refuses, does not reach the graph."""

import numpy as np
import pytest

from modelpack.errors import Uncertified
from modelpack.onnx.domain import Domain, Gate
from modelpack.onnx.layout import MISSING_WORD, Block

NUMBERS = Block("X", "float64", ("age", "height"))
TEXT = Block("text", "str", ("city", "plan"), ("city", "plan"))
DOMAIN = Domain(
    limit=1e30, refuses_missing=("age", "plan"), refuses_infinite=("age", "height"), unknown_missing=("city",)
)


@pytest.mark.parametrize(
    "row",
    [[0.0, -0.0], [1e29, -1e30], [3.0, np.nan], [5e-324, 1.0]],
    ids=["zeros", "large", "missing", "tiny"],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_was_compared_passes(row: list[float], dtype: type) -> None:
    Gate(NUMBERS, DOMAIN).check(np.array([[1.0, 1.0], row]).astype(dtype))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param([np.nan, 1.0], "row 1, column 'age': the model does not take a missing", id="missing"),
        pytest.param([1.0, np.inf], "column 'height': the model does not take infinity", id="infinite"),
        pytest.param([-np.inf, np.nan], "column 'age': the model does not take infinity", id="both"),
    ],
)
def test_what_the_model_refuses_is_refused(row: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Gate(NUMBERS, DOMAIN).check(np.array([[1.0, 1.0], row]))
    assert not isinstance(caught.value, Uncertified)


def test_numbers_beyond_those_compared_are_left_to_the_native_engine() -> None:
    with pytest.raises(Uncertified, match=r"row 0, column 'height'.*1e\+30"):
        Gate(NUMBERS, DOMAIN).check(np.array([[1.0, 1.0001e30]]))


def test_infinity_passes_where_the_model_takes_it() -> None:
    Gate(NUMBERS, Domain()).check(np.array([[np.inf, np.nan]]))
    Gate(NUMBERS, Domain(limit=1e30, refuses_infinite=("age",))).check(np.array([[1.0, np.inf]]))


def test_missing_text_is_refused_or_left_to_the_native_engine() -> None:
    gate = Gate(TEXT, DOMAIN)
    gate.check(np.array([["Oslo", "pro"]], dtype=object))
    with pytest.raises(ValueError, match="'plan': the model does not take a missing text"):
        gate.check(np.array([["Oslo", MISSING_WORD]], dtype=object))
    with pytest.raises(Uncertified, match="'city'"):
        gate.check(np.array([[MISSING_WORD, "pro"]], dtype=object))


@pytest.mark.parametrize("domain", [DOMAIN, Domain()])
def test_a_domain_survives_json(domain: Domain) -> None:
    assert Domain.from_json(domain.to_json()) == domain
