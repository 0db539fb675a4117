"""Tables become the inputs of a graph, and its outputs what the native model answers."""

import numpy as np
import pytest

from modelpack.errors import SchemaMismatch
from modelpack.onnx.layout import MISSING_WORD, Block, Layout, Output
from modelpack.schema import Table

LAYOUT = Layout(
    (Block("X", "float64", ("age", "member")), Block("text", "str", ("city", "plan"), ("plan",))),
    {"predict": Output("predict", "<U4", True)},
)


def test_numbers_and_text_go_side_by_side_in_the_order_of_the_layout() -> None:
    table = Table(
        {
            "plan": np.array(["pro", None], dtype=object),
            "member": np.ma.MaskedArray([True, False], mask=[False, True]),
            "city": np.array(["Oslo", "Bodø"], dtype=object),
            "age": np.array([3, 4], dtype=np.int64),
        },
        2,
    )
    feeds = LAYOUT.feeds(table)
    np.testing.assert_array_equal(feeds["X"], [[3.0, 1.0], [4.0, np.nan]])
    assert feeds["text"].tolist() == [["Oslo", "pro"], ["Bodø", MISSING_WORD]]


def test_an_array_passes_as_it_is_when_it_fits() -> None:
    layout = Layout((Block("X", "float64", (0, 1, 2)),), {}, is_tensor=True)
    rows = np.zeros((4, 3))
    assert layout.feeds(rows)["X"] is rows


@pytest.mark.parametrize("shape", [(4, 2), (3,), (1, 3, 1)])
def test_an_array_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    layout = Layout((Block("X", "float64", (0, 1, 2)),), {}, is_tensor=True)
    with pytest.raises(SchemaMismatch, match="rows of 3 numbers"):
        layout.feeds(np.zeros(shape))


def test_answers_take_the_shape_and_dtype_of_the_native_model() -> None:
    answer = Output("predict", "<U4", True).native(np.array([["goes"], ["stay"]], dtype=object))
    assert answer.dtype == "<U4"
    assert answer.tolist() == ["goes", "stay"]
    assert Output("p", "float64", False).native(np.zeros((2, 3))).shape == (2, 3)


def test_a_layout_survives_json() -> None:
    assert Layout.from_json(LAYOUT.to_json()) == LAYOUT
