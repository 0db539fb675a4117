"""A form that is right up to some magnitude is certified up to there, and answers nothing beyond."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from modelpack.errors import Uncertified
from modelpack.onnx.columns import DOUBLE, whole
from modelpack.onnx.convert import Candidate
from modelpack.onnx.graph import Graph, Tensor
from modelpack.onnx.layout import Block, Layout, Output
from modelpack.onnx.parity import certify
from modelpack.onnx.report import Report
from modelpack.onnx.session import OnnxSession
from modelpack.onnx.writing import write_answers
from tests.modelpack.onnx.data import numbers
from tests.modelpack.onnx.forms import matrix_signature

ROWS, TARGETS = numbers()
MODEL = LinearRegression().fit(ROWS, TARGETS["value"])


def saturated(bound: float) -> Candidate:
    """The model for numbers up to *bound*; greater ones count as that."""
    graph = Graph()
    rows = graph.input("X", DOUBLE, 6)
    clipped = Tensor(graph.node("Clip", rows, np.array(-bound), np.array(bound)), DOUBLE, 6)
    answers = write_answers(graph, MODEL, whole(clipped))
    layout = Layout(
        (Block("X", "float64", tuple(range(6))),), {"predict": Output("predict", "float64", True)}, True
    )
    return Candidate("saturated", graph.model({"predict": answers["predict"]()}, producer="test"), layout)


def compared(bound: float) -> tuple[OnnxSession | None, Report]:
    form, report = certify(
        MODEL, matrix_signature(6), reference=ROWS, example=ROWS[:3], rows=400, forms=[saturated(bound)]
    )
    if form is None or report.layout is None:
        return None, report
    return OnnxSession(form.SerializeToString(), report.layout, report.domain), report


@pytest.mark.parametrize(("bound", "limit"), [(1e20, 1e15), (1e12, 1e9), (1e9, 1e9)])
def test_it_is_certified_up_to_where_it_is_right(bound: float, limit: float) -> None:
    session, report = compared(bound)
    assert report.certified == ("predict",)
    assert report.domain.limit == limit
    assert session is not None
    np.testing.assert_allclose(session.run(ROWS, "predict"), MODEL.predict(ROWS), rtol=1e-9)
    at_the_limit = np.full((1, 6), limit)
    np.testing.assert_allclose(session.run(at_the_limit, "predict"), MODEL.predict(at_the_limit), rtol=1e-6)
    with pytest.raises(Uncertified, match="compared for numbers up to"):
        session.run(at_the_limit * 1.01, "predict")


@pytest.mark.parametrize("bound", [10.0, 100.0, 4000.0])
def test_what_is_wrong_for_usual_numbers_is_never_certified(bound: float) -> None:
    session, report = compared(bound)
    assert session is None
    assert report.certified == ()
    assert report.methods["predict"].reason == "numbers differ"
