"""Codecs: bytes of a media type, in and out."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from modelpack import plugins
from modelpack.schema import Signature, Table
from serving.settings import Coerce


@dataclass(frozen=True, slots=True)
class Payload:
    """A request that keeps its signature: what the model takes, its parameters, how many rows there are."""

    data: Any
    params: dict[str, Any]
    rows: int


class Codec(Protocol):
    """Bytes of one kind, in and out. Knows formats, not models."""

    media_types: ClassVar[tuple[str, ...]]

    def __init__(self, *, coerce: Coerce, depth_limit: int) -> None: ...

    def decode(self, body: bytes, signature: Signature) -> Payload:
        """Read *body* and hold it to *signature*; raises InvalidRequest or SchemaMismatch."""
        ...

    def encode(self, result: Any) -> bytes:
        """What the model answered, as bytes of ``application/json``; raises UnencodableResult."""
        ...


CODECS: plugins.Table[type[Codec]] = plugins.Table(
    "codec",
    group="serving.codecs",
    builtins={
        "json": "serving.codecs.json:JsonCodec",
        "csv": "serving.codecs.csv:CsvCodec",
        "arrow": "serving.codecs.arrow:ArrowCodec",
        "parquet": "serving.codecs.arrow:ParquetCodec",
    },
)


def by_media_type(*, coerce: Coerce, depth_limit: int) -> dict[str, Codec]:
    """Every codec, under each lower-case media type that it reads."""
    made = [CODECS[name](coerce=coerce, depth_limit=depth_limit) for name in CODECS]
    return {media_type: codec for codec in made for media_type in codec.media_types}


def is_quick(codec: Codec) -> bool:
    """Whether a small body takes *codec* little time; so it is unless the codec has ``quick = False``."""
    return bool(getattr(codec, "quick", True))


def count_rows(data: Any) -> int:
    """How many rows the model is asked for; 1 for what has no rows."""
    if isinstance(data, Table):
        return data.rows
    if isinstance(data, np.ndarray):
        return len(data) if data.ndim else 1
    if isinstance(data, dict):
        return max((count_rows(part) for part in data.values()), default=0)
    return len(data) if isinstance(data, list) else 1
