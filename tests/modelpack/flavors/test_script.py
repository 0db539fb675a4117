"""Models from code: a script names its model."""

import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelpack
from modelpack.errors import (
    Conflict,
    InvalidModel,
    MissingDependency,
    ModelpackError,
    NotFound,
    Unsupported,
    Untrusted,
)
from modelpack.flavors import lent, portable
from modelpack.flavors.script import FLAVOR
from modelpack.schema import infer_signature
from modelpack.trust import Trust
from tests.modelpack.small import frame

TRUSTED = Trust(code=True)
AGE = frame()["age"].to_numpy()

OURS = """
import numpy as np

import modelpack


class Ages:
    def predict(self, model_input, params=None):
        return np.asarray(model_input["age"]) * (params or {}).get("times", 2.0)


modelpack.set_model(Ages())
"""
FUNCTION = """
from modelpack import set_model


@set_model
def ages(model_input):
    return model_input["age"].to_numpy() * 2.0
"""
THEIRS = """
from pathlib import Path

import mlflow
from mlflow.models import ModelConfig, set_model
from mlflow.pyfunc import PythonModel

times = ModelConfig(development_config={"times": 9.0}).get("times")


class Ages(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.offset = float(Path(context.artifacts["offset"]).read_text()) if context.artifacts else 0.0
        assert context.model_config == {"times": 2.0}

    def predict(self, context, model_input, params=None):
        return model_input["age"].to_numpy() * times + self.offset


assert issubclass(Ages, PythonModel)
set_model(Ages())
"""


