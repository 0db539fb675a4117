"""Arrow and Parquet files of any length, as tables of Arrow with so many rows each."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import ipc

from serving.codecs._arrow_read import Plan, checked, chosen, open_parquet, refused

_FILE_MAGIC = b"ARROW1"


def arrow_tables(source: Path | bytes, wanted: Collection[str] | int | None, rows: int) -> Iterator[pa.Table]:
    """The *wanted* columns of an Arrow file (Feather) or stream, at most *rows* at a time.

    Raises InvalidRequest.
    """
    with refused("Arrow"), _opened(source) as file:
        is_file = file.read(len(_FILE_MAGIC)) == _FILE_MAGIC
        file.seek(0)
        options = ipc.IpcReadOptions(use_threads=False)
        if is_file:
            opened = ipc.open_file(file, options=options)
            batches = (opened.get_batch(number) for number in range(opened.num_record_batches))
        else:
            opened = ipc.open_stream(file, options=options)
            batches = iter(opened)
        places = chosen(opened.schema, wanted)
        for table in _even(batches, opened.schema, rows):
            yield checked(table.select(places))


def parquet_tables(
    source: Path | bytes, wanted: Collection[str] | int | None, rows: int
) -> Iterator[pa.Table]:
    """The *wanted* columns of a Parquet file, at most *rows* at a time. Raises InvalidRequest."""
    with refused("Parquet"), _opened(source) as first, _opened(source) as again:
        plan = Plan.of(open_parquet(first), wanted)
        file = open_parquet(again, plan.texts)
        most = max(1, min(rows, file.metadata.num_rows))
        batches = file.iter_batches(batch_size=most, columns=plan.names, use_threads=False)
        schema = file.schema_arrow
        picked = pa.schema([schema.field(schema.names.index(name)) for name in plan.names])
        for table in _even(batches, picked, rows):
            yield checked(table.select(plan.names))


def _opened(source: Path | bytes) -> pa.NativeFile:
    # Not mapped into memory: where a mapped file is cut short meanwhile, the process is killed.
    return pa.BufferReader(source) if isinstance(source, bytes) else pa.OSFile(str(source))


def _even(batches: Iterable[pa.RecordBatch], schema: pa.Schema, rows: int) -> Iterator[pa.Table]:
    """The rows of *batches* in tables of *rows* rows, the last one shorter; one table if there are none."""
    waiting: list[pa.RecordBatch] = []
    count = total = 0
    for batch in batches:
        waiting.append(batch)
        count += batch.num_rows
        total += batch.num_rows
        while count >= rows:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, rows)
            rest = table.slice(rows)
            waiting, count = rest.to_batches(), rest.num_rows
    if count or not total:
        yield pa.Table.from_batches(waiting, None if waiting else schema)
