"""Answers as files of columns: Parquet, and Arrow's file and stream formats."""

from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import ipc, parquet, types

from modelpack.errors import shorten
from modelpack.schema import Schema
from serving.codecs._arrow_write import batch_of
from serving.errors import UnencodableResult
from serving.scoring.kinds import Kind


def sheet(file: BinaryIO, outputs: Schema | None, kind: Kind) -> "ColumnSheet":
    """What writes *kind* to *file*; *outputs* are what the model promises."""
    return ColumnSheet(file, outputs, kind)


class ColumnSheet:
    """A record batch for each part; the types of the first one are those of the file."""

    def __init__(self, file: BinaryIO, outputs: Schema | None, kind: Kind) -> None:
        self._file, self._outputs, self._kind = file, outputs, kind
        self._writer: Any = None
        self._schema: pa.Schema | None = None

    def add(self, result: Any) -> None:
        """Write *result* below what was written; raises UnencodableResult."""
        batch = batch_of(result, self._outputs)
        if self._schema is None:
            self._schema = batch.schema
            self._writer = self._open(batch.schema)
        elif batch.schema != self._schema:
            batch = _cast(batch, self._schema)
        self._writer.write_batch(batch)

    def close(self) -> None:
        """Write what comes last."""
        if self._writer is not None:
            self._writer.close()

    def _open(self, schema: pa.Schema) -> Any:
        if self._kind.format == "parquet":
            try:
                return parquet.ParquetWriter(self._file, schema)
            except pa.ArrowException as error:
                raise _refused("Parquet", error) from error
        return (ipc.new_stream if self._kind.streamed else ipc.new_file)(self._file, schema)


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """*batch* in the types of the first one, where that changes no value."""
    if batch.schema.names != schema.names:
        raise UnencodableResult("the model's answers to parts of the file have several sets of columns")
    if not all(map(_fits, batch.columns, schema)):
        raise _several(f"{batch.schema.types} after {schema.types}")
    try:
        arrays = [
            column.cast(field.type, safe=True) for column, field in zip(batch.columns, schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)
    except pa.ArrowException as error:
        raise _several(str(error)) from error


def _fits(column: pa.Array, field: pa.Field) -> bool:
    """Whether *column* may be tried as the type of *field*: numbers as numbers, and what says nothing."""
    number = types.is_integer(column.type) or types.is_floating(column.type)
    wanted = types.is_integer(field.type) or types.is_floating(field.type)
    same = column.type == field.type
    return bool(same or column.null_count == len(column) or (number and wanted))


def _several(met: str) -> UnencodableResult:
    return UnencodableResult(
        f"the model's answers to parts of the file are of several types ({shorten(met, 120)}); "
        "--chunk-rows 0 asks for all of it at once"
    )


def _refused(what: str, error: Exception) -> UnencodableResult:
    return UnencodableResult(f"the model's answer has no form in {what}: {shorten(str(error), 160)}")
