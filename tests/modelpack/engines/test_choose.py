"""Of two engines the faster answers, and of a certificate every word counts."""

from typing import Any

import numpy as np
import pytest

from modelpack.engines.choose import ChosenEngine, Measured, check, measure
from modelpack.errors import Uncertified
from modelpack.onnx.layout import Block, Layout, Output
from modelpack.onnx.report import MethodReport, Report

LAYOUT = Layout((Block("X", "float64", (0,)),), {"predict": Output("predict", "int64", True)}, is_tensor=True)
REPORT = Report(
    methods={"predict": MethodReport(True), "predict_proba": MethodReport(False, "numbers differ")},
    layout=LAYOUT,
).bound(native_digest="a", onnx_digest="b")


class _Timed:
    """An engine that takes *fixed* seconds a call and *each* for a row, on a clock of its own."""

    def __init__(self, name: str, clock: list[float], *, fixed: float, each: float) -> None:
        self.name, self._clock, self._fixed, self._each = name, clock, fixed, each
        self.rows: list[int] = []

    def run(self, data: Any, method: str) -> Any:
        self.rows.append(len(data))
        self._clock[0] += self._fixed + self._each * len(data)
        return np.full(len(data), self.name)


def _two(clock: list[float]) -> tuple[_Timed, _Timed]:
    return (
        _Timed("onnx", clock, fixed=1e-5, each=8e-6),
        _Timed("native", clock, fixed=3e-3, each=4e-6),
    )


@pytest.mark.parametrize(
    ("name", "method", "digests", "reason"),
    [
        ("auto", "predict", ("a", "b"), ""),
        ("onnx", "predict", ("a", "b"), ""),
        ("native", "predict", ("a", "b"), "was asked for"),
        ("auto", "predict_proba", ("a", "b"), "numbers differ"),
        ("auto", "transform", ("a", "b"), "says nothing of transform"),
        ("auto", "predict", ("x", "b"), "about other files"),
        ("auto", "predict", ("a", "x"), "about other files"),
        ("auto", "predict", ("a", ""), "no ONNX form"),
    ],
)
def test_onnx_answers_only_by_a_certificate_for_these_files(
    name: Any, method: str, digests: tuple[str, str], reason: str
) -> None:
    said = check(name, REPORT, method, native_digest=digests[0], onnx_digest=digests[1])
    assert reason in said
    assert bool(said) == bool(reason)


def test_without_a_report_there_is_no_certificate() -> None:
    assert "no parity report" in check("auto", None, "predict", native_digest="a", onnx_digest="b")


def test_the_faster_engine_answers_for_so_many_rows() -> None:
    clock = [0.0]
    onnx, native = _two(clock)
    measured = measure(onnx, native, "predict", np.zeros((7, 1)), seconds=1.0, clock=lambda: clock[0])
    assert measured.faster(1) == "onnx"
    assert measured.faster(100) == "onnx"
    assert measured.faster(5000) == "native"
    chosen = ChosenEngine(onnx, native, measured)
    assert chosen.name == "onnx"
    assert chosen.run(np.zeros((2, 1)), "predict")[0] == "onnx"
    assert chosen.run(np.zeros((9000, 1)), "predict")[0] == "native"


def test_measuring_ends_in_time_and_the_last_count_speaks_for_more() -> None:
    clock = [0.0]
    onnx, native = _two(clock)
    measured = measure(onnx, native, "predict", np.zeros((3, 1)), seconds=0.05, clock=lambda: clock[0])
    assert clock[0] < 0.05
    assert max(measured.onnx) < 4096
    assert measured.faster(5000) == measured.faster(max(measured.onnx))


def test_rows_that_were_not_compared_go_to_the_native_engine() -> None:
    class Careful:
        name = "onnx"

        def run(self, data: Any, method: str) -> Any:
            raise Uncertified("too large")

    clock = [0.0]
    _, native = _two(clock)
    chosen = ChosenEngine(Careful(), native, Measured({1: 0.1}, {1: 0.2}))
    assert chosen.run(np.zeros((1, 1)), "predict")[0] == "native"


def test_what_the_model_refuses_is_not_asked_twice() -> None:
    class Refuses:
        name = "onnx"

        def run(self, data: Any, method: str) -> Any:
            raise ValueError("the model does not take a missing value")

    clock = [0.0]
    _, native = _two(clock)
    chosen = ChosenEngine(Refuses(), native, Measured({1: 0.1}, {1: 0.2}))
    with pytest.raises(ValueError, match="missing value"):
        chosen.run(np.zeros((1, 1)), "predict")
    assert native.rows == []
