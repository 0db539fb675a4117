"""What a model answers, as tensors of the Open Inference Protocol."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from modelpack.errors import shorten
from modelpack.schema import Schema, Table
from serving.codecs._answer import simplify
from serving.codecs._named import named
from serving.codecs._v2_datatypes import ARRAY, BYTES, CELLS, FRAME, MOMENTS, TENSORS, TEXT, datatype_of
from serving.codecs._v2_request import InferRequest, Wanted
from serving.codecs._v2_tensors import Tensor, objects, quote
from serving.errors import InvalidRequest, UnencodableResult

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_SERIALIZE_NUMPY


def unnamed_output(place: int, count: int) -> str:
    """What an output is called that nobody named, as with MLServer and KServe."""
    del count
    return f"output-{place}"


def output_tensors(result: Any, outputs: Schema | None) -> list[Tensor]:
    """A tensor for each column of a frame and each item of a dict, or the one that *result* is.

    Its shape is the array's own. Times are ISO 8601 text, lists and objects JSON text. Raises
    UnencodableResult.
    """
    return [_tensor(part.name, part.values) for part in named(result, outputs, unnamed_output)]


def content_type_of_result(result: Any) -> str:
    """MLServer's word for *result*, by which its clients put the tensors together again."""
    if isinstance(result, dict):
        return TENSORS
    return FRAME if isinstance(result, Table) or type(result).__name__ == "DataFrame" else ARRAY


def choose(tensors: Sequence[Tensor], request: InferRequest) -> list[tuple[Tensor, bool]]:
    """The tensors that *request* wants, and whether each is to be raw; raises InvalidRequest."""
    by_name = {tensor.name: tensor for tensor in tensors}
    wanted = request.outputs or [Wanted(name, request.binary) for name in by_name]
    for one in wanted:
        if one.name not in by_name:
            known = shorten(", ".join(by_name), 100)
            raise InvalidRequest(f"there is no output {quote(one.name)}; there are {known}")
    return [(by_name[one.name], one.binary) for one in wanted]


def _tensor(name: str, values: np.ndarray) -> Tensor:
    datatype = datatype_of(values.dtype)
    if datatype != BYTES:
        return Tensor(name, datatype, values, ARRAY)
    if values.dtype.kind == "M":
        texts = np.asarray(np.datetime_as_string(values), dtype=object)
        texts[np.isnat(values)] = None
        return Tensor(name, BYTES, texts, MOMENTS)
    cells = values.ravel().tolist()
    kinds = {type(cell) for cell in cells} - {type(None)}
    if kinds <= {str}:
        return Tensor(name, BYTES, objects(cells).reshape(values.shape), TEXT)
    if kinds == {bytes}:
        return Tensor(name, BYTES, objects(cells).reshape(values.shape))
    texts = objects([None if cell is None else _json(cell) for cell in cells])
    return Tensor(name, BYTES, texts.reshape(values.shape), CELLS)


def _json(cell: Any) -> str:
    try:
        return orjson.dumps(cell, default=simplify, option=_OPTIONS).decode()
    except orjson.JSONEncodeError as error:
        raise UnencodableResult(f"the model's answer has no form in JSON: {error}") from error
