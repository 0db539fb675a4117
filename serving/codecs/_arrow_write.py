"""A model's answer as an Arrow stream."""

from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from modelpack.errors import shorten
from modelpack.schema import Schema
from serving.codecs._named import Named, named
from serving.errors import UnencodableResult

ONE_ANSWER = "predictions"
"""The column of an answer that is one array, as it is the key of the same answer in JSON."""


def write_stream(result: Any, outputs: Schema | None) -> bytes:
    """*result* as a stream of one record batch, see ``batch_of``. Raises UnencodableResult."""
    batch = batch_of(result, outputs)
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def batch_of(result: Any, outputs: Schema | None) -> pa.RecordBatch:
    """*result* as one record batch: a column for each of its own, or the one named ``predictions``.

    An array of several dimensions is a column of lists of fixed size. Raises UnencodableResult.
    """
    parts = named(result, outputs, _naming)
    lengths = {len(part.values) for part in parts}
    if len(lengths) > 1:
        raise UnencodableResult("the model's answer has no form in Arrow: its parts are of several lengths")
    arrays = [_array(part) for part in parts]
    return pa.RecordBatch.from_arrays(arrays, names=[part.name for part in parts])


def _naming(place: int, count: int) -> str:
    return ONE_ANSWER if count < 2 else str(place)


def _array(part: Named) -> pa.Array:
    flat = _flat(part.values.reshape(-1))
    for size in reversed(part.values.shape[1:]):
        flat = pa.FixedSizeListArray.from_arrays(flat, size)
    return flat


def _flat(values: np.ndarray) -> pa.Array:
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    plain = np.asarray(values)
    if plain.dtype.kind in "US":
        plain = plain.astype(object)
    if plain.dtype.kind == "O":
        return _objects(plain.tolist())
    if plain.dtype.kind == "M":
        plain = plain.astype("datetime64[ns]")
        mask = np.isnat(plain)
    plain = np.ascontiguousarray(plain)
    if plain.dtype.kind == "b":
        content = np.packbits(plain, bitorder="little")
    else:
        content = plain.astype(plain.dtype.newbyteorder("="), copy=False)
    # From the buffers, not by pa.array: that would load pandas wherever it is installed.
    holes = None if mask is None else pa.py_buffer(np.packbits(~mask, bitorder="little").tobytes())
    type_ = pa.from_numpy_dtype(plain.dtype)
    return pa.Array.from_buffers(type_, len(plain), [holes, pa.py_buffer(content.tobytes())])


def _objects(cells: list[Any]) -> pa.Array:
    kinds = {type(cell) for cell in cells} - {type(None)}
    if kinds <= {str}:
        return _texts([None if cell is None else cell.encode() for cell in cells], pa.large_string())
    if kinds == {bytes}:
        return _texts(cells, pa.large_binary())
    try:
        return pa.array(cells)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        met = shorten(str(error), 160)
        raise UnencodableResult(f"the model's answer has no form in Arrow: {met}") from error


def _texts(cells: list[bytes | None], type_: pa.DataType) -> pa.Array:
    ends = accumulate((len(cell or b"") for cell in cells), initial=0)
    offsets = np.fromiter(ends, dtype=np.int64, count=len(cells) + 1)
    holes = np.packbits([cell is not None for cell in cells], bitorder="little")
    content = b"".join(cell for cell in cells if cell is not None)
    buffers = [pa.py_buffer(one) for one in (holes.tobytes(), offsets.tobytes(), content)]
    return pa.Array.from_buffers(type_, len(cells), buffers)
