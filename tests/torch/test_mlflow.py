"""Modules of torch, both ways: what MLflow wrote is read here, and what was written here MLflow reads."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelpack
from modelpack.errors import Untrusted
from modelpack.trust import Trust
from tests.compat.real_mlflow import NEWEST, run_in_mlflow
from tests.torch.environment import FOLDER
from tests.torch.small import asked, frame, net, rows

pytestmark = [pytest.mark.mlflow, pytest.mark.long]

OLDER = "2.22"
WRITTEN = {"program": "tensor", "program_of_columns": "columns", "pickled": "tensor"}


@dataclass(frozen=True)
class Told:
    """What MLflow saved *at*, what it answers *there*, and what it answers to ours (*here*)."""

    at: Path
    there: dict[str, Any]
    here: dict[str, Any]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """By version, each of which runs once."""
    ours = tmp_path_factory.mktemp("ours")
    plain: dict[str, Any] = {"requirements": ["torch"]}
    modelpack.save(net(), ours / "program", input_example=rows()[:2], **plain)
    modelpack.save(net(), ours / "program_of_columns", input_example=frame().head(1), **plain)
    modelpack.save(net(), ours / "pickled", input_example=rows()[:2], format="pickle", **plain)
    asked_of = {NEWEST: WRITTEN, OLDER: {"pickled": "tensor"}}

    def run(version: str) -> Told:
        at = tmp_path_factory.mktemp("theirs")
        at.joinpath("asked.json").write_text(
            json.dumps({"rows": rows().tolist(), "models": asked_of[version]})
        )
        said = run_in_mlflow("torch_models.py", FOLDER, at, ours, work=at, version=version)
        return Told(at, said["there"], said["here"])

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(asked_of, pool.map(run, asked_of), strict=True))


@pytest.mark.parametrize(("version", "name"), [*((NEWEST, name) for name in WRITTEN), (OLDER, "pickled")])
def test_mlflow_answers_with_what_was_saved_here(version: str, name: str, told: dict[str, Told]) -> None:
    data = np.asfortranarray(rows()) if WRITTEN[name] == "columns" else rows()
    expected = {"native": asked(net(), rows()).tolist(), "pyfunc": asked(net(), data).tolist()}
    assert told[version].here[name] == expected


@pytest.mark.parametrize(
    ("version", "name"),
    [
        (NEWEST, "program"),
        (NEWEST, "native"),
        *((version, name) for version in (NEWEST, OLDER) for name in ("pickled", "columns", "scripted")),
    ],
)
def test_what_mlflow_saved_answers_here(version: str, name: str, told: dict[str, Told]) -> None:
    path = told[version].at / name
    if name not in ("program", "native"):
        with pytest.raises(Untrusted, match="--trust pickle"):
            modelpack.load(path)
    trust = Trust(pickle=name not in ("program", "native"))
    if name == "native":
        # MLflow writes no pyfunc for it: it is no model that anybody serves.
        answer = asked(modelpack.load(path, trust=trust), rows())
    else:
        answer = modelpack.load_predictor(path, trust=trust).predict(frame() if name == "columns" else rows())
    assert np.asarray(answer).tolist() == told[version].there[name]
