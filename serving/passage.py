"""How one request comes through: with whom, and when each part of the work on it begins and ends."""

import time
from contextvars import Context
from dataclasses import dataclass
from typing import Any, ClassVar

from modelpack.schema import Signature
from serving.codecs import Codec, Payload

clock = time.perf_counter
"""Seconds; every moment of a passage is one of these."""


@dataclass(slots=True)
class Passage:
    """How one caller came through: in a call with so many *requests*, after so many *seconds* of waiting.

    The rest are moments, 0.0 for what has not come: reading the body, entering the line before the threads,
    leaving it, the call of the model, writing the answer. *context* is what code of the model may ask for.
    """

    requests: int = 1
    seconds: float = 0.0
    decode: float = 0.0
    decoded: float = 0.0
    entered: float = 0.0
    left: float = 0.0
    predict: float = 0.0
    predicted: float = 0.0
    encode: float = 0.0
    encoded: float = 0.0
    context: Context | None = None


class Timed:
    """What *codec* does, and in *passage* how long that takes."""

    media_types: ClassVar[tuple[str, ...]] = ()

    def __init__(self, codec: Codec, passage: Passage) -> None:
        self._codec = codec
        self._passage = passage

    def decode(self, body: bytes, signature: Signature) -> Payload:
        """As the codec."""
        self._passage.decode = clock()
        try:
            return self._codec.decode(body, signature)
        finally:
            self._passage.decoded = clock()

    def encode(self, result: Any) -> bytes:
        """As the codec."""
        self._passage.encode = clock()
        try:
            return self._codec.encode(result)
        finally:
            self._passage.encoded = clock()
