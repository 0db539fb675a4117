"""The OpenAPI document of one model: what it takes, what it gives, and an example that works."""

from typing import Any

from modelpack._version import __version__
from modelpack.schema import (
    AnyType,
    Array,
    ColumnSpec,
    ColumnType,
    DataType,
    Map,
    Object,
    ParamSpec,
    Schema,
    Signature,
    TensorSpec,
)
from modelpack.schema.sample import sample
from serving import contract, openapi_v2
from serving.codecs.arrow import PARQUET, STREAM
from serving.models import Served

Document = dict[str, Any]


def document(served: Served) -> Document:
    """OpenAPI 3.1 for the routes of a server with the model *served*."""
    source = served.source
    return {
        "openapi": "3.1.0",
        "info": {
            "title": source.name or "model",
            "version": source.version or source.digest,
            "description": f"{source.digest}, {served.flavor} on the engine {served.engine}. "
            f"Served by modelpack {__version__}.",
        },
        "paths": {
            contract.INVOCATIONS: {"post": _invocations(served)},
            contract.PING: {"get": _simple("Is it alive?", "alive", "application/json")},
            contract.HEALTH: {"get": _simple("Is it alive?", "alive", "application/json")},
            contract.READY: {"get": _ready()},
            contract.VERSION: {"get": _simple("The version of the server", "the version", "text/plain")},
            **openapi_v2.paths(served),
        },
        "components": {"schemas": {"Error": _ERROR, **openapi_v2.SCHEMAS}},
    }


_ERROR: Document = {
    "type": "object",
    "required": ["error_code", "message", "request_id"],
    "properties": {
        "error_code": {"type": "string"},
        "message": {"type": "string"},
        "request_id": {"type": "string"},
    },
}

_PROBLEMS = {
    "400": "The body is not what the model takes, or the model refused it",
    "408": "The body did not arrive in time",
    "413": "The body is too large",
    "415": "The body is of a kind, or packed in a way, that is not read here",
    "500": "The model or the server failed; the log has the request id",
    "503": "Not now: too busy, or on its way out",
    "504": "The model took too long",
}


def _problem(text: str) -> Document:
    schema = {"$ref": "#/components/schemas/Error"}
    return {"description": text, "content": {contract.JSON: {"schema": schema}}}


def _simple(summary: str, means: str, media_type: str) -> Document:
    content = {media_type: {"schema": {"type": "string"}}}
    return {"summary": summary, "responses": {"200": {"description": means, "content": content}}}


def _ready() -> Document:
    ready = {
        "description": "callers should come here",
        "content": {contract.JSON: {"schema": {"type": "object"}}},
    }
    return {"summary": "Is a model loaded?", "responses": {"200": ready, "503": _problem(_PROBLEMS["503"])}}


def _invocations(served: Served) -> Document:
    body: Document = {"schema": request_schema(served.signature)}
    example = example_request(served)
    if example is not None:
        body["example"] = example
    content: Document = {contract.JSON: body}
    if served.signature.inputs is None or not served.signature.inputs.is_tensor:
        content[contract.CSV] = {"schema": {"type": "string"}}
    content |= dict.fromkeys((STREAM, PARQUET), _BINARY)
    answer = {
        "type": "object",
        "required": ["predictions"],
        "properties": {"predictions": _predictions(served.signature.outputs)},
    }
    return {
        "summary": "Predict",
        "operationId": "invocations",
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": {
                "description": "The predictions",
                "content": {contract.JSON: {"schema": answer}, STREAM: _BINARY},
            },
            **{status: _problem(text) for status, text in _PROBLEMS.items()},
        },
    }


_BINARY: Document = {"schema": {"type": "string", "format": "binary"}}


def request_schema(signature: Signature) -> Document:
    """The JSON Schema of a body of ``/invocations``."""
    forms = _tensor_forms(signature.inputs) if _takes_tensors(signature) else _frame_forms(signature.inputs)
    params = {"params": _params(signature.params)} if signature.params else {}
    return {
        "oneOf": [
            {"type": "object", "title": name, "required": [name], "properties": {name: form, **params}}
            for name, form in forms.items()
        ]
    }


def _takes_tensors(signature: Signature) -> bool:
    return signature.inputs is not None and signature.inputs.is_tensor


