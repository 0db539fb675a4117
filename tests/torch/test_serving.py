"""A module of torch behind ``serve``, by torch and by its ONNX form."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelpack
from serving.models import find, load
from serving.settings import Settings
from tests.serving.kit import ServerProcess, house, serving
from tests.torch.environment import with_torch
from tests.torch.small import asked, frame, net, rows


@pytest.fixture(scope="module", params=["native", "onnx"])
def server(
    request: pytest.FixtureRequest, certified: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp(request.param)
    environ = with_torch({**os.environ, "MODELPACK_HOME": str(folder / "home")})
    with serving(folder, "-m", str(certified), "--engine", request.param, environ=environ) as process:
        yield process


def test_invocations_are_answered(server: ServerProcess) -> None:
    status, told = server.score({"inputs": rows().tolist()})
    assert status == 200
    np.testing.assert_allclose(told["predictions"], asked(net(), rows()), rtol=1e-6, atol=1e-6)
    status, told = server.score({"inputs": [[1.0, 2.0]]})
    assert status == 400


def test_the_open_inference_protocol_is_answered(server: ServerProcess) -> None:
    tensor = {"name": "input-0", "shape": [6, 4], "datatype": "FP32", "data": rows().ravel().tolist()}
    body = json.dumps({"inputs": [tensor]})
    status, _, content = server.call("POST", "/v2/models/array/infer", body)
    assert status == 200, content
    (output,) = json.loads(content)["outputs"]
    assert (output["datatype"], output["shape"]) == ("FP32", [6, 3])
    found = np.reshape(output["data"], (6, 3))
    np.testing.assert_allclose(found, asked(net(), rows()), rtol=1e-6, atol=1e-6)


def test_columns_are_answered_as_mlflow_does(tmp_path: Path) -> None:
    place = tmp_path / "columns"
    modelpack.save(net(), place, input_example=frame().head(2), requirements=[], certify=False)
    settings: dict[str, Any] = {"engine": "native"}
    model = load(find(str(place)), Settings(**settings), {"MODELPACK_HOME": str(tmp_path / "home")})
    with house(tmp_path, model, **settings) as home:
        told = home.post(json.dumps({"dataframe_split": frame().to_dict("split", index=False)})).json()
    expected = asked(net(), np.asfortranarray(rows())).tolist()
    assert told["predictions"] == [{str(place): one for place, one in enumerate(row)} for row in expected]
