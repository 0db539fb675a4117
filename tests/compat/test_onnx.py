"""Both forms of a model load in real MLflow, and what MLflow wrote is certified here."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
from sklearn.ensemble import RandomForestClassifier

import modelpack
from modelpack.proof import Effort
from modelpack.trust import Trust
from tests.compat.reading.corpus import Corpus
from tests.compat.real_mlflow import run_in_mlflow
from tests.modelpack.onnx.data import numbers

pytestmark = pytest.mark.mlflow

LIBRARIES = Path(onnx.__file__).parents[1]
TRUST = Trust(pickle=True)
WRITTEN = ["sklearn-pickle-tensor", "sklearn-proba", "sklearn-boosted-skops"]
MATRIX, TARGETS = numbers()
FOREST = RandomForestClassifier(10, random_state=1).fit(MATRIX, TARGETS["three"])


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELPACK_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def models(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory, home: None) -> Path:
    """A folder with a model that was saved here, and models of MLflow that were certified here."""
    folder = tmp_path_factory.mktemp("both-forms")
    modelpack.save(FOREST, folder / "ours", input_example=MATRIX[:3], certify={"rows": 500})
    for name in WRITTEN:
        shutil.copytree(corpus.folder / name, folder / name)
        assert modelpack.certify(folder / name, effort=Effort(rows=500), trust=TRUST).certified
    return folder


@pytest.fixture(scope="module")
def told(models: Path, corpus: Corpus) -> Any:
    """What MLflow's two loaders make of each."""
    rows = {"ours": MATRIX[:20], **{name: corpus.models[name].data for name in WRITTEN}}
    asked = models / "asked.json"
    asked.write_text(json.dumps({str(models / name): one.tolist() for name, one in rows.items()}))
    return run_in_mlflow("read_onnx.py", LIBRARIES, asked, work=models)


def test_mlflow_loads_either_form_of_what_was_saved_here(told: Any) -> None:
    assert told["ours"]["served"] == FOREST.predict(MATRIX[:20]).tolist()
    assert told["ours"]["answers"] == {
        "predict": FOREST.predict(MATRIX[:20]).tolist(),
        "predict_proba": FOREST.predict_proba(MATRIX[:20]).tolist(),
    }


@pytest.mark.parametrize("name", WRITTEN)
def test_what_mlflow_wrote_is_certified_and_stays_mlflows(
    name: str, corpus: Corpus, models: Path, told: Any
) -> None:
    predictor = modelpack.load_predictor(models / name, engine="onnx", trust=TRUST)
    assert predictor.method == ("predict_proba" if name == "sklearn-proba" else "predict")
    wanted = corpus.models[name].answers
    assert predictor.predict(corpus.models[name].data).tolist() == wanted
    assert told[name]["served"] == wanted
    assert told[name]["answers"][predictor.method] == wanted
