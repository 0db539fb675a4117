"""Requests of the Open Inference Protocol, for tests to make."""

import json
import struct
from typing import Any

import pytest

from modelpack.errors import SchemaMismatch
from modelpack.schema import (
    ColumnSpec,
    Schema,
    Signature,
)
from serving.codecs.v2 import V2Codec
from serving.errors import InvalidRequest

ANY = Signature()


def codec(header_length: int | None = None, **more: Any) -> V2Codec:
    settings = {"coerce": "lossless", "depth_limit": 64, "model": "m", "version": "3", **more}
    return V2Codec(header_length=header_length, **settings)


def tensor(
    name: str, datatype: str, data: Any, shape: list[int] | None = None, **parameters: Any
) -> dict[str, Any]:
    one = {"name": name, "datatype": datatype, "shape": [len(data)] if shape is None else shape, "data": data}
    return {**one, "parameters": parameters} if parameters else one


def read(inputs: Any, signature: Signature = ANY, *, coerce: str = "lossless", **more: Any) -> Any:
    """What the model gets for *inputs*."""
    body = json.dumps({"inputs": inputs, **more}).encode()
    return codec(coerce=coerce).decode(body, signature).data


def refusal(inputs: Any, signature: Signature = ANY, **more: Any) -> str:
    with pytest.raises((InvalidRequest, SchemaMismatch)) as raised:
        read(inputs, signature, **more)
    assert len(str(raised.value)) <= 300
    return str(raised.value)


def columns(*specs: Any, outputs: Schema | None = None) -> Signature:
    return Signature(
        inputs=Schema(tuple(ColumnSpec(type_, name, required=required) for name, type_, required in specs)),
        outputs=outputs,
    )


def binary(inputs: list[tuple[str, str, list[int], bytes]], **more: Any) -> tuple[bytes, int]:
    """A body with raw tensors, and the length of its JSON."""
    described = [
        {"name": n, "datatype": d, "shape": s, "parameters": {"binary_data_size": len(raw)}}
        for n, d, s, raw in inputs
    ]
    head = json.dumps({"inputs": described, **more}).encode()
    return head + b"".join(raw for *_, raw in inputs), len(head)


def length_prefixed(*texts: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)