def script(folder: Path, text: str, name: str = "model.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def saved(folder: Path, text: str, **options: Any) -> Path:
    given: dict[str, Any] = {"input_example": frame().head(2), "requirements": []} | options
    return modelpack.save(script(folder, text), folder / "saved", **given).path


@pytest.mark.parametrize(
    ("text", "options"),
    [
        pytest.param(OURS, {}, id="an object"),
        pytest.param(FUNCTION, {}, id="a function"),
        pytest.param(THEIRS, {"model_config": {"times": 2.0}}, id="as for MLflow"),
    ],
)
def test_what_a_script_names_answers(text: str, options: dict[str, Any], tmp_path: Path) -> None:
    path = saved(tmp_path, text, **options)
    predictor = modelpack.load_predictor(path, trust=TRUSTED)
    np.testing.assert_array_equal(predictor.predict(frame()), AGE * 2)
    assert predictor.flavor == "script"
    assert predictor.signature is not None
    assert predictor.signature.outputs is not None


def test_a_script_may_be_named_by_text(tmp_path: Path) -> None:
    path = modelpack.save(str(script(tmp_path, OURS)), tmp_path / "saved", requirements=[]).path
    assert type(modelpack.load(path, trust=TRUSTED)).__name__ == "Ages"


def test_params_reach_what_takes_them(tmp_path: Path) -> None:
    signature = infer_signature(frame(), AGE, {"times": 1.0})
    predictor = modelpack.load_predictor(saved(tmp_path, OURS, signature=signature), trust=TRUSTED)
    np.testing.assert_array_equal(predictor.predict(frame(), {"times": 3.0}), AGE * 3)


def test_no_line_runs_before_the_operator_says_so(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    path = saved(tmp_path, f"open({str(mark)!r}, 'w').close()\n{OURS}", input_example=None)
    assert mark.exists()  # whoever saves a script runs it
    mark.unlink()
    view = modelpack.open_model(path)
    assert FLAVOR.needs(view) == ("code",)
    assert FLAVOR.mentions(view) == {"numpy", "modelpack"}
    for call in (modelpack.load, modelpack.load_predictor):
        with pytest.raises(Untrusted, match=r"brings code of its own, in 'model\.py'.*--trust code"):
            call(path, trust=Trust(pickle=True, types=("model.*",)))
    assert not mark.exists()
    modelpack.load(path, trust=TRUSTED)
    assert mark.exists()


def test_the_entries_are_those_of_mlflow(tmp_path: Path) -> None:
    path = saved(tmp_path, THEIRS, model_config={"times": 2.0})
    entries = dict(modelpack.open_model(path).document.python_function)
    assert entries["loader_module"] == "mlflow.pyfunc.loaders.code_model"
    assert entries["model_code_path"] == "model.py"
    assert entries["config"] == {"times": 2.0}
    assert list(modelpack.open_model(path).document.flavors) == ["python_function"]
    assert not (path / "model_for_mlflow.py").exists()


def test_for_a_script_that_knows_us_mlflow_runs_a_file_that_needs_us_not(tmp_path: Path) -> None:
    path = saved(tmp_path, OURS)
    document = modelpack.open_model(path).document
    assert document.python_function["model_code_path"] == "model_for_mlflow.py"
    assert document.flavors["script"]["data"] == "model.py"
    assert (path / "model.py").read_text() == OURS
    assert (path / "model_for_mlflow.py").read_bytes() == Path(portable.__file__).read_bytes()


def test_artifacts_come_along(tmp_path: Path) -> None:
    (tmp_path / "offset.txt").write_text("0.5")
    path = saved(tmp_path, THEIRS, artifacts={"offset": tmp_path / "offset.txt"}, model_config={"times": 2.0})
    (tmp_path / "offset.txt").unlink()
    predictor = modelpack.load_predictor(path, trust=TRUSTED)
    np.testing.assert_array_equal(predictor.predict(frame()), AGE * 2 + 0.5)


def test_what_a_script_imports_comes_along_and_leaves_no_trace(tmp_path: Path) -> None:
    helper = script(tmp_path, "TIMES = 2.0\n", "helper_of_a_script.py")
    text = OURS.replace("import modelpack\n", "import modelpack\nfrom helper_of_a_script import TIMES\n")
    path = saved(tmp_path, text.replace("2.0)", "TIMES)"), code_paths=[helper])
    assert "helper_of_a_script" not in sys.modules
    assert sorted(one.name for one in path.rglob("*.py")) == [
        "helper_of_a_script.py",
        "model.py",
        "model_for_mlflow.py",
    ]
    predictor = modelpack.load_predictor(path, trust=TRUSTED)
    np.testing.assert_array_equal(predictor.predict(frame()), AGE * 2)
    assert modelpack.open_model(path).findings() == []
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(Conflict, match="load it in a process of its own"):
        modelpack.load(saved(other, text, code_paths=[helper], input_example=None), trust=TRUSTED)


def test_requirements_are_what_the_script_imports(tmp_path: Path) -> None:
    path = saved(tmp_path, OURS, requirements=None)
    names = [line.partition("==")[0] for line in (path / "requirements.txt").read_text().splitlines()]
    assert "numpy" in names
    assert "pandas" in names
    assert not {"modelpack", "scikit-learn", "mlflow"} & set(names)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("x = 1\n", InvalidModel, r"the script model\.py names no model"),
        ("def f(:\n", InvalidModel, r"model\.py is no Python"),
        ("1 / 0\n", InvalidModel, r"model\.py failed: ZeroDivisionError"),
        ("import sys\nsys.exit(3)\n", InvalidModel, r"failed: SystemExit: 3"),
        ("import no_such_library_x\n", MissingDependency, r"pip install no_such_library_x"),
        ("import modelpack\nmodelpack.set_model(3)\n", InvalidModel, r"a int does not predict"),
        ("import modelpack\nmodelpack.set_model(dict)\n", InvalidModel, r"a type does not predict"),
        ("import mlflow\nmlflow.models.set_model('a')\n", InvalidModel, r"a str does not predict"),
        ("import mlflow\nmlflow.trace(3)\n", MissingDependency, r"needs mlflow"),
        ("import mlflow.langchain\n", MissingDependency, r"needs mlflow"),
        ("from mlflow.pyfunc import ChatModel\n", MissingDependency, r"needs mlflow"),
        ("from mlflow.models import ModelConfig\nModelConfig()\n", InvalidModel, r"asks for settings"),
    ],
)
def test_a_script_without_a_model_is_refused_and_nothing_is_left(
    text: str, error: type[ModelpackError], message: str, tmp_path: Path
) -> None:
    before = set(sys.modules)
    with pytest.raises(error, match=message):
        saved(tmp_path, text)
    assert [one.name for one in tmp_path.iterdir()] == ["model.py"]
    assert not [name for name in set(sys.modules) - before if name.startswith(("mlflow", "code_model_"))]


def test_a_script_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="is a link or does not exist"):
        modelpack.save(tmp_path / "none.py", tmp_path / "saved")
    (tmp_path / "link.py").symlink_to(script(tmp_path, OURS))
    with pytest.raises(InvalidModel, match="is a link or does not exist"):
        modelpack.save(tmp_path / "link.py", tmp_path / "saved")


