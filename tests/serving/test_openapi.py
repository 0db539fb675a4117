"""The OpenAPI document of a model, made from its signature."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from openapi_spec_validator import validate

from modelpack.schema import (
    AnyType,
    Array,
    ColumnSpec,
    ColumnType,
    DataType,
    Map,
    Object,
    ParamSpec,
    Property,
    Schema,
    Signature,
    TensorSpec,
)
from serving import contract, openapi
from serving.codecs.json import JsonCodec
from tests.serving.kit import NUMBERS, house, served, split

EVERY_TYPE: tuple[ColumnType, ...] = (
    *DataType,
    Array(DataType.double),
    Map(DataType.long),
    AnyType(),
    Object((Property("a", DataType.string), Property("b", Array(DataType.integer), required=False))),
)

SIGNATURES = {
    "numbers": NUMBERS,
    "nothing": Signature(),
    "every type": Signature(
        inputs=Schema(tuple(ColumnSpec(kind, f"c{place}") for place, kind in enumerate(EVERY_TYPE))),
        outputs=Schema((ColumnSpec(DataType.string, "label"), ColumnSpec(DataType.double, "score"))),
        params=(
            ParamSpec("scale", DataType.double, 1.5),
            ParamSpec("words", DataType.string, ["a"], (-1,)),
            ParamSpec("since", DataType.datetime, "2024-01-31T00:00:00"),
        ),
    ),
    "optional": Signature(inputs=Schema((ColumnSpec(DataType.long, "a", required=False),))),
    "no names": Signature(inputs=Schema((ColumnSpec(DataType.double), ColumnSpec(DataType.string)))),
    "tensor": Signature(
        inputs=Schema((TensorSpec(np.dtype("float64"), (-1, 4)),)),
        outputs=Schema((TensorSpec(np.dtype("int64"), (-1,)),)),
    ),
    "tensors": Signature(
        inputs=Schema(
            (TensorSpec(np.dtype("float32"), (-1, 2), "x"), TensorSpec(np.dtype("str"), (-1,), "y"))
        ),
    ),
}


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
def test_the_document_is_valid_openapi(signature: Signature) -> None:
    document = openapi.document(served(signature=signature))
    validate(document)
    assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize("signature", SIGNATURES.values(), ids=SIGNATURES)
def test_the_example_keeps_its_own_schema_and_the_server_takes_it(signature: Signature) -> None:
    model = served(signature=signature)
    example = openapi.example_request(model)
    if signature.inputs is None:
        assert example is None
        return
    jsonschema.validate(example, openapi.request_schema(signature))
    payload = JsonCodec(coerce="lossless", depth_limit=64).decode(json.dumps(example).encode(), signature)
    assert payload.rows == 1


def test_the_example_saved_with_the_model_is_the_one_shown(tmp_path: Path) -> None:
    example = split([41.5, 0.5])
    with house(tmp_path, served(example=example)) as home:
        document = home.client.get(contract.OPENAPI).json()
        docs = home.client.get(contract.DOCS).text
        assert home.post(example).json() == {"predictions": [42.0]}
    content = document["paths"]["/invocations"]["post"]["requestBody"]["content"]
    assert content["application/json"]["example"] == example
    assert "41.5" in docs


def test_the_document_tells_what_is_served(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        info = home.client.get(contract.OPENAPI).json()["info"]
    assert (info["title"], info["version"]) == ("sum", "3")
    assert "sha256:" in info["description"]
    assert "native" in info["description"]


@pytest.mark.parametrize(
    ("record", "fits"),
    [
        ({"a": 1, "b": 2.5}, True),
        ({"a": None, "b": 2.5}, True),
        ({"a": "1", "b": 2.5}, False),
        ({"a": 1}, False),
        ({"a": 1, "b": 2, "extra": []}, True),
    ],
)
def test_the_schema_and_the_server_agree(tmp_path: Path, record: dict[str, Any], fits: bool) -> None:
    body = {"dataframe_records": [record]}
    validator = jsonschema.Draft202012Validator(openapi.request_schema(NUMBERS))
    assert validator.is_valid(body) is fits
    with house(tmp_path) as home:
        assert (home.post(body).status_code == 200) is fits
