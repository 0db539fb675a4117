"""A report is kept as a file, and believed only about the files it names."""

import json

import pytest

from modelpack.errors import InvalidModel
from modelpack.onnx.domain import Domain
from modelpack.onnx.layout import Block, Layout, Output
from modelpack.onnx.report import MethodReport, Report

REPORT = Report(
    methods={
        "predict": MethodReport(True, compared=10),
        "predict_proba": MethodReport(
            False, "numbers differ", 10, 2, float("inf"), 1e-12, "split", {"a": "nan", "b": None}, "1", "2"
        ),
    },
    candidate="exact",
    tried={"float32": "predict: labels differ"},
    first_difference="scaler (StandardScaler)",
    rows={"random": 10},
    seed=7,
    layout=Layout((Block("X", "float64", ("a", 3)),), {"predict": Output("predict", "int64", True)}),
    domain=Domain(1e38, ("a",)),
    versions={"onnx": "1.23"},
    opsets={"ai.onnx": 18},
)


@pytest.mark.parametrize(
    "report", [REPORT, Report(methods={}), REPORT.bound(native_digest="a", onnx_digest="b")]
)
def test_a_report_survives_json(report: Report) -> None:
    text = report.to_json()
    assert Report.from_json(text) == report
    assert Report.from_json(text.encode()).to_json() == text


def test_a_report_says_what_is_certified_and_within_what() -> None:
    document = json.loads(REPORT.to_json())
    assert document["certified"] == ["predict"]
    assert document["tolerance"]["relative"] == 1e-6
    assert document["seed"] == 7


def test_a_report_certifies_the_files_that_it_was_bound_to_and_no_others() -> None:
    assert not REPORT.certifies("predict", native_digest="", onnx_digest="")
    bound = REPORT.bound(native_digest="sha256:a", onnx_digest="sha256:b")
    assert bound.certifies("predict", native_digest="sha256:a", onnx_digest="sha256:b")
    assert not bound.certifies("predict_proba", native_digest="sha256:a", onnx_digest="sha256:b")
    assert not bound.certifies("predict", native_digest="sha256:x", onnx_digest="sha256:b")
    assert not bound.certifies("predict", native_digest="sha256:a", onnx_digest="sha256:x")


def _changed(**changes: object) -> str:
    return json.dumps({**json.loads(REPORT.to_json()), **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        REPORT.to_json()[:-40],
        _changed(format=99),
        _changed(methods=[1]),
        _changed(layout={"blocks": 3}),
        _changed(domain=None),
        _changed(seed=float("inf")),
        "[" * 100_000,
    ],
)
def test_a_damaged_report_is_refused(text: str) -> None:
    with pytest.raises(InvalidModel):
        Report.from_json(text)


def test_only_true_is_true_in_a_report() -> None:
    document = json.loads(REPORT.to_json())
    document["methods"]["predict"]["certified"] = "false"
    assert Report.from_json(json.dumps(document)).certified == ()
