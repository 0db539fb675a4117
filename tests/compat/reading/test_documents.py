"""Old and odd documents load and predict, here as with the newest MLflow."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import modelpack
from modelpack.directory import layout
from modelpack.errors import InvalidModel
from modelpack.trust import Trust
from tests.compat.reading.asking import ask_mlflow
from tests.compat.reading.bodies import Body
from tests.compat.reading.documents import ANSWER, DOCUMENTS, FRAME

pytestmark = pytest.mark.filterwarnings("ignore:X does not have valid feature names")

TRUST = Trust(pickle=True)

EACH = pytest.mark.parametrize("name", DOCUMENTS)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("documents")
    return {name: odd.write(folder / str(number)) for number, (name, odd) in enumerate(DOCUMENTS.items())}


@EACH
def test_the_native_model_loads(places: dict[str, Path], name: str) -> None:
    assert modelpack.load(places[name], trust=TRUST).predict(FRAME).tolist() == ANSWER


@EACH
def test_the_model_predicts(places: dict[str, Path], name: str) -> None:
    method = "predict" if name == "no python_function" else None
    predictor = modelpack.load_predictor(places[name], trust=TRUST, method=method)
    data = FRAME.to_numpy() if name == "a tensor" else FRAME
    assert predictor.predict(data, DOCUMENTS[name].params).tolist() == ANSWER


def test_without_python_function_there_is_nothing_to_serve(places: dict[str, Path]) -> None:
    with pytest.raises(InvalidModel, match="saved without predict"):
        modelpack.load_predictor(places["no python_function"], trust=TRUST)


@EACH
def test_what_is_read_is_written_and_read_again(places: dict[str, Path], name: str, tmp_path: Path) -> None:
    document = modelpack.open_model(places[name]).document
    (tmp_path / layout.DOCUMENT).write_text(document.text())
    again = type(document).read(tmp_path / layout.DOCUMENT)
    assert again.signature == document.signature
    assert again.flavors == document.flavors
    # Two keys that MLflow 3 writes though they are empty.
    assert {"prompts": None, **again.extra} == {"prompts": None, **document.extra}


def test_an_old_example_is_read(places: dict[str, Path]) -> None:
    example = modelpack.open_model(places["MLflow 1.30"]).example()
    assert example is not None
    assert example.to_dict("list") == {"a": [1.0], "b": [0.5]}


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[modelpack.Registry]:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))
    with modelpack.Registry() as opened:
        yield opened


def test_a_model_of_mlflow_1_moves_through_the_stages_of_mlflow_1(
    places: dict[str, Path], registry: modelpack.Registry
) -> None:
    for name in ("MLflow 1.0", "MLflow 1.30"):
        registry.register(str(places[name]), "old")
    registry.promote("old", 1, "Production")
    registry.promote("old", 2, "Staging")
    for stage, version in (("Production", 1), ("Staging", 2)):
        predictor = modelpack.load_predictor(f"models:/old/{stage}", trust=TRUST)
        assert predictor.directory.path == registry.path(registry.get_version("old", version))
        assert predictor.predict(FRAME).tolist() == ANSWER


@pytest.mark.long
@pytest.mark.mlflow
def test_the_newest_mlflow_reads_the_same_documents(places: dict[str, Path], tmp_path: Path) -> None:
    split = {"dataframe_split": {"columns": ["a", "b"], "data": FRAME.to_numpy().tolist()}}
    served = {name: place for name, place in places.items() if DOCUMENTS[name].is_read_by_mlflow}
    replies = ask_mlflow(
        {
            str(place): [Body("split", json.dumps({**split, "params": DOCUMENTS[name].params}).encode())]
            for name, place in served.items()
        },
        tmp_path,
    )
    answers = {name: replies[str(place)][0].value for name, place in served.items()}
    assert answers == {name: {"predictions": ANSWER} for name in served}
