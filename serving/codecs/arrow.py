"""Bodies of columns: Arrow's stream format and Parquet, by way of pyarrow where it is installed."""

import importlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np

from modelpack.errors import SchemaMismatch
from modelpack.schema import ColumnSpec, DataType, Schema, Signature, Table, enforce, enforce_params
from modelpack.schema.enforce import ModelInput, is_open
from serving.codecs import Codec, Payload, count_rows
from serving.codecs._answer import encode
from serving.codecs._arrow_missing import ArrowMissing
from serving.codecs._limits import Limits
from serving.settings import Coerce

STREAM = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"


class _Columns:
    """What both formats share: columns by name, held to the signature by the rules for Python's values."""

    reads: ClassVar[str]
    reads_files: ClassVar[str]

    # Importing pyarrow takes its time, and a small body may unpack to a large one.
    quick: ClassVar[bool] = False

    def __init__(self, *, coerce: Coerce, depth_limit: int) -> None:
        del depth_limit  # the formats have limits of their own
        self._coerce = coerce

    def decode(self, body: bytes, signature: Signature) -> Payload:
        """Read *body* and hold it to *signature*.

        Columns that the signature does not name are not read. Raises InvalidRequest, BodyTooLarge,
        SchemaMismatch, and ArrowMissing without pyarrow.
        """
        schema = signature.inputs
        read = getattr(_verbs("_arrow_read"), self.reads)
        columns = read(body, _wanted(schema), Limits.of(body))
        return self._payload(columns, signature)

    def decode_file(self, source: Path | bytes, signature: Signature, rows: int) -> Iterator[Payload]:
        """The content of a file on this disk, or of one that was read, so many *rows* at a time.

        There is at least one payload, if an empty one. Raises as ``decode`` does, but no BodyTooLarge: a file
        is the operator's own. Rows in messages are counted from its beginning.
        """
        read = getattr(_verbs("_arrow_files"), self.reads_files)
        start = 0
        for columns in read(source, _wanted(signature.inputs), rows):
            try:
                payload = self._payload(columns, signature)
            except SchemaMismatch as error:
                raise _moved(error, start) from None
            yield payload
            start += columns.num_rows

    def _payload(self, columns: Any, signature: Signature) -> Payload:
        schema = signature.inputs
        table: Table = _verbs("_arrow_cells").table_of(columns)
        data = _free(table) if schema is None or is_open(schema) else _held(table, schema, self._coerce)
        params = enforce_params(None, signature.params, coerce=self._coerce)
        return Payload(data, params, count_rows(data))

    def encode(self, result: Any) -> bytes:
        """``{"predictions": …}``; raises UnencodableResult."""
        return encode(result)


class ArrowCodec(_Columns):
    """A stream of record batches."""

    media_types: ClassVar[tuple[str, ...]] = (STREAM,)
    reads: ClassVar[str] = "read_stream"
    reads_files: ClassVar[str] = "arrow_tables"


class ParquetCodec(_Columns):
    """A whole Parquet file."""

    media_types: ClassVar[tuple[str, ...]] = (PARQUET,)
    reads: ClassVar[str] = "read_parquet"
    reads_files: ClassVar[str] = "parquet_tables"


class ArrowAnswer:
    """One request that *codec* reads, answered as an Arrow stream."""

    media_types: ClassVar[tuple[str, ...]] = (STREAM,)
    quick: ClassVar[bool] = False

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._outputs: Schema | None = None

    def decode(self, body: bytes, signature: Signature) -> Payload:
        """What the codec reads; raises what it raises, and ArrowMissing."""
        _verbs("_arrow_write")
        self._outputs = signature.outputs
        return self._codec.decode(body, signature)

    def encode(self, result: Any) -> bytes:
        """A record batch of named columns; raises UnencodableResult."""
        return cast("bytes", _verbs("_arrow_write").write_stream(result, self._outputs))


def _moved(error: SchemaMismatch, rows: int) -> SchemaMismatch:
    """*error* in a part of a table, before which there are so many *rows*."""
    row = None if error.row is None else error.row + rows
    return SchemaMismatch(error.what, wanted=error.wanted, got=error.got, row=row, column=error.column)


def _verbs(module: str) -> Any:
    """A neighbour of this module that needs pyarrow, imported with the first body that does."""
    try:
        return importlib.import_module(f"serving.codecs.{module}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "pyarrow":
            raise
        raise ArrowMissing from error


def _wanted(schema: Schema | None) -> Collection[str] | int | None:
    if schema is None or is_open(schema) or (schema.is_tensor and not schema.is_named):
        return None
    return {str(name) for name in schema.names} if schema.is_named else len(schema.specs)


def _held(table: Table, schema: Schema, coerce: Coerce) -> ModelInput:
    return enforce(table, schema, coerce=coerce)


def _free(table: Table) -> Table:
    """*table* for a model without a signature: NaN for missing numbers, times to the nanosecond."""
    columns = {name: _open(name, column) for name, column in table.columns.items()}
    return Table(columns, table.rows)


def _open(name: str | int, column: np.ndarray) -> np.ndarray:
    if isinstance(column, np.ma.MaskedArray) and column.dtype.kind == "f":
        return np.asarray(column.filled(np.nan))
    if column.dtype.kind != "M":
        return column
    schema = Schema((ColumnSpec(DataType.datetime, str(name), required=False),))
    fine = enforce(Table({str(name): column}, len(column)), schema)
    return cast("Table", fine).columns[str(name)]
