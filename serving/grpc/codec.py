"""The messages of the Open Inference Protocol: a request in, its answer out."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from google.protobuf.message import (  # type: ignore[import-untyped]  # it publishes no types
    DecodeError,
)

from modelpack.schema import Signature, enforce_params
from serving.codecs import Payload, count_rows
from serving.codecs._v2_datatypes import BYTES, NUMPY
from serving.codecs._v2_facts import find
from serving.codecs._v2_inputs import model_input
from serving.codecs._v2_outputs import choose, content_type_of_result, output_tensors
from serving.codecs._v2_request import (
    InferRequest,
    Wanted,
    content_type_of,
    refuse_classification,
    refuse_shared_memory,
)
from serving.codecs._v2_tensors import (
    Tensor,
    bytes_of,
    objects,
    quote,
    read_datatype,
    read_shape,
    values_from_bytes,
)
from serving.errors import InvalidRequest
from serving.grpc import service_pb2 as messages
from serving.models import Served
from serving.settings import Coerce

_LISTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
}
"""Where a message keeps the values of a datatype; FP16 travels raw only."""


class GrpcCodec:
    """One call of ModelInfer to the model *served*, as bytes of its messages.

    The answer is raw, as Triton's always is, unless the request had its values in typed lists.
    """

    media_types: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, coerce: Coerce, depth_limit: int, served: Served | None = None) -> None:
        self._coerce = coerce
        self._depth_limit = depth_limit
        self._served = served
        self._request: InferRequest | None = None
        self._signature = Signature()
        self._raw = True

    def decode(self, body: bytes, signature: Signature) -> Payload:
        """Read *body*, a ModelInferRequest; raises InvalidRequest, SchemaMismatch and UnknownModel."""
        try:
            message = messages.ModelInferRequest.FromString(body)
        except DecodeError:
            raise InvalidRequest("this is no ModelInferRequest") from None
        if self._served is not None:
            find(self._served, message.model_name, message.model_version)
        self._raw = not any(one.HasField("contents") for one in message.inputs)
        request = _request(message)
        self._request, self._signature = request, signature
        data = model_input(request, signature.inputs, coerce=self._coerce, depth_limit=self._depth_limit)
        params = enforce_params(request.params(signature.params), signature.params, coerce=self._coerce)
        return Payload(data, params, count_rows(data))

    def encode(self, result: Any) -> bytes:
        """*result* as a ModelInferResponse; raises InvalidRequest and UnencodableResult."""
        request = self._request
        if request is None:
            raise RuntimeError("an answer is encoded by the codec that has decoded its request")
        tensors = [tensor for tensor, _ in choose(output_tensors(result, self._signature.outputs), request)]
        answer = messages.ModelInferResponse(id=request.id)
        if self._served is not None:
            answer.model_name = self._served.source.name
            answer.model_version = self._served.source.version
        answer.parameters["content_type"].string_param = content_type_of_result(result)
        raw = self._raw or any(tensor.datatype not in _LISTS for tensor in tensors)
        for tensor in tensors:
            output = answer.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
            if tensor.content_type:
                output.parameters["content_type"].string_param = tensor.content_type
            content = bytes_of(tensor)
            if raw:
                answer.raw_output_contents.append(content)
            else:
                getattr(output.contents, _LISTS[tensor.datatype]).extend(_listed(tensor))
        return bytes(answer.SerializeToString())


def _request(message: Any) -> InferRequest:
    parameters = _parameters(message.parameters)
    raw: Sequence[bytes] = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        raise InvalidRequest(f"there are {len(raw)} raw_input_contents for {len(message.inputs)} inputs")
    return InferRequest(
        inputs=tuple(_input(one, raw[place] if raw else None) for place, one in enumerate(message.inputs)),
        id=message.id,
        content_type=content_type_of(parameters, "the request"),
        outputs=tuple(_output(one) for one in message.outputs),
        parameters=parameters,
    )


def _input(message: Any, raw: bytes | None) -> Tensor:
    name = message.name
    if not name:
        raise InvalidRequest("every input must have a name")
    parameters = _parameters(message.parameters)
    refuse_shared_memory(parameters)
    content_type = content_type_of(parameters, f"input {quote(name)}")
    datatype = read_datatype(message.datatype, name)
    shape = read_shape(list(message.shape), name)
    if raw is None:
        values = _values_from_list(message.contents, datatype, shape, name)
    elif message.HasField("contents"):
        raise InvalidRequest(f"input {quote(name)} has both contents and raw_input_contents")
    else:
        values = values_from_bytes(raw, datatype, shape, name=name)
    return Tensor(name, datatype, values, content_type)


def _values_from_list(contents: Any, datatype: str, shape: tuple[int, ...], name: str) -> np.ndarray:
    filled = [field.name for field, _ in contents.ListFields()]
    wanted = _LISTS.get(datatype)
    if wanted is None:
        raise InvalidRequest(
            f"input {quote(name)} must be in raw_input_contents, as its datatype is {datatype}"
        )
    if filled not in ([], [wanted]):
        raise InvalidRequest(f"input {quote(name)} must have {wanted} alone, as its datatype is {datatype}")
    given = getattr(contents, wanted)
    size = math.prod(shape)
    if len(given) != size:
        raise InvalidRequest(f"input {quote(name)} has {len(given)} values; its shape needs {size}")
    if datatype == BYTES:
        return objects(list(given)).reshape(shape)
    wide = np.array(given, dtype=_WIDE.get(wanted, NUMPY[datatype]))
    values = wide.astype(NUMPY[datatype])
    if wide.dtype != values.dtype and not bool((wide == values).all()):
        raise InvalidRequest(f"a value of input {quote(name)} is beyond {datatype}")
    return values.reshape(shape)


_WIDE = {"int_contents": np.dtype("int32"), "uint_contents": np.dtype("uint32")}


def _listed(tensor: Tensor) -> list[Any]:
    values = tensor.values.ravel().tolist()
    return (
        [one.encode() if isinstance(one, str) else one for one in values]
        if tensor.datatype == BYTES
        else values
    )


def _output(message: Any) -> Wanted:
    if not message.name:
        raise InvalidRequest("every output must have a name")
    parameters = _parameters(message.parameters)
    refuse_shared_memory(parameters)
    refuse_classification(parameters)
    return Wanted(message.name, binary=True)


def _parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {}
    for name, one in given.items():
        choice = one.WhichOneof("parameter_choice")
        if choice is None:
            raise InvalidRequest(f"the parameter {quote(name)} has no value")
        parameters[name] = getattr(one, choice)
    return parameters
