"""The part of a model's OpenAPI document that tells of the Open Inference Protocol."""

from typing import Any

from serving import contract
from serving.codecs._v2_datatypes import BYTES, NUMPY
from serving.codecs._v2_facts import TensorFacts, facts_of
from serving.models import Served

Document = dict[str, Any]

SCHEMAS: Document = {
    "V2Error": {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string"}},
    },
    "V2Tensor": {
        "type": "object",
        "required": ["name", "shape", "datatype"],
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
            "datatype": {"enum": [*NUMPY, BYTES]},
            "parameters": {"type": "object"},
            "data": {"type": "array"},
        },
    },
}
"""What the paths refer to, under ``components/schemas``."""

_TENSORS = {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/V2Tensor"}}


def paths(served: Served) -> Document:
    """The protocol's paths for the model *served*; only a model that has a version has paths with one."""
    model = f"{contract.V2}/models/{{model}}"
    version = served.source.version
    places = [(model, [_parameter("model", served.source.name)])]
    if version:
        places.append((f"{model}/versions/{{version}}", [*places[0][1], _parameter("version", version)]))
    documents: Document = {
        contract.V2: {"get": _asked("What is this server?")},
        f"{contract.V2}/health/live": {"get": _asked("Is it alive?")},
        f"{contract.V2}/health/ready": {"get": _asked("Is a model loaded?", "503")},
    }
    for place, parameters in places:
        infer = {**_asked("Predict", "400", "404", "413", "415", "500", "503", "504"), **_infer(served)}
        documents[place] = {"get": _asked("Which tensors?", "404"), "parameters": parameters}
        documents[f"{place}/ready"] = {"get": _asked("Is it loaded?", "404", "503"), "parameters": parameters}
        documents[f"{place}/infer"] = {"post": infer, "parameters": parameters}
    return documents


def _parameter(name: str, value: str) -> Document:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "enum": [value]}}


def _asked(summary: str, *statuses: str) -> Document:
    answered = {"description": "the answer", "content": {contract.JSON: {"schema": {"type": "object"}}}}
    return {"summary": summary, "responses": {"200": answered, **dict.fromkeys(statuses, _PROBLEM)}}


_PROBLEM: Document = {
    "description": "not answered, and why",
    "content": {contract.JSON: {"schema": {"$ref": "#/components/schemas/V2Error"}}},
}


def _infer(served: Served) -> Document:
    """The body of a request. Raw tensors, which may stand behind the JSON, are told in words."""
    facts = facts_of(served)
    takes = "; ".join(map(_told, facts.inputs)) or "any tensors: the model has no signature"
    schema = {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string"},
            "parameters": {"type": "object"},
            "inputs": _TENSORS,
            "outputs": {"type": "array", "items": {"type": "object", "required": ["name"]}},
        },
    }
    raw = {
        "type": "string",
        "format": "binary",
        "description": "JSON, then raw tensors; Inference-Header-Content-Length is the length of the JSON",
    }
    content = {contract.JSON: {"schema": schema}, "application/octet-stream": {"schema": raw}}
    return {"description": f"Takes {takes}.", "requestBody": {"required": True, "content": content}}


def _told(facts: TensorFacts) -> str:
    return f"{facts.name} {facts.datatype} {list(facts.shape)}"
