"""A module of torch behind ``serve``, by torch and by its ONNX form."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import modelpack
from tests.serving.kit import ServerProcess, serving
from tests.torch.environment import with_torch
from tests.torch.small import asked, frame, net, rows


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    effort = {"rows": 1_000, "seed": 1}
    modelpack.save(net(), folder / "array", input_example=rows()[:2], requirements=[], certify=effort)
    modelpack.save(net(), folder / "columns", input_example=frame().head(2), requirements=[], certify=False)
    return folder


@pytest.fixture(scope="module", params=["native", "onnx"])
def server(
    request: pytest.FixtureRequest, saved: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    environ = with_torch({**os.environ, "MODELPACK_HOME": str(tmp_path_factory.mktemp("home"))})
    folder = tmp_path_factory.mktemp(request.param)
    with serving(folder, "-m", str(saved / "array"), "--engine", request.param, environ=environ) as process:
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
    np.testing.assert_allclose(np.reshape(output["data"], (6, 3)), asked(net(), rows()), rtol=1e-6, atol=1e-6)


def test_columns_are_answered_as_mlflow_does(saved: Path, tmp_path: Path) -> None:
    environ = with_torch({**os.environ, "MODELPACK_HOME": str(tmp_path)})
    with serving(tmp_path, "-m", str(saved / "columns"), environ=environ) as process:
        status, told = process.score({"dataframe_split": frame().to_dict("split", index=False)})
    assert status == 200
    expected = asked(net(), np.asfortranarray(rows()))
    assert told["predictions"] == [
        {str(place): one for place, one in enumerate(row)} for row in expected.tolist()
    ]
