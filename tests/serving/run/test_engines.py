"""A served model's engine and method: what the operator chooses, and what is loaded for it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import modelpack
from tests.serving.kit import ServerProcess, serving

FRAMEWORKS = ("pandas", "sklearn")


def rows(count: int, seed: int = 1) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    plans = np.array(["basic", "gold", "silver"], dtype=object)
    return pd.DataFrame({"age": chance.uniform(18, 90, count), "plan": plans[chance.integers(0, 3, count)]})


class Doubling(LinearRegression):  # type: ignore[misc]  # scikit-learn publishes no types
    """A model that nobody has a converter for."""

    def predict(self, data: Any) -> Any:
        return 2 * super().predict(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``forest``, certified for predict and predict_proba, and ``own``, which cannot be converted."""
    folder = tmp_path_factory.mktemp("engines")
    seen = rows(300)
    encoder = make_column_transformer((StandardScaler(), ["age"]), (OneHotEncoder(), ["plan"]))
    labels = np.where((seen.age > 50) ^ (seen.plan == "gold"), "yes", "no")
    forest: Pipeline = make_pipeline(encoder, RandomForestClassifier(10, max_depth=5, random_state=0))
    modelpack.save(
        forest.fit(seen, labels),
        folder / "forest",
        input_example=seen.head(4),
        reference_data=seen,
        certify={"rows": 5_000},
    )
    own = Doubling().fit(seen[["age"]].to_numpy(), seen.age)
    modelpack.save(own, folder / "own", input_example=seen[["age"]].head(4).to_numpy(), format="cloudpickle")
    return folder


def body(frame: pd.DataFrame) -> dict[str, Any]:
    return {"dataframe_split": {"columns": list(frame), "data": frame.to_numpy().tolist()}}


def loaded(server: ServerProcess) -> set[str]:
    """The frameworks of which a process of *server* has mapped a file."""
    maps = [Path(f"/proc/{pid}/maps").read_text() for pid in (server.pid, *server.children())]
    return {name for name in FRAMEWORKS for text in maps if f"/site-packages/{name}/" in text}


@pytest.mark.parametrize(
    ("engine", "workers"),
    [
        ("onnx", "1"),
        pytest.param("auto", "2", marks=pytest.mark.long),
        ("native", "1"),
        pytest.param("onnx", "2", marks=pytest.mark.long),
        pytest.param("auto", "1", marks=pytest.mark.long),
        pytest.param("native", "2", marks=pytest.mark.long),
    ],
)
def test_every_engine_answers_as_the_model_does(
    folder: Path, tmp_path: Path, engine: str, workers: str
) -> None:
    asked = rows(40, seed=2)
    wanted = modelpack.load(folder / "forest").predict(asked).tolist()
    arguments = ("-m", str(folder / "forest"), "--engine", engine, "-w", workers)
    with serving(tmp_path, *arguments) as server:
        assert f"on the engine {'native' if engine == 'native' else 'onnx'}" in server.events
        for row in range(len(asked)):
            assert server.score(body(asked[row : row + 1])) == (200, {"predictions": [wanted[row]]})
        assert server.score(body(asked)) == (200, {"predictions": wanted})
        # The native one is the control: where these are loaded, they are seen.
        assert loaded(server) == (set(FRAMEWORKS) if engine == "native" else set())


def test_a_method_is_served_by_each_engine(folder: Path, tmp_path: Path) -> None:
    asked = rows(20, seed=3)
    wanted = modelpack.load(folder / "forest").predict_proba(asked)
    for engine in ("onnx", "native"):
        arguments = ("-m", str(folder / "forest"), "--engine", engine, "--method", "predict_proba")
        with serving(tmp_path / engine, *arguments) as server:
            status, answer = server.score(body(asked))
            assert status == 200
            assert np.array_equal(np.array(answer["predictions"]), wanted)


def test_what_is_not_certified_is_not_served_by_onnx(folder: Path, tmp_path: Path) -> None:
    arguments = ("-m", str(folder / "own"), "--trust", "pickle")
    with serving(tmp_path / "onnx", *arguments, "--engine", "onnx", wait=False) as server:
        assert server.process.wait(60) == 1
        said = [line for line in server.events.splitlines() if line.startswith("Error: ")]
        assert len(said) == 1
        assert "the ONNX form may not answer predict" in said[0]
    with serving(tmp_path / "auto", *arguments) as server:
        assert "on the engine native" in server.events
        (event,) = (
            json.loads(line) for line in server.events.splitlines() if '"event":"model loaded"' in line
        )
        assert event["reason"]


def test_a_method_that_the_model_lacks_is_one_line(folder: Path, tmp_path: Path) -> None:
    arguments = ("-m", str(folder / "forest"), "--method", "transform")
    with serving(tmp_path, *arguments, wait=False) as server:
        assert server.process.wait(60) == 1
        assert "transform" in server.events
        assert "Traceback" not in server.events


def test_a_file_is_scored_by_any_method_and_engine(folder: Path, tmp_path: Path) -> None:
    asked = rows(10, seed=4)
    source = tmp_path / "rows.json"
    source.write_text(json.dumps(body(asked)))
    wanted = modelpack.load(folder / "forest").predict_proba(asked).tolist()
    modelpack_command = str(Path(sys.executable).with_name("modelpack"))
    for engine in ("auto", "native", "onnx"):
        done = subprocess.run(
            [
                *(modelpack_command, "predict", "-m", str(folder / "forest"), "-i", str(source)),
                *("--method", "predict_proba", "--engine", engine),
            ],
            capture_output=True,
            check=True,
        )
        assert json.loads(done.stdout) == {"predictions": wanted}
