"""Of two engines the faster answers, and of a certificate every word counts."""

from typing import Any

import numpy as np
import pytest

from modelpack.engines.choose import check, measure
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


def test_measuring_ends_in_time_and_a_line_speaks_for_more() -> None:
    clock = [0.0]
    onnx, native = _two(clock)
    measured = measure(onnx, native, "predict", np.zeros((3, 1)), seconds=0.05, clock=lambda: clock[0])
    assert clock[0] < 0.05
    assert max(measured.onnx) < 4096
    assert measured.faster(max(measured.onnx)) == "onnx"
    assert measured.faster(700) == "onnx"
    assert measured.faster(800) == "native"


def test_a_machine_that_does_other_things_for_a_moment_decides_nothing() -> None:
    clock = [0.0]
    onnx, native = _two(clock)

    class Disturbed(_Timed):
        def run(self, data: Any, method: str) -> Any:
            if len(self.rows) % 3 != 2:
                self._clock[0] += 1.0
            return super().run(data, method)

    disturbed = Disturbed("onnx", clock, fixed=1e-5, each=8e-6)
    measured = measure(disturbed, native, "predict", np.zeros((7, 1)), seconds=60, clock=lambda: clock[0])
    quiet = measure(onnx, native, "predict", np.zeros((7, 1)), seconds=60, clock=lambda: clock[0])
    assert measured.onnx == pytest.approx(quiet.onnx)
    assert measured.native == pytest.approx(quiet.native)
