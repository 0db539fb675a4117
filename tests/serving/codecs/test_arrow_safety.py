"""No body of columns ends the process, or takes more memory than it should."""

import io
import struct
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import ipc

from modelpack.schema import Signature
from serving.codecs._limits import Limits
from tests.serving.codecs.columnar import FILE, STREAM, complaint, file, stream

SEED = 20240131
_CHILD = [sys.executable, "-m", "tests.serving.codecs.columnar"]


@pytest.mark.parametrize("part", range(4))
def test_no_mutilated_body_does_worse_than_to_be_refused(part: int) -> None:
    print(f"seed {SEED + part}")
    done = subprocess.run([*_CHILD, str(SEED + part), "500"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    # The mutilations go deep enough to matter, and not so deep that nothing is ever read.
    assert 150 < int(done.stdout) < 500


def test_the_same_way_to_ask_sees_a_crash() -> None:
    done = subprocess.run([*_CHILD, str(SEED), "10", "crash"], capture_output=True, text=True, check=False)
    assert done.returncode < 0


def bomb(column: pa.Array, packed: str | None = "zstd") -> bytes:
    return stream(pa.table({"a": column}), packed=packed)


def repeated(batch: pa.RecordBatch, count: int) -> bytes:
    sink = io.BytesIO()
    with ipc.new_stream(sink, batch.schema, options=ipc.IpcWriteOptions(compression="zstd")) as writer:
        for _ in range(count):
            writer.write_batch(batch)
    return sink.getvalue()


def zeros() -> pa.Array:
    return pa.array(np.zeros(40 << 20))


def lists_of_nothing() -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(np.zeros(9 << 20, "int32")), pa.array([], pa.int64()))


def one_text() -> pa.Array:
    return pa.DictionaryArray.from_arrays(np.zeros(8 << 20, "int8"), ["x" * 1000])


# Made when they are needed: they are large before they are packed.
BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "zeros, packed": ("stream", lambda: bomb(zeros())),
    "zeros, packed otherwise": ("stream", lambda: bomb(zeros(), "lz4")),
    "nulls": ("stream", lambda: bomb(pa.nulls(1 << 24), None)),
    "texts": ("stream", lambda: bomb(pa.array([""] * (4 << 20)))),
    "lists of nothing": ("stream", lambda: bomb(lists_of_nothing())),
    "a dictionary used often": ("stream", lambda: bomb(one_text())),
    "batches": ("stream", lambda: repeated(pa.record_batch({"a": np.zeros(1 << 18)}), 200)),
    "a file of zeros": ("file", lambda: file(pa.table({"a": zeros()}), compression="zstd")),
    "a file of one text": ("file", lambda: file(pa.table({"a": pa.array(["x" * 100] * (3 << 20))}))),
    "a file of zeros, plain": (
        "file",
        lambda: file(pa.table({"a": zeros()}), compression="gzip", use_dictionary=False),
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_goes_off(name: str) -> None:
    which, make = BOMBS[name]
    body = make()
    assert len(body) < 2 << 20
    done = subprocess.run([*_CHILD, "peak", which], input=body, capture_output=True, check=True)
    grown, said = done.stdout.decode().split(maxsplit=1)
    assert "send fewer rows" in said
    assert int(grown) < 64


def test_the_same_measure_sees_what_is_let_in() -> None:
    body = bomb(pa.array(np.ones(1 << 20)))
    texts = bomb(pa.array(["x" * 50 + str(number) for number in range(1 << 19)]), None)
    for one, least in ((body, 6), (texts, 40)):
        done = subprocess.run([*_CHILD, "peak", "stream"], input=one, capture_output=True, check=True)
        grown, said = done.stdout.decode().split(maxsplit=1)
        assert said.strip() == "taken"
        assert int(grown) >= least


def test_rows_without_columns_are_counted_too() -> None:
    empty = pa.RecordBatch.from_struct_array(pa.array([{}] * 100, pa.struct([])))
    sink = io.BytesIO()
    with ipc.new_stream(sink, empty.schema) as writer:
        writer.write_batch(empty)
    sound = sink.getvalue()
    assert complaint(STREAM, sound, Signature()) is None
    assert sound.count(struct.pack("<q", 100)) == 1
    many = sound.replace(struct.pack("<q", 100), struct.pack("<q", 2**40))
    assert "cells" in (complaint(STREAM, many, Signature()) or "")


def test_what_claims_more_than_there_is_is_refused() -> None:
    body = stream(pa.table({"a": np.arange(4.0)}))
    for claimed in (2**31, 2**62, -1):
        lying = body.replace(struct.pack("<q", 4), struct.pack("<q", claimed))
        assert lying != body
        assert complaint(STREAM, lying, Signature()) is not None
    for cut in range(0, len(body) - 8, 7):
        assert complaint(STREAM, body[:cut], Signature()) is not None, cut
    whole = file(pa.table({"a": np.arange(4.0)}))
    for cut in range(0, len(whole) - 1, 7):
        assert complaint(FILE, whole[:cut], Signature()) is not None, cut


def test_a_large_body_may_be_as_large_as_it_is() -> None:
    limits = Limits.of(bytes(100 << 20))
    limits.check(size=100 << 20, cells=100 << 20)
    small = Limits.of(b"")
    small.check(size=64 << 20, cells=1 << 20)
