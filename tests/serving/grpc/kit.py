"""Calls of the service, message by message."""

import contextlib
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np

from serving.grpc import service_pb2 as messages
from serving.grpc.service import SERVICE

ANSWERS = {
    "ServerLive": messages.ServerLiveResponse,
    "ServerReady": messages.ServerReadyResponse,
    "ModelReady": messages.ModelReadyResponse,
    "ServerMetadata": messages.ServerMetadataResponse,
    "ModelMetadata": messages.ModelMetadataResponse,
    "ModelInfer": messages.ModelInferResponse,
}


class Caller:
    """Somebody with one connection to a server."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel

    def ask(self, method: str, message: Any = b"", **how: Any) -> Any:
        """The answer to *message*; raises grpc.RpcError."""
        return self.start(method, message, **how).result()

    def start(self, method: str, message: Any = b"", *, timeout: float = 30.0, **how: Any) -> Any:
        """A call under way."""
        content = message if isinstance(message, bytes) else message.SerializeToString()
        call = self.channel.unary_unary(
            f"/{SERVICE}/{method}",
            response_deserializer=ANSWERS[method].FromString if method in ANSWERS else None,
        )
        return call.future(content, timeout=timeout, **how)

    def refused(self, method: str, message: Any = b"", **how: Any) -> tuple[str, str]:
        """The status and the words with which *message* is refused."""
        try:
            answer = self.ask(method, message, **how)
        except grpc.RpcError as error:
            return error.code().name, error.details()
        raise AssertionError(f"answered {answer}")


@contextlib.contextmanager
def calling(port: int, **options: int) -> Iterator[Caller]:
    """A connection to the server at *port* of this machine."""
    settings = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
    settings += [(f"grpc.{name}", value) for name, value in options.items()]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=settings) as channel:
        yield Caller(channel)


def request(inputs: dict[str, np.ndarray], *, model: str = "magic", **more: Any) -> Any:
    """A ModelInferRequest with raw tensors."""
    names = {"f4": "FP32", "f8": "FP64", "i4": "INT32", "i8": "INT64"}
    message = messages.ModelInferRequest(model_name=model, **more)
    for name, values in inputs.items():
        message.inputs.add(name=name, datatype=names[values.dtype.str[1:]], shape=values.shape)
        message.raw_input_contents.append(values.tobytes())
    return message


def pair(a: float, b: float) -> Any:
    """What the model ``magic`` of tests.serving takes: one row."""
    return request({"a": np.array([a], dtype=float), "b": np.array([b], dtype=float)})


def number(answer: Any) -> float:
    """The one number in *answer*."""
    (content,), (output,) = answer.raw_output_contents, answer.outputs
    (value,) = np.frombuffer(content, {"FP64": "f8", "INT64": "i8"}[output.datatype]).tolist()
    return float(value)
