"""The ONNX engine goes by its report, and needs no framework."""

import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from modelpack.engines import Engine
from modelpack.engines import onnx as onnx_engine
from modelpack.engines.onnx import OnnxEngine
from modelpack.errors import InvalidModel, Uncertified
from modelpack.onnx.parity import certify
from modelpack.onnx.report import Report
from modelpack.onnx.session import OnnxSession
from modelpack.schema import Signature
from tests.modelpack.onnx.data import held, mixed, signature_of

DATA, TARGET = mixed()
BEFORE = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), ["city", "plan"]),
    (SimpleImputer(), ["spent"]),
    remainder="passthrough",
)
MODEL = make_pipeline(BEFORE, GradientBoostingClassifier(n_estimators=5)).fit(DATA, TARGET)
SIGNATURE: Signature = signature_of(DATA)


@cache  # not at once: every process of a run collects these tests
def _certified() -> tuple[bytes, Report]:
    form, report = certify(MODEL, SIGNATURE, example=DATA, methods=("predict", "predict_proba"), rows=300)
    assert form is not None
    return form.SerializeToString(), report


def _bytes() -> bytes:
    return _certified()[0]


def _report() -> Report:
    return _certified()[1]


def test_it_answers_as_the_model_in_the_models_dtypes(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(_bytes())
    engine = OnnxEngine(file, _report())
    assert isinstance(engine, Engine)
    assert engine.name == "onnx"
    assert engine.methods == {"predict", "predict_proba"}
    table = held(DATA, SIGNATURE.inputs)
    wanted = MODEL.predict(DATA)
    got = engine.run(table, "predict")
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)
    np.testing.assert_allclose(engine.run(table, "predict_proba"), MODEL.predict_proba(DATA), rtol=1e-12)


def test_it_answers_only_what_is_certified() -> None:
    engine = OnnxEngine(_bytes(), _report())
    with pytest.raises(Uncertified, match="not certified for decision_function"):
        engine.run(held(DATA, SIGNATURE.inputs), "decision_function")
    with pytest.raises(Uncertified):
        engine.open("transform")


def test_a_report_without_a_form_opens_none() -> None:
    with pytest.raises(InvalidModel, match="certify the model again"):
        OnnxEngine(_bytes(), Report(methods={}))


def test_a_cut_file_is_refused_before_a_runtime_sees_it() -> None:
    with pytest.raises(InvalidModel):
        OnnxEngine(_bytes()[:-7], _report())


def test_it_starts_and_answers_without_pandas_scikit_learn_or_onnx(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(_bytes())
    (tmp_path / "report.json").write_text(_report().to_json())
    code = f"""
import sys, pathlib, numpy as np
from modelpack.engines.onnx import OnnxEngine
from modelpack.onnx.report import Report
from modelpack.schema import Table
folder = pathlib.Path({str(tmp_path)!r})
engine = OnnxEngine(folder / "model.onnx", Report.from_json((folder / "report.json").read_text()))
columns = dict(city=["Oslo"], member=[True], visits=[3], spent=[12.5], plan=["pro"])
kinds = dict(city=object, member=bool, visits=np.int64, spent=float, plan=object)
table = Table({{name: np.array(values, dtype=kinds[name]) for name, values in columns.items()}}, 1)
print(engine.run(table, "predict")[0])
heavy = {{"sklearn", "pandas", "scipy", "onnx", "skl2onnx", "joblib"}}
print(sorted(heavy & {{name.partition(".")[0] for name in sys.modules}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    answer, loaded = done.stdout.split("\n")[:2]
    assert answer in set(TARGET)
    assert loaded == "[]"
    assert done.stderr == ""


@pytest.mark.parametrize(("wanted", "allowed", "taken"), [(8, 4, 4), (2, 4, 2), (8, 1, 1), (0, 4, 1)])
def test_no_more_threads_share_a_call_than_are_certified(
    wanted: int, allowed: int, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    real = OnnxSession

    def noting(*arguments: Any, threads: int) -> Any:
        asked.append(threads)
        return real(*arguments, threads=threads)

    monkeypatch.setattr(onnx_engine, "OnnxSession", noting)
    OnnxEngine(_bytes(), replace(_report(), threads=allowed), threads=wanted)
    assert asked == [taken]
