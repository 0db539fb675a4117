"""Formulas as numpy computes them, at the ends of what doubles hold too."""

from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest

from modelpack.onnx import formulas
from modelpack.onnx.columns import DOUBLE, whole
from modelpack.onnx.graph import Graph, Tensor
from tests.modelpack.onnx.data import SEED

ENDS = [
    0.0,
    -0.0,
    5e-324,
    1e-300,
    1e-17,
    -1e-17,
    1e-9,
    -1e-9,
    0.5,
    -0.5,
    1.0,
    20.0,
    700.0,
    1e10,
    1e300,
    np.inf,
    np.nan,
]


def computed(build: Callable[[Graph, Tensor], Tensor], rows: np.ndarray) -> np.ndarray:
    """What the graph that *build* writes gives for *rows*."""
    graph = Graph()
    tensor = graph.input("X", DOUBLE, rows.shape[1])
    model = graph.model({"Y": build(graph, tensor)}, producer="test")
    found: np.ndarray = onnxruntime.InferenceSession(model.SerializeToString()).run(["Y"], {"X": rows})[0]
    return found


@pytest.mark.parametrize(
    ("build", "function"), [(formulas.log1p, np.log1p), (formulas.expm1, np.expm1)], ids=["log1p", "expm1"]
)
def test_small_digits_are_kept(
    build: Callable[[Graph, Tensor], Tensor], function: Callable[[np.ndarray], np.ndarray]
) -> None:
    rng = np.random.default_rng(SEED)
    rows = np.r_[ENDS, rng.normal(0, 1, 500) ** 9, 10.0 ** rng.uniform(-20, 2, 500), -1.0, -0.999].reshape(
        -1, 1
    )
    with np.errstate(all="ignore"):
        wanted = function(rows)
    np.testing.assert_allclose(computed(build, rows), wanted, rtol=5e-15, atol=0)


def test_lines_between_points_are_numpys() -> None:
    rng = np.random.default_rng(SEED)
    places = np.sort(np.r_[rng.normal(0, 3, 30), [1.0, 1.0, 1.0, 2.0, 2.0]])
    heights = np.sort(rng.uniform(0, 1, 35))
    values = np.r_[places, rng.normal(0, 4, 500), places + 1e-12, -1e300, 1e300, np.nan, -np.inf, np.inf]
    found = computed(lambda graph, x: formulas.interpolated(graph, x, places, heights), values.reshape(-1, 1))
    np.testing.assert_allclose(found[:, 0], np.interp(values, places, heights), rtol=1e-14, atol=0)


def test_the_nearest_of_equals_is_the_first() -> None:
    centers = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 0.0]])
    rows = np.array([[1.0, 5.0], [0.0, 0.0], [1.5, 1.0]])
    found = computed(lambda graph, x: formulas.nearest(graph, x, centers), rows)
    assert found.tolist() == [0, 0, 1]


@pytest.mark.parametrize("width", [3, 80])
def test_distances_of_many_columns_are_taken_by_another_formula(width: int) -> None:
    rng = np.random.default_rng(SEED)
    rows, points = rng.normal(0, 1, (50, width)), rng.normal(0, 1, (7, width))
    wanted = ((rows[:, None, :] - points[None]) ** 2).sum(axis=2)
    found = computed(lambda graph, x: formulas.squared_differences(graph, x, points), rows)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_a_wrong_value_makes_the_runtime_refuse_the_call() -> None:
    def build(graph: Graph, x: Tensor) -> Tensor:
        return formulas.refused_where(graph, x, graph.node("Less", x, np.zeros(1)))

    rows = np.array([[1.0, -0.0], [2.0, np.inf]])
    np.testing.assert_array_equal(computed(build, rows), rows)
    assert np.signbit(computed(build, rows)[0, 1])
    with pytest.raises(Exception, match="out of data bounds"):
        computed(build, np.array([[1.0, -1e-300]]))


def test_one_answer_is_repeated_for_every_row() -> None:
    rows = np.zeros((3, 2))
    single = computed(lambda graph, x: formulas.repeated(graph, whole(x), np.array(7)), rows)
    assert single.tolist() == [7, 7, 7]
    several = computed(lambda graph, x: formulas.repeated(graph, whole(x), np.array([0.25, 0.75])), rows)
    assert several.tolist() == [[0.25, 0.75]] * 3


def test_the_logarithm_of_a_sum_does_not_overflow() -> None:
    rows = np.array([[1000.0, 1000.0], [-1000.0, -1001.0], [0.0, -np.inf]])
    found = computed(formulas.log_sum_exp, rows)[:, 0]
    np.testing.assert_allclose(found, np.logaddexp(rows[:, 0], rows[:, 1]), rtol=1e-15)