def _frame_forms(schema: Schema | None) -> Document:
    record = _record(schema)
    names = [str(name) for name in schema.names] if schema else []
    split: Document = {
        "type": "object",
        "required": ["data"],
        "additionalProperties": False,
        "properties": {
            "columns": {"type": "array", "items": {"type": ["string", "integer"]}, "examples": [names]},
            "index": {"type": "array"},
            "data": {"type": "array", "items": {"type": "array"}},
        },
    }
    return {
        "dataframe_split": split,
        "dataframe_records": {"type": "array", "items": record},
        "instances": {"type": "array"},
        "inputs": {},
    }


def _record(schema: Schema | None) -> Document:
    if schema is None:
        return {"type": "object"}
    return {
        "type": "object",
        "required": [str(name) for name in schema.required_names],
        "properties": {
            str(name): column_schema(spec) for name, spec in zip(schema.names, schema.columns, strict=True)
        },
    }


def column_schema(spec: ColumnSpec) -> Document:
    """The JSON Schema of one cell of the column *spec*."""
    cell = _type(spec.type)
    # A missing number is NaN to the model, which a float column can hold even where it is required.
    missing = not spec.required or spec.type in (DataType.float, DataType.double)
    if missing and isinstance(cell.get("type"), str):
        return {**cell, "type": [cell["type"], "null"]}
    return cell


_SCALARS: dict[DataType, Document] = {
    DataType.boolean: {"type": "boolean"},
    DataType.integer: {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    DataType.long: {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    DataType.float: {"type": "number", "format": "float"},
    DataType.double: {"type": "number", "format": "double"},
    DataType.string: {"type": "string"},
    DataType.binary: {"type": "string", "contentEncoding": "base64"},
    DataType.datetime: {"type": "string", "description": "ISO 8601, such as 2024-01-31T12:00:00"},
}


def _type(kind: ColumnType) -> Document:
    match kind:
        case DataType():
            return dict(_SCALARS[kind])
        case Array():
            return {"type": "array", "items": _type(kind.items)}
        case Object():
            return {
                "type": "object",
                "properties": {member.name: _type(member.type) for member in kind.properties},
                "required": [member.name for member in kind.properties if member.required],
            }
        case Map():
            return {"type": "object", "additionalProperties": _type(kind.values)}
        case AnyType():
            return {}


def _tensor_forms(schema: Schema | None) -> Document:
    tensors = schema.tensors if schema else ()
    if len(tensors) == 1 and tensors[0].name is None:
        whole = tensor_schema(tensors[0])
        return {"inputs": whole, "instances": whole}
    by_name = {
        "type": "object",
        "required": [str(spec.name) for spec in tensors],
        "properties": {str(spec.name): tensor_schema(spec) for spec in tensors},
    }
    return {"inputs": by_name, "instances": {"type": "array"}}


def tensor_schema(spec: TensorSpec) -> Document:
    """The JSON Schema of the nested lists that make the tensor *spec*."""
    kinds = {"b": "boolean", "i": "integer", "u": "integer", "f": "number"}
    kind = kinds.get(spec.dtype.kind)
    inner: Document = {"type": kind} if kind else {}
    for length in reversed(spec.shape):
        sized = {} if length < 0 else {"minItems": length, "maxItems": length}
        inner = {"type": "array", "items": inner, **sized}
    return inner


def _params(params: tuple[ParamSpec, ...]) -> Document:
    properties = {}
    for param in params:
        kind = _type(param.type)
        if param.shape is not None:
            kind = {"type": "array", "items": kind}
        # As MLmodel has it: points in time are text there.
        properties[param.name] = {**kind, "default": param.to_json()["default"]}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _predictions(schema: Schema | None) -> Document:
    if schema is None:
        return {}
    if schema.is_tensor:
        return tensor_schema(schema.tensors[0]) if len(schema.tensors) == 1 else {}
    if len(schema.columns) == 1 and schema.columns[0].name is None:
        return {"type": "array", "items": column_schema(schema.columns[0])}
    return {"type": "array", "items": _record(schema)}


def example_request(served: Served) -> Any:
    """A body to try: the one saved with the model, else one made up from the signature, else None."""
    schema = served.signature.inputs
    return served.example if served.example is not None or schema is None else sample(schema)
