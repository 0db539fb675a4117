"""Saving: what is written, what is found out, and that a failure leaves nothing."""

import json
import os
import platform
import re
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import sparse
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler

import modelpack
from modelpack import Trust, rehearsal
from modelpack.errors import (
    AlreadyExists,
    InvalidModel,
    NotFound,
    PredictionFailed,
    SchemaMismatch,
    Untrusted,
)
from modelpack.schema import Signature, infer_signature
from tests.modelpack.small import Doubler, frame, labels, pipeline


def document(path: Path) -> Any:
    return yaml.safe_load((path / "MLmodel").read_text())


def lines(path: Path) -> list[str]:
    return (path / "requirements.txt").read_text().splitlines()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline saved as the quickstart saves one."""
    path = tmp_path_factory.mktemp("saving") / "model"
    modelpack.save(pipeline(), path, input_example=frame().head(3), metadata={"team": "risk", "rows": 40})
    return path


def test_the_directory_is_mlflows(model: Path) -> None:
    assert sorted(path.name for path in model.iterdir()) == [
        "MLmodel",
        "conda.yaml",
        "input_example.json",
        "model.skops",
        "modelpack.manifest.json",
        "python_env.yaml",
        "requirements.txt",
        "serving_input_example.json",
    ]


def test_the_document_has_mlflows_keys_in_mlflows_order(model: Path) -> None:
    written = document(model)
    assert list(written) == [
        "flavors",
        "is_signature_from_type_hint",
        "metadata",
        "mlflow_version",
        "model_id",
        "model_size_bytes",
        "model_uuid",
        "prompts",
        "saved_input_example_info",
        "signature",
        "type_hint_from_example",
        "utc_time_created",
    ]
    assert written["mlflow_version"] == "3.17.2"
    assert written["model_id"] is None
    assert re.fullmatch("[0-9a-f]{32}", written["model_uuid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", written["utc_time_created"])
    assert written["metadata"] == {
        "team": "risk",
        "rows": 40,
        "modelpack": {"version": modelpack.__version__},
    }
    counted = ("model.skops", "input_example.json", "serving_input_example.json")
    assert written["model_size_bytes"] == sum((model / name).stat().st_size for name in counted)


def test_the_signature_is_inferred_from_the_example_and_its_answer(model: Path) -> None:
    signature = modelpack.open_model(model).signature
    assert signature == infer_signature(frame(), labels())
    assert json.loads(document(model)["signature"]["outputs"])[0]["tensor-spec"]["dtype"] == "int64"


def test_requirements_are_what_is_imported_and_pinned_and_nothing_that_tests(model: Path) -> None:
    names = {line.partition("==")[0] for line in lines(model)}
    assert {"numpy", "pandas", "scikit-learn", "scipy", "skops", "joblib"} <= names
    # pytest runs this very process, and skops imports scikit-learn's test helpers.
    assert "pytest" in sys.modules
    assert not names & {"pytest", "pluggy", "modelpack", "mlflow", "hypothesis", "click", "msgspec", "pip"}
    assert f"numpy=={np.__version__}" in lines(model)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in lines(model))


def test_python_is_recorded(model: Path) -> None:
    version = platform.python_version()
    assert yaml.safe_load((model / "python_env.yaml").read_text())["python"] == version
    assert f"python={version}" in yaml.safe_load((model / "conda.yaml").read_text())["dependencies"]
    assert document(model)["flavors"]["python_function"]["python_version"] == version


def test_a_small_save_is_quick(tmp_path: Path) -> None:
    started = time.process_time()
    modelpack.save(pipeline(), tmp_path / "model", input_example=frame().head(3))
    assert time.process_time() - started < 3


def test_an_array_makes_a_model_of_tensors(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 3))
    saved = modelpack.save(LinearRegression().fit(rows, rows[:, 0]), tmp_path / "m", input_example=rows[:2])
    assert saved.signature is not None
    assert saved.signature.inputs is not None
    assert saved.signature.inputs.is_tensor
    example: Any = saved.example()
    np.testing.assert_array_equal(example, rows[:2])
    assert "pandas" not in {line.partition("==")[0] for line in lines(saved.path)}


def test_a_sparse_example_is_kept(tmp_path: Path) -> None:
    rows = sparse.csr_matrix(np.eye(4))
    saved = modelpack.save(
        LogisticRegression().fit(rows, [0, 1, 0, 1]), tmp_path / "m", input_example=rows, requirements=[]
    )
    back: Any = saved.example()
    assert (back.toarray() == np.eye(4)).all()
    assert document(saved.path)["saved_input_example_info"]["type"] == "sparse_matrix_csr"


def test_params_come_from_the_example(tmp_path: Path) -> None:
    saved = modelpack.save(
        Doubler(), tmp_path / "m", input_example=(frame().head(2), {"plus": 1.0}), requirements=["numpy"]
    )
    assert saved.signature is not None
    assert [(param.name, param.default) for param in saved.signature.params] == [("plus", 1.0)]
    predictor = modelpack.load_predictor(saved.path, trust=Trust(pickle=True))
    assert predictor.predict(frame().head(1), {"plus": 5.0})[0] == frame()["age"][0] * 2 + 5
    assert predictor.predict(frame().head(1))[0] == frame()["age"][0] * 2 + 1


def test_a_signature_that_is_given_is_kept(tmp_path: Path) -> None:
    signature = infer_signature(frame()[["age"]], None)
    saved = modelpack.save(
        Doubler(), tmp_path / "m", signature=signature, input_example=frame().head(2), requirements=[]
    )
    assert saved.signature == signature


def test_without_signature_or_example_nothing_is_promised(tmp_path: Path) -> None:
    saved = modelpack.save(pipeline(), tmp_path / "m", requirements=[])
    assert saved.signature is None
    assert "signature" not in document(saved.path)
    assert saved.example() is None
    assert lines(saved.path) == []


def refused(folder: Path, *, model: Any = None, said: str, error: type[Exception], **options: Any) -> None:
    """The error that saving raises, and that it leaves nothing behind."""
    with pytest.raises(error, match=said) as met:
        modelpack.save(pipeline() if model is None else model, folder / "model", **options)
    assert len(str(met.value)) <= 400
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said", "error"),
    [
        ({"metadata": {"modelpack": 1}}, "'modelpack' of the metadata is taken", InvalidModel),
        ({"metadata": {"a": object()}}, r"metadata\.a is a object", InvalidModel),
        ({"requirements": ["numpy==1", "--index-url http://evil"]}, "index-url", InvalidModel),
        ({"requirements": ["x @ file:///tmp/x"]}, "names a place", InvalidModel),
        ({"code_paths": ["/absent.py"]}, "does not exist", InvalidModel),
        ({"format": "joblib"}, "no format", NotFound),
        (
            {"input_example": frame().head(2)[["age"]]},
            "expects 3 features|the model raised",
            PredictionFailed,
        ),
        ({"input_example": object()}, "the input example holds|declared as any", Exception),
        (
            {"input_example": frame().head(2)[["age"]], "signature": infer_signature(frame())},
            "charges",
            SchemaMismatch,
        ),
        (
            {"input_example": (frame(), {"k": "x"}), "signature": infer_signature(frame(), params={"k": 1})},
            "k",
            SchemaMismatch,
        ),
    ],
)
def test_what_cannot_be_saved_leaves_nothing(
    options: dict[str, Any], said: str, error: type[Exception], tmp_path: Path
) -> None:
    refused(tmp_path, said=said, error=error, **options)


@pytest.mark.parametrize("model", [None, 3, "text"])
def test_what_is_no_model_leaves_nothing(model: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="no flavor can save"):
        modelpack.save(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_is_taken_is_kept_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine").write_text("mine")
    with pytest.raises(AlreadyExists):
        modelpack.save(pipeline(), tmp_path / "model")
    assert (tmp_path / "model" / "mine").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(rows: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        modelpack.save(interrupted, tmp_path / "model", input_example=frame().head(1))
    assert list(tmp_path.iterdir()) == []


def test_nobody_else_may_write_what_was_saved(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        modelpack.save(pipeline(), tmp_path / "model", requirements=[])
    finally:
        os.umask(before)
    for path in [tmp_path / "model", *(tmp_path / "model").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o027 == 0


def test_a_relative_path_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert modelpack.save(pipeline(), "model", requirements=[]).path == tmp_path / "model"


def run(program: str, folder: Path, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


def test_code_comes_along_and_waits_for_the_operator(tmp_path: Path) -> None:
    (tmp_path / "scaling.py").write_text(
        "from sklearn.base import BaseEstimator, TransformerMixin\n"
        "class Halver(TransformerMixin, BaseEstimator):\n"
        "    def fit(self, rows, labels=None):\n        return self\n"
        "    def transform(self, rows):\n        return rows / 2\n"
    )
    program = """
        import sys; sys.path.insert(0, '.')
        import numpy as np, modelpack
        from scaling import Halver
        from sklearn.linear_model import LinearRegression
        from sklearn.pipeline import make_pipeline
        rows = np.arange(8.0).reshape(4, 2)
        model = make_pipeline(Halver(), LinearRegression()).fit(rows, [0, 1, 2, 3])
        given = {"code_paths": ["scaling.py"], "input_example": rows}
        modelpack.save(model, "skops", format="skops", requirements=["scikit-learn"], **given)
        modelpack.save(model, "cloudpickle", format="cloudpickle", **given)
        """
    run(program, tmp_path)
    (tmp_path / "scaling.py").unlink()
    for form in ("skops", "cloudpickle"):
        path = tmp_path / form
        assert document(path)["flavors"]["sklearn"]["code"] == "code"
        assert document(path)["flavors"]["python_function"]["code"] == "code"
        assert (path / "code" / "scaling.py").is_file()
        with pytest.raises(Untrusted, match=r"code of its own.*--trust code"):
            modelpack.load(path, trust=Trust(pickle=True))
    with pytest.raises(Untrusted, match=r"--trust scaling\.Halver"):
        modelpack.load(tmp_path / "skops", trust=Trust(code=True))
    assert {line.partition("==")[0] for line in lines(path)} >= {"scikit-learn", "numpy"}
    predict = (
        "import modelpack, numpy\n"
        "print(modelpack.load_predictor(%r).predict(numpy.arange(8.0).reshape(4, 2)).round())"
    )
    trusted = {"skops": "code,scaling.Halver", "cloudpickle": "code,pickle"}
    for form, words in trusted.items():
        assert run(predict % form, tmp_path, MODELPACK_TRUST=words) == "[0. 1. 2. 3.]"
        assert modelpack.open_model(tmp_path / form).findings() == []


def test_what_code_imports_on_the_way_is_required(tmp_path: Path) -> None:
    def model(rows: pd.DataFrame) -> Any:
        import attrs

        return [attrs.__name__] * len(rows)

    saved = modelpack.save(model, tmp_path / "model", input_example=frame().head(1))
    names = {line.partition("==")[0] for line in lines(saved.path)}
    assert {"attrs", "cloudpickle", "pandas", "numpy"} <= names
    assert not names & {"pytest", "scikit-learn", "skops", "modelpack", "click"}


def test_a_rehearsal_that_fails_falls_back_to_what_the_file_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = os.getpid()

    def model(rows: pd.DataFrame) -> Any:
        import os as here

        if here.getpid() != place:
            raise RuntimeError("only at home")
        return np.zeros(len(rows))

    saved = modelpack.save(model, tmp_path / "model", input_example=frame().head(1))
    assert "rehearsal failed" in caplog.text
    assert "only at home" in caplog.text
    assert {"numpy", "pandas", "cloudpickle"} <= {line.partition("==")[0] for line in lines(saved.path)}


def test_a_rehearsal_that_hangs_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place = os.getpid()
    child = tmp_path / "child"

    def model(rows: Any) -> Any:
        import os as here
        import subprocess as processes
        import time as clock

        if here.getpid() != place:
            started = processes.Popen(["sleep", "60"])
            child.write_text(str(started.pid))
            clock.sleep(60)
        return [1.0]

    monkeypatch.setenv(rehearsal.VARIABLES[0], "8")
    modelpack.save(model, tmp_path / "model", input_example=[1.0])
    assert "rehearsal took too long" in caplog.text
    assert child.exists(), "the rehearsal was ended before it began; give it more time"
    state = Path(f"/proc/{child.read_text()}/stat")
    assert not state.exists() or state.read_text().split()[2] in "ZX"


def test_the_environment_says_how_long_a_rehearsal_may_take() -> None:
    assert rehearsal.timeout_of({}) == 120
    assert rehearsal.timeout_of({"MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "7"}) == 7
    assert rehearsal.timeout_of({rehearsal.VARIABLES[0]: "3", rehearsal.VARIABLES[1]: "7"}) == 3
    assert rehearsal.timeout_of({rehearsal.VARIABLES[0]: "soon"}) == 120


def test_a_model_of_ones_own_in_main_is_saved_with_its_code(tmp_path: Path) -> None:
    program = """
        import modelpack, pandas
        class Model:
            def predict(self, rows):
                return rows["a"] * 2
        saved = modelpack.save(Model(), "model", input_example=pandas.DataFrame({"a": [1.5]}))
        print(saved.signature.outputs.specs[0].type)
        """
    assert run(program, tmp_path) == "double"
    predict = (
        "import modelpack, pandas\n"
        "print(modelpack.load_predictor('model').predict(pandas.DataFrame({'a': [4.0]}))[0])"
    )
    assert run(predict, tmp_path, MODELPACK_TRUST="pickle") == "8.0"


def test_an_estimator_in_main_is_not_saved_as_a_name(tmp_path: Path) -> None:
    program = """
        import modelpack, sklearn.base
        class Mine(sklearn.base.BaseEstimator):
            def predict(self, rows):
                return rows
        try:
            modelpack.save(Mine(), "model")
        except modelpack.ModelpackError as error:
            print(error)
        """
    assert "no other process finds __main__.Mine" in run(program, tmp_path)


def test_a_signature_is_a_signature(tmp_path: Path) -> None:
    saved = modelpack.save(pipeline(), tmp_path / "m", signature=Signature(), requirements=[])
    assert saved.signature == Signature()
    scaler = StandardScaler().fit(frame())
    inferred = modelpack.save(scaler, tmp_path / "n", input_example=frame().head(1), requirements=[])
    assert inferred.signature is not None
    assert inferred.signature.outputs is None
