"""Directories written by real MLflow load here and predict the same."""

import json
from pathlib import Path

import numpy as np
import pytest

import modelpack
from modelpack.errors import Untrusted
from modelpack.trust import Trust
from tests.compat.conftest import Corpus

SAFE = ["sklearn-skops-signed", "sklearn-skops-unsigned", "sklearn-boosted-skops"]
PICKLED = [
    "sklearn-cloudpickle-signed",
    "sklearn-cloudpickle-unsigned",
    "sklearn-pickle-tensor",
    "sklearn-proba",
    "pyfunc-params",
    "pyfunc-artifacts",
    "pyfunc-arrays",
]
pytestmark = pytest.mark.mlflow


@pytest.mark.parametrize("name", [*SAFE, *PICKLED])
def test_what_mlflow_wrote_predicts_the_same_here(corpus: Corpus, name: str) -> None:
    trust = Trust(pickle=True) if name in PICKLED else Trust()
    predictor = modelpack.load_predictor(corpus.folder / name, trust=trust)
    here = np.asarray(predictor.predict(corpus.data(name))).tolist()
    assert here == corpus.answers[name]["predictions"]


def test_the_corpus_is_all_covered(corpus: Corpus) -> None:
    assert sorted(corpus.answers) == sorted([*SAFE, *PICKLED])


@pytest.mark.parametrize("name", [name for name in [*SAFE, *PICKLED] if name.startswith("sklearn")])
def test_the_native_model_comes_back_too(corpus: Corpus, name: str) -> None:
    model = modelpack.load(corpus.folder / name, trust=Trust(pickle=name in PICKLED))
    method = "predict_proba" if name == "sklearn-proba" else "predict"
    assert getattr(model, method)(corpus.data(name)).tolist() == corpus.answers[name]["predictions"]


@pytest.mark.parametrize("name", [*SAFE, *PICKLED])
def test_signatures_of_mlflow_are_read_and_written_letter_by_letter(corpus: Corpus, name: str) -> None:
    signature = modelpack.open_model(corpus.folder / name).signature
    assert (signature.to_dict() if signature else None) == corpus.answers[name]["signature"]


@pytest.mark.parametrize("name", PICKLED)
def test_pickles_of_mlflow_wait_for_the_operators_word(corpus: Corpus, name: str) -> None:
    with pytest.raises(Untrusted, match=r"--trust pickle"):
        modelpack.load(corpus.folder / name, trust=Trust())


def test_parameters_reach_a_python_model_of_mlflow(corpus: Corpus) -> None:
    predictor = modelpack.load_predictor(corpus.folder / "pyfunc-params", trust=Trust(pickle=True))
    frame = corpus.data("pyfunc-params")
    assert predictor.predict(frame, {"factor": 10.0}).tolist() == (frame["charges"] * 10.0).tolist()


def test_the_input_example_of_mlflow_is_a_body_that_its_model_takes(corpus: Corpus) -> None:
    view = modelpack.open_model(corpus.folder / "sklearn-skops-signed")
    serving = json.loads(Path(view.path, "serving_input_example.json").read_text())
    assert view.serving_example() == serving
    predictor = modelpack.load_predictor(view.path, trust=Trust())
    assert len(predictor.predict(view.example())) == 3
