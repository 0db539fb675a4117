"""The python flavor: functions, objects, and what MLflow's pyfunc wrote."""

import gzip
import inspect
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest

import modelpack
from modelpack.errors import InvalidModel, NotFound, PredictionFailed, Untrusted
from modelpack.flavors import lent
from modelpack.flavors.python import FLAVOR
from modelpack.resolve import RESOLVERS
from modelpack.schema import Signature, infer_signature
from modelpack.trust import Trust
from modelpack.uris import ModelRef
from tests.modelpack.small import Doubler, frame, pipeline

TRUSTED = Trust(pickle=True)


def ages(model_input: pd.DataFrame) -> Any:
    """A function of the input alone."""
    return model_input["age"].to_numpy()


def shifted(model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
    """A function with params."""
    return model_input["age"].to_numpy() + (params or {}).get("plus", 0.0)


class WithContext:
    """An object in the shape of MLflow's PythonModel."""

    def load_context(self, context: Any) -> None:
        self.loaded = dict(context.artifacts)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        assert self.loaded == dict(context.artifacts) == {}
        return model_input["age"].to_numpy() * (params or {}).get("plus", 1.0)


def saved(model: Any, folder: Path, **options: Any) -> Path:
    given: dict[str, Any] = {
        "signature": infer_signature(frame(), frame()["age"].to_numpy(), {"plus": 1.0}),
        "requirements": ["pandas"],
    } | options
    return modelpack.save(model, folder / "model", **given).path


AGE = frame()["age"].to_numpy()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param(ages, AGE, id="function"),
        pytest.param(shifted, AGE + 5, id="function with params"),
        pytest.param(lambda rows: rows["age"].to_numpy(), AGE, id="lambda"),
        pytest.param(Doubler(3.0), AGE * 3 + 5, id="object"),
        pytest.param(Doubler(3.0).predict, AGE * 3 + 5, id="method"),
        pytest.param(WithContext(), AGE * 5, id="object with context"),
    ],
)
def test_whatever_predicts_is_saved_and_called(model: Any, expected: Any, tmp_path: Path) -> None:
    path = saved(model, tmp_path)
    predictor = modelpack.load_predictor(path, trust=TRUSTED)
    np.testing.assert_array_equal(predictor.predict(frame(), {"plus": 5.0}), expected)
    assert predictor.flavor == "python"


def test_the_native_thing_comes_back(tmp_path: Path) -> None:
    back = modelpack.load(saved(Doubler(4.0), tmp_path), trust=TRUSTED)
    assert back.factor == 4.0
    function = modelpack.load(saved(ages, tmp_path / "f"), trust=TRUSTED)
    assert inspect.isfunction(function)
    np.testing.assert_array_equal(function(frame()), AGE)


def test_a_pickle_waits_for_the_operator(tmp_path: Path) -> None:
    path = saved(ages, tmp_path)
    with pytest.raises(Untrusted, match=r"'python_model\.pkl' is a pickle"):
        modelpack.load_predictor(path, trust=Trust(code=True, types=("tests.*",)))


