"""Bodies of columns for tests, and what may come of mutilated ones."""

import ctypes
import io
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import ipc, parquet

from modelpack.errors import SchemaMismatch
from modelpack.schema import ColumnSpec, DataType, Schema, Signature
from serving.codecs import Codec
from serving.codecs.arrow import ArrowCodec, ParquetCodec
from serving.errors import BodyTooLarge, InvalidRequest

STREAM = ArrowCodec(coerce="lossless", depth_limit=64)
FILE = ParquetCodec(coerce="lossless", depth_limit=64)


def stream(table: pa.Table, *, packed: str | None = None, rows: int | None = None) -> bytes:
    """*table* as an Arrow stream, in batches of so many *rows*."""
    sink = io.BytesIO()
    with ipc.new_stream(sink, table.schema, options=ipc.IpcWriteOptions(compression=packed)) as writer:
        for batch in table.to_batches(max_chunksize=rows):
            writer.write_batch(batch)
    return sink.getvalue()


def file(table: pa.Table, **how: Any) -> bytes:
    """*table* as a Parquet file."""
    sink = io.BytesIO()
    parquet.write_table(table, sink, **how)
    return sink.getvalue()


EVERYTHING = pa.table(
    {
        "double": [0.5, None, -1e300],
        "long": pa.array([1, 2**62, None], "int64"),
        "text": ["a", None, "é" * 20],
        "category": pa.array(["u", "v", "u"]).dictionary_encode(),
        "binary": [b"\x00", b"", None],
        "claim": [True, None, False],
        "moment": pa.array([0, 10**18, None], pa.timestamp("ns")),
        "list": [[1, 2], [], None],
        "object": [{"k": 1, "w": "x"}, {"k": None, "w": ""}, None],
        "fixed": pa.array([[1.0, 2.0]] * 3, pa.list_(pa.float64(), 2)),
    }
)
NUMBERS = pa.table({"a": np.arange(50.0), "b": np.arange(50)})
SIGNATURES = (
    Signature(),
    Signature(inputs=Schema((ColumnSpec(DataType.double, "a"), ColumnSpec(DataType.long, "b")))),
    Signature(inputs=Schema((ColumnSpec(DataType.string, "text", required=False),))),
)


def seeds() -> list[tuple[Codec, bytes]]:
    """Sound bodies, to be mutilated."""
    streams = [
        stream(one, packed=packed, rows=2)
        for one in (EVERYTHING, NUMBERS)
        for packed in (None, "lz4", "zstd")
    ]
    files = [
        file(EVERYTHING),
        file(NUMBERS, compression="none", use_dictionary=False),
        file(NUMBERS, compression="gzip", data_page_version="2.0"),
        file(EVERYTHING.select(["text", "category", "list"]), compression="zstd", row_group_size=1),
    ]
    return [*((STREAM, body) for body in streams), *((FILE, body) for body in files)]


def mutilated(body: bytes, chance: np.random.Generator) -> bytes:
    """*body* with some bytes changed, moved, cut out or put in."""
    content = bytearray(body)
    for _ in range(int(chance.integers(1, 6))):
        place = int(chance.integers(0, len(content) + 1))
        match int(chance.integers(0, 6)):
            case 0 | 1:
                content[place : place + 1] = chance.bytes(1)
            case 2:
                edge = (0, 1, -1, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 2**40)[int(chance.integers(0, 8))]
                content[place : place + 8] = edge.to_bytes(8, "little", signed=True)
            case 3:
                del content[place : place + int(chance.integers(1, 64))]
            case 4:
                content[place:place] = chance.bytes(int(chance.integers(1, 16)))
            case 5:
                start = int(chance.integers(0, len(content) + 1))
                content[place : place + 8] = content[start : start + 8]
    return bytes(content)


def complaint(codec: Codec, body: bytes, signature: Signature) -> str | None:
    """With what *body* is refused; None when it is not."""
    try:
        codec.decode(body, signature)
    except (InvalidRequest, BodyTooLarge, SchemaMismatch) as error:
        return str(error)
    return None


def main(seed: int, count: int, crash: bool) -> None:
    """Decode *count* mutilated bodies and print how many were refused; with *crash* end by a bad address."""
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    chance = np.random.default_rng(seed)
    sound = seeds()
    refused = 0
    for number in range(count):
        codec, body = sound[number % len(sound)]
        said = complaint(codec, mutilated(body, chance), SIGNATURES[number // len(sound) % len(SIGNATURES)])
        assert said is None or len(said) <= 300, said
        refused += said is not None
    if crash:
        ctypes.string_at(8)
    print(refused)


def peak(body: bytes, which: str) -> None:
    """Print by how many MiB decoding *body* raises the most memory this process had, and what it said."""
    codec: Codec = STREAM if which == "stream" else FILE
    complaint(codec, stream(NUMBERS) if which == "stream" else file(NUMBERS), Signature())
    before = _most()
    said = complaint(codec, body, Signature())
    print(_most() - before >> 10, said or "taken")


def _most() -> int:
    # Not by getrusage, which in a child begins with the most that its parent had.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def by_name(columns: Mapping[str, Any]) -> bytes:
    """*columns* as an Arrow stream."""
    return stream(pa.table(dict(columns)))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["peak", which]:
            peak(sys.stdin.buffer.read(), which)
        case [seed, count, *more]:
            main(int(seed), int(count), bool(more))
