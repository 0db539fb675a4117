"""The first question is the model's own example, and a fast engine is timed with it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from serving.models import Served
from serving.warming import QUICK_SECONDS, warm
from tests.serving.kit import add, served, split


def timed(seconds: Callable[[int], float]) -> tuple[Served, Callable[[], float], list[int]]:
    """A model whose quick engine takes *seconds* for a number of rows, by the clock that comes with it."""
    now, asked = [0.0], list[int]()

    def quick(data: Any, params: Mapping[str, Any]) -> Any:
        asked.append(data.rows)
        now[0] += seconds(data.rows)
        return add(data, params)

    model = served(example=split([1.0, 2.0]))
    model.lane.quick = quick
    return model, lambda: now[0], asked


@pytest.mark.parametrize(
    ("seconds", "rows"),
    [
        pytest.param(lambda rows: rows * QUICK_SECONDS / 20, 16, id="fast for few"),
        pytest.param(lambda rows: 0.0, 256, id="always fast"),
        pytest.param(lambda rows: QUICK_SECONDS * 2, 0, id="never fast"),
    ],
)
def test_an_engine_is_called_on_the_loop_for_as_many_rows_as_it_is_fast_for(
    seconds: Callable[[int], float], rows: int
) -> None:
    model, clock, asked = timed(seconds)
    warm(model, clock=clock)
    assert model.lane.quick_rows == rows
    assert max(asked) <= 256


def test_a_model_without_such_an_engine_is_asked_once() -> None:
    asked = []

    def predict(data: Any, params: Mapping[str, Any]) -> Any:
        asked.append(data.rows)
        return add(data, params)

    model = served(predict, example=split([1.0, 2.0], [3.0, 4.0]))
    warm(model)
    assert asked == [2]
    assert model.lane.quick_rows == 0


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
def test_a_model_that_fails_on_its_example_is_served_all_the_same(error: BaseException) -> None:
    def fail(data: Any, params: Mapping[str, Any]) -> Any:
        raise error

    model = served(fail, example=split([1.0, 2.0]))
    warm(model)
    assert model.lane.quick_rows == 0
