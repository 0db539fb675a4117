"""The bodies of the Open Inference Protocol over HTTP: JSON, and raw tensors behind it."""

from typing import Any, ClassVar

import orjson

from modelpack.schema import Signature, enforce_params
from serving import contract
from serving.codecs import Payload, count_rows
from serving.codecs._v2_inputs import model_input
from serving.codecs._v2_json import read_request
from serving.codecs._v2_outputs import choose, content_type_of_result, output_tensors
from serving.codecs._v2_request import InferRequest
from serving.codecs._v2_tensors import Tensor, bytes_of, json_of
from serving.settings import Coerce

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY


class V2Codec:
    """One request, and the answer to it.

    *model* and *version* are what the answer says it comes from. The first *header_length* bytes of the body
    are JSON, or all of them when it is None. After ``encode``, *answer_header_length* tells the same of the
    answer.
    """

    media_types: ClassVar[tuple[str, ...]] = (contract.JSON, "application/octet-stream")

    def __init__(
        self,
        *,
        coerce: Coerce,
        depth_limit: int,
        model: str = "",
        version: str = "",
        header_length: int | None = None,
    ) -> None:
        self._coerce = coerce
        self._depth_limit = depth_limit
        self._model = model
        self._version = version
        self._header_length = header_length
        self._request: InferRequest | None = None
        self._signature = Signature()
        self.answer_header_length: int | None = None

    def decode(self, body: bytes, signature: Signature) -> Payload:
        """Read *body* and hold it to *signature*; raises InvalidRequest or SchemaMismatch."""
        request = read_request(
            body, header_length=self._header_length, coerce=self._coerce, depth_limit=self._depth_limit
        )
        self._request, self._signature = request, signature
        data = model_input(request, signature.inputs, coerce=self._coerce, depth_limit=self._depth_limit)
        params = enforce_params(request.params(signature.params), signature.params, coerce=self._coerce)
        return Payload(data, params, count_rows(data))

    def encode(self, result: Any) -> bytes:
        """*result* in the form that the request asked for; raises InvalidRequest and UnencodableResult."""
        request = self._request
        if request is None:
            raise RuntimeError("an answer is encoded by the codec that has decoded its request")
        raw: list[bytes] = []
        outputs = [
            _raw_output(tensor, raw) if binary else _json_output(tensor)
            for tensor, binary in choose(output_tensors(result, self._signature.outputs), request)
        ]
        head = {
            "model_name": self._model,
            **({"model_version": self._version} if self._version else {}),
            **({"id": request.id} if request.id else {}),
            "parameters": {"content_type": content_type_of_result(result)},
            "outputs": outputs,
        }
        text = orjson.dumps(head, option=_OPTIONS)
        self.answer_header_length = len(text) if any(_is_raw(output) for output in outputs) else None
        return b"".join([text, *raw])


def _json_output(tensor: Tensor) -> dict[str, Any]:
    content_type, data = json_of(tensor)
    return _output(tensor, {"content_type": content_type}, {"data": data})


def _raw_output(tensor: Tensor, raw: list[bytes]) -> dict[str, Any]:
    content = bytes_of(tensor)
    raw.append(content)
    facts = {"content_type": tensor.content_type} if tensor.content_type else {}
    return _output(tensor, {**facts, "binary_data_size": len(content)}, {})


def _output(tensor: Tensor, parameters: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    shape = list(tensor.shape)
    return {
        "name": tensor.name,
        "shape": shape,
        "datatype": tensor.datatype,
        "parameters": parameters,
        **data,
    }


def _is_raw(output: dict[str, Any]) -> bool:
    return "binary_data_size" in output["parameters"]