def test_there_is_one_format(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is code"):
        saved(tmp_path, OURS, format="cloudpickle")


def test_what_is_lent_is_taken_back(tmp_path: Path) -> None:
    saved(tmp_path, THEIRS, model_config={"times": 2.0})
    assert "mlflow" not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        __import__("mlflow")


def test_scripts_that_run_at_once_do_not_mix(tmp_path: Path) -> None:
    paths = []
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        text = THEIRS.replace("set_model(Ages())", "import time; time.sleep(0.02); set_model(Ages())")
        text += f"N = {number}\n"
        paths.append(saved(folder, text, model_config={"times": 2.0}, input_example=None))
    found: dict[int, int] = {}

    def load(number: int) -> None:
        model = modelpack.load(paths[number], trust=TRUSTED)
        found[number] = sys.modules[type(model).__module__].N

    threads = [threading.Thread(target=load, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: number for number in range(4)}


def test_a_script_run_by_hand_may_name_its_model() -> None:
    modelpack.set_model(len)


def written_by_mlflow(folder: Path, text: str, *, path: str = "model.py", loader: str = "code_model") -> Path:
    """A directory as MLflow writes one for a script."""
    folder.mkdir()
    (folder / "model.py").write_text(text)
    (folder / "MLmodel").write_text(
        "flavors:\n  python_function:\n    cloudpickle_version: 3.1.2\n    code: null\n"
        f"    loader_module: mlflow.pyfunc.loaders.{loader}\n    model_code_path: {path}\n"
        "    config:\n      times: 2.0\n    python_version: 3.11.7\nmlflow_version: 3.17.2\n"
    )
    return folder


@pytest.mark.parametrize("path", ["model.py", "/home/someone/project/model.py"])
def test_a_script_that_mlflow_saved_is_found_by_its_last_name(path: str, tmp_path: Path) -> None:
    predictor = modelpack.load_predictor(written_by_mlflow(tmp_path / "m", THEIRS, path=path), trust=TRUSTED)
    np.testing.assert_array_equal(predictor.predict(frame()), AGE * 2)


@pytest.mark.parametrize("path", ["..", "/", "other.py", "3"])
def test_a_script_that_is_not_in_the_directory_is_refused(path: str, tmp_path: Path) -> None:
    folder = written_by_mlflow(tmp_path / "m", THEIRS, path=path)
    with pytest.raises(InvalidModel):
        modelpack.load(folder, trust=TRUSTED)


@pytest.mark.parametrize("loader", ["chat_model", "chat_agent", "responses_agent"])
def test_models_of_chats_are_refused_by_name(loader: str, tmp_path: Path) -> None:
    folder = written_by_mlflow(tmp_path / "m", THEIRS, loader=loader)
    with pytest.raises(Unsupported, match=f"{loader} loads a model of chats"):
        modelpack.load(folder, trust=TRUSTED)


def test_a_script_that_names_a_model_of_chats_is_refused(tmp_path: Path) -> None:
    text = "import modelpack\nclass ChatModel:\n    predict = print\n"
    text += "ChatModel.__module__ = 'mlflow.pyfunc.model'\n"
    with pytest.raises(Unsupported, match="is a ChatModel of MLflow's"):
        saved(tmp_path, f"{text}modelpack.set_model(ChatModel())\n")


def test_annotated_rows_become_what_they_are_annotated_as(tmp_path: Path) -> None:
    text = """
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class Row:
    @classmethod
    def model_validate(cls, value):
        row = cls()
        row.age = value["age"]
        return row


class Ages(PythonModel):
    def predict(self, model_input: list[Row]) -> list[float]:
        return [row.age * 2 for row in model_input]


set_model(Ages())
"""
    predictor = modelpack.load_predictor(saved(tmp_path, text), trust=TRUSTED)
    assert predictor.predict(frame()) == (AGE * 2).tolist()


def test_the_stand_ins_say_what_they_are() -> None:
    found = lent.modules(print, {})
    assert all(lent.is_lent(module) for module in found.values())
    assert found["mlflow.models"].set_model is print
    with pytest.raises(AttributeError, match=r"mlflow\.trace needs MLflow"):
        _ = found["mlflow"].trace
