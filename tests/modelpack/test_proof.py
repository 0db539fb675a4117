"""What saving writes beside the native model: a second form, the report, a profile."""

import json
import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
import yaml
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import modelpack
from modelpack import proof
from modelpack.directory import open_directory
from modelpack.errors import InvalidModel, NotFound, SchemaMismatch
from modelpack.onnx.files import native_digest, onnx_digest, read_report
from modelpack.onnx.profile import profile
from modelpack.onnx.report import Report
from modelpack.proof import Effort, read_profile
from tests.modelpack.proved import FEW, customers, forest, proved
from tests.modelpack.small import Doubler, frame, pipeline


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELPACK_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, _home: None) -> Path:
    return proved(tmp_path_factory.mktemp("proof") / "model", reference_data=customers())


def report_of(path: Path) -> Report:
    report = read_report(open_directory(path))
    assert report is not None
    return report


def document(path: Path) -> Any:
    return yaml.safe_load((path / "MLmodel").read_text())


def test_the_second_form_stands_beside_the_first_as_mlflow_reads_it(model: Path) -> None:
    flavors = document(model)["flavors"]
    assert set(flavors) == {"onnx", "python_function", "sklearn"}
    assert flavors["python_function"]["loader_module"] == "mlflow.sklearn"
    assert flavors["onnx"] == {
        "onnx_version": onnx.__version__,
        "data": "model.onnx",
        "providers": ["CPUExecutionProvider"],
        "onnx_session_options": None,
        "code": None,
    }
    # What mlflow.onnx.load_model does with it.
    onnx.checker.check_model(str(model / "model.onnx"))
    assert [one.name for one in onnx.load(str(model / "model.onnx")).graph.output] == [
        "predict",
        "predict_proba",
    ]
    assert modelpack.open_model(model).findings() == []


def test_the_report_is_about_these_two_files(model: Path) -> None:
    report, view = report_of(model), open_directory(model)
    assert report.certified == ("predict", "predict_proba")
    assert (report.native_digest, report.onnx_digest) == (native_digest(view), onnx_digest(view))
    assert report.seed == FEW["seed"]
    assert sum(report.rows.values()) >= FEW["rows"]


def test_the_native_digest_changes_with_the_model_and_with_nothing_else(model: Path, tmp_path: Path) -> None:
    before = native_digest(open_directory(model))
    other = shutil.copytree(model, tmp_path / "other")
    (other / "modelpack.manifest.json").unlink()
    for name in ("model.onnx", "input_example.json", "modelpack.parity.json"):
        (other / name).unlink()
    (other / "requirements.txt").write_text("numpy\n")
    assert native_digest(open_directory(other)) == before
    (other / "model.skops").write_bytes(b"x")
    assert native_digest(open_directory(other)) != before


def test_the_same_model_and_seed_give_the_same_bytes(model: Path, tmp_path: Path) -> None:
    again = proved(tmp_path / "model", reference_data=customers())
    assert (again / "model.onnx").read_bytes() == (model / "model.onnx").read_bytes()
    # skops writes the time into its file, so that its digest is another; the report has a time of its own.
    one, two = (replace(report_of(path), native_digest="", made="") for path in (model, again))
    assert one.to_json() == two.to_json()


def test_what_the_model_was_trained_on_is_kept_in_a_few_numbers(model: Path) -> None:
    view = open_directory(model)
    assert view.signature is not None
    assert view.signature.inputs is not None
    assert read_profile(view) == profile(customers(), view.signature.inputs)
    assert document(model)["metadata"]["modelpack"]["profile"]["rows"] == len(customers())


