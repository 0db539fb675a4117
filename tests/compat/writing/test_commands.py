"""``mlflow models serve`` and ``mlflow models predict`` run what is saved here, and answer as we do."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import modelpack
from serving.models import find, load
from serving.settings import Settings
from tests.compat.reading.bodies import JSON, Body, ordinary
from tests.compat.real_mlflow import require_mlflow
from tests.compat.writing.commands import Serving, predict, serve
from tests.compat.writing.conftest import SavedHere
from tests.serving.kit import house

pytestmark = pytest.mark.mlflow

VERSIONS = ["3.17", "2.22"]
SERVED = [("3.17", "python-class-params"), ("2.22", "xgboost-booster-ubj-columns")]
PREDICTED = [
    ("3.17", "sklearn-skops-columns"),
    pytest.param("2.22", "python-function-params", marks=pytest.mark.long),
]
EACH_FLAVOR = [
    "certified-lightgbm",
    "sklearn-cloudpickle-columns",
    "xgboost-classifier-json-params",
    "lightgbm-classifier-cloudpickle-columns",
    "catboost-classifier-cbm-columns",
    "statsmodels-least-pickle-columns",
    "onnx-one-tensors",
    "python-function-columns",
    "python-function-deep",
    "python-object-tensors",
]


@pytest.fixture(scope="module")
def servers(saved_here: SavedHere, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Serving]]:
    """A server of each version; they start at once, as an import of MLflow is most of it."""
    folder = tmp_path_factory.mktemp("commands")
    for version, _ in SERVED:
        require_mlflow(version)
    with ExitStack() as stack, ThreadPoolExecutor(2) as pool:

        def start(one: tuple[str, str]) -> Serving:
            return stack.enter_context(serve(saved_here.folder / one[1], folder, one[0]))

        yield {version: one for (version, _), one in zip(SERVED, pool.map(start, SERVED), strict=True)}


@pytest.mark.long
@pytest.mark.parametrize(("version", "name"), SERVED)
def test_mlflow_serves_what_is_saved_here(
    version: str, name: str, saved_here: SavedHere, servers: dict[str, Serving], tmp_path: Path
) -> None:
    check(servers[version], name, saved_here, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize(("version", "name"), PREDICTED)
def test_mlflow_predicts_with_what_is_saved_here(
    version: str, name: str, saved_here: SavedHere, tmp_path: Path
) -> None:
    require_mlflow(version)
    body = bodies(saved_here, name)[1]
    told = predict(saved_here.folder / name, body, tmp_path / "work", version)
    assert [told] == ours(saved_here, name, [body], tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", EACH_FLAVOR)
@pytest.mark.parametrize("version", VERSIONS)
def test_mlflow_serves_a_model_of_each_flavor(
    version: str, name: str, saved_here: SavedHere, tmp_path: Path
) -> None:
    require_mlflow(version)
    with serve(saved_here.folder / name, tmp_path, version) as server:
        check(server, name, saved_here, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", EACH_FLAVOR)
@pytest.mark.parametrize("version", VERSIONS)
def test_mlflow_predicts_with_a_model_of_each_flavor(
    version: str, name: str, saved_here: SavedHere, tmp_path: Path
) -> None:
    require_mlflow(version)
    body = bodies(saved_here, name)[0]
    told = predict(saved_here.folder / name, body, tmp_path / "work", version)
    assert [told] == ours(saved_here, name, [body], tmp_path)


def check(server: Serving, name: str, saved_here: SavedHere, folder: Path) -> None:
    asked = bodies(saved_here, name)
    assert [server.answer(body) for body in asked] == ours(saved_here, name, asked, folder)


def ours(saved_here: SavedHere, name: str, asked: list[Body], folder: Path) -> list[Any]:
    """What our own ``/invocations`` answers for each body."""
    settings = Settings(trust=("pickle",), engine="native")
    model = load(find(str(saved_here.folder / name)), settings, {"MODELPACK_HOME": str(folder)})
    with house(folder, model, trust=("pickle",)) as home:
        answers = [home.post(body.content, {"Content-Type": body.media_type or JSON}) for body in asked]
    assert {one.status_code for one in answers} == {200}, [one.text for one in answers]
    return [json.loads(one.content) for one in answers]


def bodies(saved_here: SavedHere, name: str) -> list[Body]:
    """The example as a body, and what is asked of the model in each form that both sides know for it."""
    subject, place = saved_here.subjects[name], saved_here.folder / name
    example = Body("the example", (place / "serving_input_example.json").read_bytes())
    forms = ordinary(subject.data, subject.params, modelpack.open_model(place).signature)
    # CSV is left out: before pandas 3, and so in MLflow 2, the last bit of its numbers may be another.
    known = ["dataframe_split", "dataframe_records", "inputs", "instances"]
    if isinstance(subject.data, pd.DataFrame) and any(one.kind == "M" for one in subject.data.dtypes):
        # Moments have to be written alike, as they are in the example.
        known = []
    return [example, *(one for one in forms if one.name.removesuffix(" with params") in known)]