def test_the_file_loads_where_neither_modelpack_nor_the_models_module_is(tmp_path: Path) -> None:
    """As MLflow does: unpickle, load the context, predict with context, input and params."""
    path = saved(Doubler(2.0), tmp_path)
    program = (
        "import sys, pickle\n"
        "sys.modules['modelpack'] = sys.modules['tests'] = None\n"
        f"model = pickle.load(open({str(path / 'python_model.pkl')!r}, 'rb'))\n"
        "model.load_context(None)\n"
        "import pandas\n"
        "assert model.predict_type_hints.input is None\n"
        "print(model.predict(None, pandas.DataFrame({'age': [1.5]}), {'plus': 10.0}))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert told.stdout == "[13.]\n", told.stderr


def test_the_only_format_is_cloudpickle(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no format of the python flavor 'skops'; there is cloudpickle"):
        saved(ages, tmp_path, format="skops")


def test_what_cannot_be_pickled_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="cannot be written by cloudpickle"):
        saved(Doubler(number for number in [1]), tmp_path)  # type: ignore[arg-type]  # the point
    assert list(tmp_path.iterdir()) == []


def written_by_mlflow(
    folder: Path,
    model: Any,
    *,
    signature: Signature | None = None,
    extra: str = "",
    name: str = "python_model.pkl",
) -> Path:
    """A directory as MLflow writes one for *model*, its classes lent."""
    folder.mkdir()
    text = cloudpickle.dumps(model)
    (folder / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    (folder / "MLmodel").write_text(
        "flavors:\n  python_function:\n    cloudpickle_version: 3.1.2\n"
        f"    loader_module: mlflow.pyfunc.model\n    python_model: {name}\n"
        f"    python_version: 3.11.7\n{extra}mlflow_version: 3.17.2\n"
    )
    if signature is not None:
        with (folder / "MLmodel").open("a") as file:
            file.write(f"signature: {signature.to_dict()}\n".replace("None", "null"))
    return folder


class Reader(lent.PythonModel):
    """A model that reads an artifact and a setting when it is loaded."""

    offset: float

    def load_context(self, context: lent.Context) -> None:
        self.offset = float(Path(context.artifacts["offset"]).read_text()) * context.model_config.get(
            "sign", 1
        )

    def predict(self, context: lent.Context, model_input: pd.DataFrame) -> Any:
        return model_input["age"].to_numpy() + self.offset


ARTIFACTS = (
    "    artifacts:\n      offset:\n        path: artifacts/offset.txt\n        uri: /home/a/offset.txt\n"
)


def test_artifacts_and_settings_reach_a_model_of_mlflow(tmp_path: Path) -> None:
    path = written_by_mlflow(tmp_path / "m", Reader(), extra=ARTIFACTS + "    config:\n      sign: -1\n")
    (path / "artifacts").mkdir()
    (path / "artifacts" / "offset.txt").write_text("41.5")
    predictor = modelpack.load_predictor(path, trust=TRUSTED)
    np.testing.assert_array_equal(predictor.predict(frame()), AGE - 41.5)
    assert predictor.model.offset == -41.5


class Weighed:
    """An object that reads a folder and a setting when it is loaded, and is not loaded when it is saved."""

    loads = 0

    def load_context(self, context: Any) -> None:
        self.loads += 1
        folder = Path(context.artifacts["weights"])
        self.weight = float((folder / "deep" / "weight.txt").read_text()) * context.model_config["times"]

    def predict(self, context: Any, model_input: pd.DataFrame) -> Any:
        return model_input["age"].to_numpy() * self.weight


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "weight.txt").write_text("0.5")
    return folder


def test_artifacts_and_settings_are_saved_with_an_object(weights: Path, tmp_path: Path) -> None:
    model = Weighed()
    given: dict[str, Any] = {"artifacts": {"weights": weights}, "model_config": {"times": 4}}
    path = saved(model, tmp_path, signature=None, input_example=frame().head(2), **given)
    assert model.loads == 0
    shutil.rmtree(weights)
    entries = modelpack.open_model(path).document.python_function
    assert entries["artifacts"] == {"weights": {"path": "artifacts/weights", "uri": "weights"}}
    assert entries["config"] == {"times": 4}
    np.testing.assert_array_equal(modelpack.load_predictor(path, trust=TRUSTED).predict(frame()), AGE * 2)


def test_an_artifact_may_be_a_reference(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a folder, or to a file in one; the manifest that a fetched folder has stays behind."""
    (weights / "modelpack.manifest.json").write_text("{}")

    class Shelf:
        def resolve(self, ref: ModelRef) -> ModelRef:
            if ref.rest != "//shelf/weights":
                raise NotFound("artifact", ref.rest)
            return ModelRef("file", str(weights))

    resolvers: dict[str, Any] = {**RESOLVERS._loaded, "s3": Shelf}
    monkeypatch.setattr(RESOLVERS, "_loaded", resolvers)
    given = {"weights": "s3://shelf/weights", "manifest": "s3://shelf/weights/modelpack.manifest.json"}
    path = saved(Weighed(), tmp_path, artifacts=given, model_config={"times": 1})
    assert sorted(one.name for one in (path / "artifacts").rglob("*") if one.is_file()) == [
        "modelpack.manifest.json",
        "weight.txt",
    ]
    found = modelpack.open_model(path).document.python_function["artifacts"]
    assert found["weights"] == {"path": "artifacts/weights", "uri": "s3://shelf/weights"}
    np.testing.assert_array_equal(modelpack.load_predictor(path, trust=TRUSTED).predict(frame()), AGE / 2)
    with pytest.raises(NotFound, match="no artifact '//shelf/weights/nothing'"):
        saved(Weighed(), tmp_path / "other", artifacts={"weights": "s3://shelf/weights/nothing"})


def test_models_of_frameworks_read_no_context(tmp_path: Path) -> None:
    for given in ({"artifacts": {"a": tmp_path}}, {"model_config": {"a": 1}}):
        with pytest.raises(InvalidModel, match="a model of sklearn reads none"):
            saved(pipeline(), tmp_path, **given)


def test_settings_are_plain_data(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match=r"model_config\.a is a object"):
        saved(Doubler(), tmp_path, model_config={"a": object()})


@pytest.mark.parametrize("place", ["../../etc/passwd", "/etc/passwd", "3"])
def test_an_artifact_outside_is_refused(place: str, tmp_path: Path) -> None:
    extra = ARTIFACTS.replace("artifacts/offset.txt", place)
    path = written_by_mlflow(tmp_path / "m", Reader(), extra=extra)
    with pytest.raises(InvalidModel, match=r"not the name of a file inside|has no path"):
        modelpack.load_predictor(path, trust=TRUSTED)


def test_a_compressed_model_of_mlflow_is_read(tmp_path: Path) -> None:
    path = written_by_mlflow(
        tmp_path / "m", Doubler(2.0), extra="    python_model_compression: gzip\n", name="python_model.pkl.gz"
    )
    with pytest.raises(Untrusted):
        modelpack.load(path, trust=Trust())
    assert modelpack.load(path, trust=TRUSTED).factor == 2.0


def test_a_model_with_an_annotated_list_is_called_with_a_list(tmp_path: Path) -> None:
    class Upper(lent.PythonModel):
        def predict(self, model_input: list[str]) -> list[str]:
            assert type(model_input) is list
            return [one.upper() for one in model_input]

    path = written_by_mlflow(tmp_path / "m", Upper(), signature=infer_signature(["a"]))
    with (path / "MLmodel").open("a") as file:
        file.write("is_signature_from_type_hint: true\n")
    assert modelpack.load_predictor(path, trust=TRUSTED).predict(["a", "b"]) == ["A", "B"]


class Row:
    """Annotated as pydantic's models are."""

    def __init__(self, age: float) -> None:
        self.age = age

    @classmethod
    def model_validate(cls, value: dict[str, Any]) -> "Row":
        return cls(value["age"])


def of_words(model_input: list[str]) -> list[str]:
    assert type(model_input) is list
    return [word.upper() for word in model_input]


def of_mappings(model_input: list[dict[str, Any]]) -> list[float]:
    return [row["age"] for row in model_input]


def of_rows(model_input: list[Row]) -> list[float]:
    return [row.age for row in model_input]


@pytest.mark.parametrize(
    ("model", "asked", "expected"),
    [
        pytest.param(of_words, ["a", "b"], ["A", "B"], id="words"),
        pytest.param(of_words, pd.DataFrame({"any": ["a"]}), ["A"], id="a column"),
        pytest.param(of_words, np.array(["a", "b"]), ["A", "B"], id="an array"),
        pytest.param(of_mappings, frame(), AGE.tolist(), id="mappings"),
        pytest.param(of_rows, frame(), AGE.tolist(), id="rows"),
    ],
)
def test_annotated_input_comes_as_annotated(model: Any, asked: Any, expected: Any, tmp_path: Path) -> None:
    path = saved(model, tmp_path, signature=None, input_example=asked)
    assert modelpack.load_predictor(path, trust=TRUSTED).predict(asked) == expected


def test_a_file_that_holds_no_model_is_refused(tmp_path: Path) -> None:
    path = written_by_mlflow(tmp_path / "m", {"a": 1})
    with pytest.raises(InvalidModel, match="holds a dict, which has no predict"):
        modelpack.load(path, trust=TRUSTED)


def test_a_document_without_a_file_is_refused(tmp_path: Path) -> None:
    path = written_by_mlflow(tmp_path / "m", Doubler())
    text = (path / "MLmodel").read_text()
    (path / "MLmodel").write_text(text.replace("    python_model: python_model.pkl\n", ""))
    with pytest.raises(InvalidModel, match="names no python_model"):
        modelpack.load(path, trust=TRUSTED)


def fails(model_input: Any) -> Any:
    raise KeyError("secret")


def test_what_the_model_raises_is_a_failed_prediction(tmp_path: Path) -> None:
    predictor = modelpack.load_predictor(saved(fails, tmp_path), trust=TRUSTED)
    with pytest.raises(PredictionFailed, match="the model raised KeyError") as met:
        predictor.predict(frame())
    assert isinstance(met.value.__cause__, KeyError)
    assert not met.value.blames_input


def test_what_it_needs_and_names_is_told_without_running_it(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "canary",)

    path = written_by_mlflow(tmp_path / "m", Evil())
    view = modelpack.open_model(path)

    assert FLAVOR.needs(view) == ("pickle",)
    assert "pathlib" in FLAVOR.mentions(view)
    assert not (tmp_path / "canary").exists()
    pickle.loads((path / "python_model.pkl").read_bytes())
    assert (tmp_path / "canary").exists()