def test_a_long_profile_is_a_file_of_its_own(tmp_path: Path) -> None:
    data = pd.DataFrame({"word": [f"word number {place % 900}" for place in range(2000)]})
    saved = modelpack.save(
        lambda rows: np.zeros(len(rows)), tmp_path / "m", input_example=data.head(2), reference_data=data
    )
    assert saved.signature is not None
    assert saved.signature.inputs is not None
    assert (saved.path / "modelpack.profile.json").is_file()
    assert read_profile(saved) == profile(data, saved.signature.inputs)
    assert saved.findings() == []


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"input_example": None, "reference_data": frame()}, InvalidModel, "needs a signature"),
        ({"reference_data": frame().drop(columns="age")}, SchemaMismatch, "age"),
        ({"certify": {"row": 3}}, NotFound, "did you mean 'rows'"),
        ({"methods": ["fit"], "certify": {"rows": 100}}, NotFound, "no method 'fit'"),
    ],
    ids=["no-columns", "other-columns", "other-setting", "no-method"],
)
def test_a_wish_that_cannot_be_met_leaves_nothing(
    options: dict[str, Any], error: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        modelpack.save(pipeline(), tmp_path / "m", **({"input_example": frame().head(2)} | options))
    assert list(tmp_path.iterdir()) == []


def test_without_a_certificate_there_is_a_report_that_says_why_and_no_file(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(np.cbrt), LogisticRegression())
    model.fit(frame(), frame()["age"] > 50)
    saved = proved(tmp_path / "m", model=model, input_example=frame().head(2), format="cloudpickle")
    assert not (saved / "model.onnx").exists()
    assert "onnx" not in document(saved)["flavors"]
    assert "FunctionTransformer" in report_of(saved).methods["predict"].reason


def test_without_a_signature_the_report_says_so(tmp_path: Path) -> None:
    saved = proved(tmp_path / "m", input_example=None)
    assert "without a signature" in report_of(saved).methods["predict_proba"].reason


def test_a_model_that_takes_parameters_is_answered_natively(tmp_path: Path) -> None:
    saved = proved(tmp_path / "m", input_example=(customers().head(3), {"k": 1}))
    assert "takes parameters" in report_of(saved).methods["predict"].reason


def test_methods_may_be_named(tmp_path: Path) -> None:
    saved = proved(tmp_path / "m", methods=["predict_proba", "decision_function"])
    report = report_of(saved)
    assert report.certified == ("predict_proba",)
    assert report.methods["decision_function"].reason == "the model has no decision_function"


@pytest.mark.parametrize("options", [{"certify": False}, {"certify": {"rows": 0}}])
def test_it_can_be_left_out(options: dict[str, Any], tmp_path: Path) -> None:
    saved = proved(tmp_path / "m", **options)
    assert not {"model.onnx", "modelpack.parity.json"} & {path.name for path in saved.iterdir()}


def test_functions_have_no_second_form(tmp_path: Path) -> None:
    saved = proved(tmp_path / "m", model=Doubler(), input_example=frame().head(2))
    assert not (saved / "modelpack.parity.json").exists()


def test_without_the_libraries_saving_works_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(proof, "_NEEDED", ("onnx", "no_such_library"))
    with caplog.at_level(logging.INFO, logger="modelpack.proof"):
        saved = proved(tmp_path / "m")
    assert not (saved / "modelpack.parity.json").exists()
    assert modelpack.load_predictor(saved, engine="auto").why_native.endswith("has no parity report")
    (record,) = [one for one in caplog.records if one.message == "no ONNX form was written"]
    assert record.levelno == logging.INFO
    assert record.missing == "no_such_library"  # type: ignore[attr-defined]  # given as extra


@pytest.mark.parametrize(
    ("wish", "environ", "effort"),
    [
        (True, {}, Effort(100_000, 0)),
        (True, {"MODELPACK_CERTIFY_ROWS": "50"}, Effort(50, 0)),
        (True, {"MODELPACK_CERTIFY_ROWS": "0"}, None),
        ({"rows": 7, "seed": 3}, {"MODELPACK_CERTIFY_ROWS": "0"}, Effort(7, 3)),
        ({"seed": 3}, {"MODELPACK_CERTIFY_ROWS": "9"}, Effort(9, 3)),
        (False, {}, None),
    ],
)
def test_how_much_is_compared(wish: Any, environ: dict[str, str], effort: Effort | None) -> None:
    assert Effort.read(wish, environ) == effort


def test_the_comparison_asks_the_model_as_it_is_served(tmp_path: Path) -> None:
    class Shifted(LinearRegression):  # type: ignore[misc]  # scikit-learn publishes no types
        def predict(self, rows: Any) -> Any:
            return super().predict(rows) + 1

    rows = np.random.default_rng(0).normal(size=(50, 3))
    saved = proved(
        tmp_path / "m",
        model=Shifted().fit(rows, rows[:, 0]),
        input_example=rows[:3],
        format="cloudpickle",
        code_paths=(),
    )
    assert report_of(saved).certified == ()
    assert json.loads((saved / "modelpack.parity.json").read_text())["certified"] == []


def test_what_was_fitted_is_not_changed_by_the_comparison(tmp_path: Path) -> None:
    before = forest().predict_proba(customers())
    proved(tmp_path / "m")
    np.testing.assert_array_equal(forest().predict_proba(customers()), before)
