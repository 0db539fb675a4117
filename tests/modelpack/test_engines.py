"""Predictors by engine and method: what answers, what is loaded for it, and what is refused."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
import yaml

import modelpack
from modelpack import Trust
from modelpack.directory import open_directory
from modelpack.directory.manifest import Manifest
from modelpack.engines import trial
from modelpack.errors import (
    DamagedModel,
    InvalidModel,
    MissingDependency,
    NotFound,
    PredictionFailed,
    Uncertified,
    Untrusted,
)
from modelpack.onnx.files import digest_of, native_digest, read_report
from modelpack.predictor import Predictor
from tests.modelpack.proved import customers, forest, proved
from tests.modelpack.small import pipeline, saved


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("MODELPACK_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    return proved(tmp_path_factory.mktemp("engines") / "model")


@pytest.fixture
def copy(model: Path, tmp_path: Path) -> Path:
    return shutil.copytree(model, tmp_path / "copy")


def load(path: Path, **options: Any) -> Predictor:
    return modelpack.load_predictor(path, **({"trust": Trust()} | options))


@pytest.mark.parametrize("engine", ["native", "onnx", "auto"])
@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_every_engine_answers_alike(engine: str, method: str, model: Path) -> None:
    predictor = load(model, engine=engine, method=method)
    assert predictor.method == method
    assert predictor.engine == ("native" if engine == "native" else "onnx")
    assert (predictor.onnx is None) == (engine == "native")
    wanted = getattr(forest(), method)(customers())
    got = predictor.predict(customers())
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)
    # The native object is there for all who ask for it.
    assert type(predictor.model).__name__ == "Pipeline"


def test_the_method_that_the_document_names_is_the_usual_one(copy: Path) -> None:
    text = (copy / "MLmodel").read_text()
    (copy / "MLmodel").write_text(text.replace("predict_fn: predict", "predict_fn: predict_proba"))
    Manifest.of(copy).write(copy)
    for engine in ("native", "onnx", "auto"):
        predictor = load(copy, engine=engine)
        assert predictor.method == "predict_proba"
        np.testing.assert_array_equal(predictor.predict(customers()), forest().predict_proba(customers()))
        # What is asked for goes before what the document says.
        asked = load(copy, engine=engine, method="predict")
        assert asked.predict(customers()).tolist() == forest().predict(customers()).tolist()


def loaded_by(path: Path, engine: str, home: Path) -> set[str]:
    """The libraries that a fresh process has imported when it has answered one row."""
    program = (
        "import sys, json, modelpack, numpy\n"
        "from modelpack.schema import Table\n"
        "p = modelpack.load_predictor(sys.argv[1], engine=sys.argv[2])\n"
        "text = lambda word: numpy.array([word], dtype=object)\n"
        "row = Table({'city': text('Oslo'), 'member': numpy.array([True]), "
        "'visits': numpy.array([2.0]), 'plan': text('pro')}, 1)\n"
        "p.run(row, {})\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path), engine],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MODELPACK_HOME": str(home)},
    )
    return set(json.loads(done.stdout))


HEAVY = {"pandas", "sklearn", "scipy", "skops", "joblib", "cloudpickle", "onnx", "skl2onnx"}


@pytest.mark.parametrize("engine", ["onnx", "auto"])
def test_no_framework_is_imported_to_answer_by_onnx(engine: str, model: Path, home: Path) -> None:
    loaded = loaded_by(model, engine, home)
    assert "onnxruntime" in loaded
    assert not loaded & HEAVY


def test_the_list_of_frameworks_is_not_blind(model: Path, home: Path) -> None:
    loaded = loaded_by(model, "native", home)
    assert {"pandas", "sklearn", "skops"} <= loaded
    assert "onnxruntime" not in loaded


def beyond() -> pd.DataFrame:
    """A number that the native model takes, and that was not compared."""
    return customers().head(1).assign(visits=2e38)


def test_what_was_not_compared_is_answered_by_the_native_model_or_not_at_all(model: Path) -> None:
    auto = load(model, engine="auto")
    assert auto.predict(beyond()).tolist() == forest().predict(beyond()).tolist()
    with pytest.raises(Uncertified, match="use the native engine"):
        load(model, engine="onnx").predict(beyond())


def test_what_the_model_refuses_both_refuse(model: Path) -> None:
    wrong = customers().head(2).assign(visits=np.inf)
    for engine in ("native", "onnx", "auto"):
        with pytest.raises(PredictionFailed) as caught:
            load(model, engine=engine).predict(wrong)
        assert caught.value.blames_input


def test_without_a_report_the_native_model_answers_and_says_why(tmp_path: Path) -> None:
    path = saved(tmp_path / "m")
    predictor = load(path, engine="auto")
    assert predictor.engine == "native"
    assert "no parity report" in predictor.why_native
    assert predictor.onnx is None
    with pytest.raises(Uncertified, match="no parity report"):
        load(path, engine="onnx")


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_method_that_is_not_certified_is_answered_by_the_native_model(model: Path) -> None:
    predictor = load(model, engine="auto", method="predict_log_proba")
    assert (predictor.engine, predictor.method) == ("native", "predict_log_proba")
    assert "says nothing of predict_log_proba" in predictor.why_native
    np.testing.assert_array_equal(predictor.predict(customers()), forest().predict_log_proba(customers()))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"engine": "onx"}, "did you mean 'onnx'"),
        ({"method": "fit"}, "no method 'fit'"),
        ({"method": "__class__"}, "no method"),
    ],
)
def test_what_does_not_exist_is_said_to(options: dict[str, Any], said: str, model: Path) -> None:
    with pytest.raises(NotFound, match=said):
        load(model, **options)


def test_a_model_without_the_method_says_so(tmp_path: Path) -> None:
    path = saved(tmp_path / "m", model=pipeline())
    with pytest.raises(InvalidModel, match="has no transform"):
        load(path, method="transform")


def test_a_changed_file_is_noticed_by_the_manifest(copy: Path) -> None:
    with (copy / "model.onnx").open("ab") as file:
        file.write(b"\0")
    for engine in ("onnx", "auto"):
        with pytest.raises(DamagedModel, match=r"model\.onnx is changed"):
            load(copy, engine=engine)


def _another_model(path: Path) -> None:
    # The time of writing stands in it.
    other = proved(path.parent / "other", certify=False)
    shutil.copy(other / "model.skops", path / "model.skops")


def _another_form(path: Path) -> None:
    form = onnx.load(str(path / "model.onnx"))
    form.doc_string = "another"
    onnx.save(form, str(path / "model.onnx"))


@pytest.mark.parametrize("change", [_another_model, _another_form])
def test_a_report_about_other_files_certifies_nothing(change: Any, copy: Path) -> None:
    change(copy)
    Manifest.of(copy).write(copy)
    with pytest.raises(Uncertified, match="about other files"):
        load(copy, engine="onnx")
    assert load(copy, engine="auto").engine == "native"


def test_a_damaged_report_is_no_certificate(copy: Path) -> None:
    (copy / "modelpack.parity.json").write_text("{}")
    Manifest.of(copy).write(copy)
    assert "damaged" in load(copy, engine="auto").why_native
    with pytest.raises(InvalidModel, match="damaged"):
        load(copy, engine="onnx")


def _forged(path: Path, change: Any) -> None:
    """Change the ONNX file of *path* by *change*, and let report and manifest vouch for it."""
    form = onnx.load(str(path / "model.onnx"))
    change(form)
    model = form.SerializeToString()
    (path / "model.onnx").write_bytes(model)
    view = open_directory(path)
    (path / "modelpack.manifest.json").unlink()
    report = read_report(view)
    assert report is not None
    report = report.bound(native_digest=native_digest(view), onnx_digest=digest_of(model))
    (path / "modelpack.parity.json").write_text(report.to_json())
    Manifest.of(path).write(path)


def _lost_children(form: onnx.ModelProto) -> None:
    tree = next(node for node in form.graph.node if node.op_type == "TreeEnsemble")
    children = next(one for one in tree.attribute if one.name == "nodes_truenodeids")
    children.ints[:] = [2**40] * len(children.ints)


def _outside(form: onnx.ModelProto) -> None:
    tensor = form.graph.initializer.add(name="x", data_type=1, dims=[4])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")


def _custom(form: onnx.ModelProto) -> None:
    form.graph.node[0].domain = "com.example"


@pytest.mark.parametrize("change", [_lost_children, _outside, _custom])
def test_a_hostile_file_whose_report_was_forged_hurts_nobody(change: Any, copy: Path) -> None:
    _forged(copy, change)
    with pytest.raises(InvalidModel, match="ONNX"):
        load(copy, engine="onnx")
    predictor = load(copy, engine="auto")
    assert predictor.engine == "native"
    assert predictor.predict(customers()).tolist() == forest().predict(customers()).tolist()


def test_a_file_from_elsewhere_is_opened_in_a_child_once(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    real = trial.survive

    def counting(form: bytes, report: Any) -> None:
        tried.append(len(form))
        real(form, report)

    monkeypatch.setattr(trial, "survive", counting)
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "elsewhere"))
    for _ in range(2):
        assert load(model, engine="onnx").engine == "onnx"
    assert len(tried) == 1
    # Who lets pickles run has nothing to fear from a crash.
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "third"))
    load(model, engine="onnx", trust=Trust(pickle=True))
    assert len(tried) == 1


def test_a_home_that_cannot_be_written_is_no_hindrance(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "file" / "below"))
    assert load(model, engine="auto").predict(customers()).tolist()


def test_without_the_runtime_the_native_model_answers(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    predictor = load(model, engine="auto", trust=Trust(pickle=True))
    assert predictor.engine == "native"
    assert 'pip install "modelpack[onnx]"' in predictor.why_native
    with pytest.raises(MissingDependency):
        load(model, engine="onnx", trust=Trust(pickle=True))


def test_a_pickle_that_nobody_may_load_still_answers_by_its_other_form(tmp_path: Path) -> None:
    path = proved(tmp_path / "m", format="cloudpickle")
    predictor = load(path, engine="auto")
    assert predictor.engine == "onnx"
    assert predictor.predict(customers()).tolist() == forest().predict(customers()).tolist()
    with pytest.raises(Untrusted):
        _ = predictor.model
    with pytest.raises(Uncertified):
        predictor.predict(beyond())


def test_many_rows_let_the_native_model_join_and_that_is_remembered(model: Path, home: Path) -> None:
    many = pd.concat([customers()] * 3, ignore_index=True)
    wanted = forest().predict(many)
    for _ in range(2):
        predictor = load(model, engine="auto")
        np.testing.assert_array_equal(predictor.predict(many), wanted)
        np.testing.assert_array_equal(predictor.predict(many.head(1)), wanted[:1])
    (kept,) = (home / "measured").iterdir()
    assert kept.stem == open_directory(model).digest.removeprefix("sha256:")
    times = json.loads(kept.read_text())["predict/1"]
    assert times["onnx"].keys() == times["native"].keys()
    assert "1" in times["onnx"]


def test_an_entry_that_leads_elsewhere_is_refused(copy: Path) -> None:
    document = yaml.safe_load((copy / "MLmodel").read_text())
    document["flavors"]["onnx"]["data"] = "../../other.onnx"
    (copy / "MLmodel").write_text(yaml.safe_dump(document))
    Manifest.of(copy).write(copy)
    with pytest.raises(InvalidModel, match="not the name of a file inside"):
        load(copy, engine="onnx")


def test_a_report_that_names_no_inputs_opens_nothing(copy: Path) -> None:
    view = open_directory(copy)
    report = read_report(view)
    assert report is not None
    (copy / "modelpack.parity.json").write_text(replace(report, layout=None).to_json())
    Manifest.of(copy).write(copy)
    with pytest.raises(Uncertified):
        load(copy, engine="onnx")
