"""Inference requests as HTTP carries them: a JSON object, and raw tensors behind it."""

from typing import Any

from modelpack.errors import shorten
from modelpack.schema import Coerce
from serving.codecs import _strict
from serving.codecs._v2_request import (
    InferRequest,
    Wanted,
    content_type_of,
    refuse_classification,
    refuse_shared_memory,
)
from serving.codecs._v2_tensors import (
    Tensor,
    quote,
    read_datatype,
    read_shape,
    values_from_bytes,
    values_from_json,
)
from serving.errors import InvalidRequest


def read_request(body: bytes, *, header_length: int | None, coerce: Coerce, depth_limit: int) -> InferRequest:
    """*body*, of which the first *header_length* bytes are JSON, or all of them.

    The form is the binary tensor data extension of Triton and KServe. Raises InvalidRequest and
    SchemaMismatch.
    """
    if header_length is not None and not 0 < header_length <= len(body):
        raise InvalidRequest(
            f"Inference-Header-Content-Length must be from 1 to the {len(body)} bytes of the body"
        )
    head = body[:header_length]
    request = _strict.parse(head, depth_limit=depth_limit)
    if not isinstance(request, dict):
        raise InvalidRequest("the request must be a JSON object with inputs")
    raw = _Raw(memoryview(body)[len(head) :])
    parameters = _object(request, "parameters", "the request")
    binary = _flag(parameters, "binary_data_output")
    inputs = tuple(_input(one, raw, coerce) for one in _objects(request, "inputs"))
    raw.check_end()
    return InferRequest(
        inputs=inputs,
        id=_id(request),
        content_type=content_type_of(parameters, "the request"),
        outputs=tuple(_output(one, binary) for one in _objects(request, "outputs")),
        binary=binary,
        parameters=parameters,
    )


class _Raw:
    """The bytes behind the JSON, taken from the front."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._place = 0

    def take(self, size: Any, name: str) -> memoryview:
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise InvalidRequest(f"binary_data_size of input {quote(name)} must be a whole number from 0 up")
        left = len(self._content) - self._place
        if size > left:
            raise InvalidRequest(
                f"input {quote(name)} should have {shorten(str(size), 30)} raw bytes; {left} are left"
            )
        self._place += size
        return self._content[self._place - size : self._place]

    def check_end(self) -> None:
        left = len(self._content) - self._place
        if left:
            raise InvalidRequest(f"{left} bytes stand behind the last raw tensor")


def _input(one: dict[str, Any], raw: _Raw, coerce: Coerce) -> Tensor:
    name = _name(one, "input")
    parameters = _object(one, "parameters", f"input {quote(name)}")
    refuse_shared_memory(parameters)
    content_type = content_type_of(parameters, f"input {quote(name)}")
    datatype = read_datatype(one.get("datatype"), name)
    shape = read_shape(one.get("shape"), name)
    if "binary_data_size" not in parameters:
        values = values_from_json(one.get("data"), datatype, shape, name=name, coerce=coerce)
    elif one.get("data") is not None:
        raise InvalidRequest(f"input {quote(name)} has both data and binary_data_size")
    else:
        content = raw.take(parameters["binary_data_size"], name)
        values = values_from_bytes(content, datatype, shape, name=name)
    return Tensor(name, datatype, values, content_type)


def _output(one: dict[str, Any], binary: bool) -> Wanted:
    name = _name(one, "output")
    parameters = _object(one, "parameters", f"output {quote(name)}")
    refuse_shared_memory(parameters)
    refuse_classification(parameters)
    return Wanted(name, _flag(parameters, "binary_data") if "binary_data" in parameters else binary)


def _name(one: dict[str, Any], what: str) -> str:
    name = one.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidRequest(f"every {what} must have a name: text that is not empty")
    return name


def _id(request: dict[str, Any]) -> str:
    given = request.get("id")
    if given is not None and not isinstance(given, str):
        raise InvalidRequest("the id of the request must be text")
    return given or ""


def _flag(parameters: dict[str, Any], name: str) -> bool:
    given = parameters.get(name, False)
    if not isinstance(given, bool):
        raise InvalidRequest(f"{name} must be true or false")
    return given


def _object(holder: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    given = holder.get(key)
    if given is not None and not isinstance(given, dict):
        raise InvalidRequest(f"the {key} of {where} must be a JSON object")
    return given or {}


def _objects(request: dict[str, Any], key: str) -> list[dict[str, Any]]:
    given = request.get(key)
    if given is None:
        return []
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise InvalidRequest(f"{key} must be a list of JSON objects")
    return given
