"""The Open Inference Protocol over HTTP."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelpack._version import __version__
from modelpack.schema import ColumnSpec, DataType, Schema, Signature, TensorSpec
from serving.models import Models
from tests.serving.codecs.v2 import binary, tensor
from tests.serving.kit import House, house, served

COLUMNS = Signature(
    inputs=Schema(
        (
            ColumnSpec(DataType.double, "a"),
            ColumnSpec(DataType.string, "word"),
            ColumnSpec(DataType.binary, "blob"),
            ColumnSpec(DataType.datetime, "at"),
        )
    ),
    outputs=Schema((TensorSpec(np.dtype("float64"), (-1, 2), "score"),)),
)
INPUTS = [tensor("a", "FP64", [1.5]), tensor("b", "FP64", [2.0])]


def infer(home: House, body: Any, headers: dict[str, str] | None = None, *, model: str = "sum") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body)
    return home.client.post(f"/v2/models/{model}/infer", content=content, headers=headers or {})


def refused(response: Any, status: int, says: str) -> None:
    assert response.status_code == status, response.text
    assert set(response.json()) == {"error"}
    assert says in response.json()["error"]
    assert len(response.json()["error"]) <= 300
    assert response.headers["x-request-id"]


def test_the_server_tells_what_it_is_and_that_it_is_well(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        assert home.client.get("/v2").json() == {
            "name": "modelpack",
            "version": __version__,
            "extensions": ["binary_tensor_data", "parameters"],
        }
        assert home.client.get("/v2/health/live").json() == {"live": True}
        assert home.client.get("/v2/health/ready").json() == {"ready": True}
        for place in ("/v2/models/sum", "/v2/models/sum/versions/3"):
            assert home.client.get(f"{place}/ready").json() == {"name": "sum", "ready": True}
            assert home.client.head(place).status_code == 200


def test_the_model_tells_its_tensors(tmp_path: Path) -> None:
    with house(tmp_path, served(signature=COLUMNS)) as home:
        told = home.client.get("/v2/models/sum").json()
        assert told == home.client.get("/v2/models/sum/versions/3").json()
    assert (told["name"], told["versions"], told["platform"]) == ("sum", ["3"], "mlflow_python")
    assert told["parameters"] == {"content_type": "pd"}
    assert [tuple(one.values()) for one in told["inputs"]] == [
        ("a", "FP64", [-1], {"content_type": "np"}),
        ("word", "BYTES", [-1], {"content_type": "str"}),
        ("blob", "BYTES", [-1], {"content_type": "base64"}),
        ("at", "BYTES", [-1], {"content_type": "datetime"}),
    ]
    assert [tuple(one.values()) for one in told["outputs"]] == [
        ("score", "FP64", [-1, 2], {"content_type": "np"})
    ]


def test_a_model_without_a_signature_names_no_tensors(tmp_path: Path) -> None:
    with house(tmp_path, served(signature=Signature())) as home:
        told = home.client.get("/v2/models/sum").json()
    assert (told["inputs"], told["outputs"], told["parameters"]) == ([], [], {})


@pytest.mark.parametrize("place", ["/v2/models/sum", "/v2/models/sum/versions/3"])
def test_predictions_come_as_tensors(tmp_path: Path, place: str) -> None:
    with house(tmp_path) as home:
        response = home.client.post(f"{place}/infer", content=json.dumps({"id": "7", "inputs": INPUTS}))
        (line,) = home.log()
    assert response.json() == {
        "model_name": "sum",
        "model_version": "3",
        "id": "7",
        "parameters": {"content_type": "np"},
        "outputs": [
            {
                "name": "output-0",
                "shape": [1],
                "datatype": "FP64",
                "parameters": {"content_type": "np"},
                "data": [3.5],
            }
        ],
    }
    assert response.headers["content-type"] == "application/json"
    assert (line["path"], line["status"], line["rows"]) == (f"{place}/infer", 200, 1)


def test_raw_tensors_go_in_and_out(tmp_path: Path) -> None:
    raw = [
        (name, "FP64", [2], np.array(values).tobytes()) for name, values in (("a", [1.5, 2]), ("b", [1, 0.5]))
    ]
    body, length = binary(raw, parameters={"binary_data_output": True})
    with house(tmp_path) as home:
        response = infer(home, body, {"Inference-Header-Content-Length": str(length)})
    cut = int(response.headers["inference-header-content-length"])
    assert response.headers["content-type"] == "application/octet-stream"
    (output,) = json.loads(response.content[:cut])["outputs"]
    assert output["parameters"]["binary_data_size"] == 16
    np.testing.assert_array_equal(np.frombuffer(response.content[cut:]), [2.5, 2.5])


def test_a_frame_comes_and_goes_as_one_tensor_for_each_column(tmp_path: Path) -> None:
    def describe(table: Any, params: Any) -> Any:
        del params
        frame = table.frame()
        return pd.DataFrame(
            {
                "twice": frame["a"] * 2,
                "loud": frame["word"].str.upper(),
                "day": frame["at"],
                "blob": frame["blob"],
            }
        )

    inputs = [
        tensor("a", "FP64", [1.5, 2.5]),
        tensor("word", "BYTES", ["ab", "ç"], content_type="str"),
        tensor("blob", "BYTES", ["AAE=", "/w=="], content_type="base64"),
        tensor("at", "BYTES", ["2024-01-31", "2024-02-01T12:30:00"], content_type="datetime"),
    ]
    with house(tmp_path, served(describe, COLUMNS)) as home:
        answer = infer(home, {"inputs": inputs, "parameters": {"content_type": "pd"}}).json()
    assert answer["parameters"] == {"content_type": "pd"}
    told = {
        one["name"]: (one["datatype"], one["data"], one["parameters"]["content_type"])
        for one in answer["outputs"]
    }
    assert told["twice"] == ("FP64", [3.0, 5.0], "np")
    assert told["loud"] == ("BYTES", ["AB", "Ç"], "str")
    assert told["blob"] == ("BYTES", ["AAE=", "/w=="], "base64")
    assert [text[:19] for text in told["day"][1]] == ["2024-01-31T00:00:00", "2024-02-01T12:30:00"]


@pytest.mark.parametrize("place", ["/v2/models/nope", "/v2/models/sum/versions/4", "/v2/models/SUM"])
def test_another_model_is_not_found(tmp_path: Path, place: str) -> None:
    with house(tmp_path) as home:
        for path in (place, f"{place}/ready"):
            refused(home.client.get(path), 404, "there is")
        refused(home.client.post(f"{place}/infer", content=b"x" * 10), 404, "there is")


@pytest.mark.parametrize(
    "path", ["/v2/", "/v2/models", "/v2/models/sum/", "/v2/models/sum/config", "/v2/nope"]
)
def test_other_paths_are_not_found(tmp_path: Path, path: str) -> None:
    with house(tmp_path) as home:
        refused(home.client.get(path), 404, "nothing is served")


def test_another_method_is_told_which_it_may_be(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        response = home.client.get("/v2/models/sum/infer")
        refused(response, 405, "method")
        assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "media_type", ["text/csv", "application/json; charset=latin-1", "application/x-www-form"]
)
def test_another_kind_of_body_is_refused(tmp_path: Path, media_type: str) -> None:
    with house(tmp_path) as home:
        response = infer(home, {"inputs": INPUTS}, {"Content-Type": media_type})
        refused(response, 415, "application/json")
        assert response.headers["accept"] == "application/json, application/octet-stream"


@pytest.mark.parametrize("length", ["", "x", "-1", "1.5", "+5", "9" * 13, "0x10"])
def test_the_length_of_the_json_is_a_number(tmp_path: Path, length: str) -> None:
    with house(tmp_path) as home:
        headers = {"Inference-Header-Content-Length": length}
        refused(infer(home, {"inputs": INPUTS}, headers), 400, "Inference-Header-Content-Length")


def test_the_models_own_errors_are_told_as_everywhere(tmp_path: Path) -> None:
    def fail(table: Any, params: Any) -> Any:
        kind = [ValueError("no such city"), RuntimeError("a secret")][int(table.columns["a"][0])]
        raise kind

    with house(tmp_path, served(fail)) as home:
        refused(infer(home, {"inputs": [tensor("a", "FP64", [0]), INPUTS[1]]}), 400, "no such city")
        response = infer(home, {"inputs": [tensor("a", "FP64", [1]), INPUTS[1]]})
        refused(response, 500, "the server failed")
        assert "secret" not in response.text


def test_a_body_over_the_limit_is_refused(tmp_path: Path) -> None:
    with house(tmp_path, body_limit=100) as home:
        refused(infer(home, b"x" * 101), 413, "100")


def test_without_a_model_nothing_is_ready(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.plane.models = Models()
        assert home.client.get("/v2/health/live").status_code == 200
        for path in ("/v2/health/ready", "/v2/models/sum", "/v2/models/sum/ready"):
            refused(home.client.get(path), 503, "no model")


def test_a_server_that_leaves_is_not_ready(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.plane.leave()
        for path in ("/v2/health/ready", "/v2/models/sum/ready"):
            refused(home.client.get(path), 503, "shutting down")
        assert infer(home, {"inputs": INPUTS}).status_code == 200
