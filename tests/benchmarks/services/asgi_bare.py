"""The limit of an honest answer: orjson, ONNX Runtime, nothing checked."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import numpy as np
import onnxruntime
import orjson

Message = MutableMapping[str, Any]

_options = onnxruntime.SessionOptions()
_options.intra_op_num_threads = 1
_session = onnxruntime.InferenceSession(os.environ["BENCHMARK_ONNX"], _options)
_types = {
    one.name: np.dtype(object) if one.type == "tensor(string)" else np.dtype(np.float64)
    for one in _session.get_inputs()
}


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer a ``dataframe_split`` body whose columns stand in the model's order."""
    del scope
    message = await receive()
    body = message["body"]
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    rows = orjson.loads(body)["dataframe_split"]["data"]
    if len(_types) == 1:
        feed = {name: np.array(rows, kind) for name, kind in _types.items()}
    else:
        columns = zip(*rows, strict=True)
        feed = {
            name: np.array(column, kind)[:, None]
            for (name, kind), column in zip(_types.items(), columns, strict=True)
        }
    labels = _session.run(["label"], feed)[0]
    answer = orjson.dumps({"predictions": labels.tolist()})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
