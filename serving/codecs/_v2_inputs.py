"""Tensors of a request as what the model takes: columns, arrays, or arrays by name."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from modelpack.errors import SchemaMismatch, shorten
from modelpack.schema import (
    AnyType,
    Array,
    Coerce,
    ColumnSpec,
    ColumnType,
    DataType,
    Map,
    Object,
    Schema,
    Table,
    TensorSpec,
    enforce,
    wire,
)
from modelpack.schema.enforce import ModelInput, is_open
from serving.codecs import _strict
from serving.codecs._v2_datatypes import ARRAY, BASE64, BYTES, CELLS, FRAME, MOMENTS, TENSORS, TEXT
from serving.codecs._v2_request import InferRequest
from serving.codecs._v2_tensors import Tensor, objects, quote
from serving.errors import InvalidRequest

_RAW = "bytes"
_OF_BYTES = (TEXT, BASE64, MOMENTS, CELLS)


def unnamed_input(place: int) -> str:
    """What an input is called that the signature has no name for, as with MLServer and KServe."""
    return f"input-{place}"


def model_input(
    request: InferRequest, schema: Schema | None, *, coerce: Coerce, depth_limit: int
) -> ModelInput:
    """The inputs of *request* held to *schema*; raises InvalidRequest and SchemaMismatch.

    One tensor for each column, of shape [n] or [n, 1], gives a Table. Without a schema the content type of
    the request tells: ``pd`` a Table, ``np`` an array, ``dict`` arrays by name; without that, one input is an
    array and several are arrays by name.
    """
    reader = _Reader(request, coerce, depth_limit)
    if schema is None or is_open(schema):
        return _free(request, reader)
    if not schema.is_tensor:
        return enforce(_columns(request, schema, reader), schema, coerce=coerce)
    if schema.is_named:
        wanted = {str(spec.name): spec for spec in schema.tensors}
        arrays = {
            tensor.name: reader.array(tensor, _cell_type(wanted[tensor.name]))
            for tensor in request.inputs
            if tensor.name in wanted
        }
        return enforce(arrays, schema, coerce=coerce)
    return enforce(_unnamed(request, schema.tensors[0], reader), schema, coerce=coerce)


def _free(request: InferRequest, reader: "_Reader") -> Any:
    if request.content_type == FRAME:
        return _table({tensor.name: _open(reader.column(tensor, AnyType())) for tensor in request.inputs})
    arrays = {tensor.name: _open(reader.array(tensor, AnyType())) for tensor in request.inputs}
    if request.content_type == TENSORS or (len(arrays) > 1 and request.content_type != ARRAY):
        return arrays
    if len(arrays) > 1:
        raise InvalidRequest(f"the content_type np takes one input, not {len(arrays)}; use pd or dict")
    return next(iter(arrays.values()))


def _open(values: np.ndarray) -> np.ndarray:
    """*values* with NaN for the numbers that are missing, where the type has such a thing."""
    if isinstance(values, np.ma.MaskedArray) and values.dtype.kind == "f":
        return np.asarray(values.filled(np.nan))
    return values


def _unnamed(request: InferRequest, spec: TensorSpec, reader: "_Reader") -> Any:
    """The one tensor that a signature without names takes, or the columns that make it up, in their order."""
    type_ = _cell_type(spec)
    first = request.inputs[0]
    is_column = request.content_type == FRAME and first.values.ndim == 1 and len(spec.shape) == 2
    if len(request.inputs) == 1 and not is_column:
        return reader.array(first, type_)
    return _table({tensor.name: reader.column(tensor, type_) for tensor in _in_order(request.inputs)})


def _columns(request: InferRequest, schema: Schema, reader: "_Reader") -> Table:
    specs = schema.columns
    if schema.is_named:
        wanted = {str(spec.name): spec for spec in specs}
        return _table(
            {
                tensor.name: reader.column(tensor, wanted[tensor.name].type)
                for tensor in request.inputs
                if tensor.name in wanted
            },
            others=[tensor.name for tensor in request.inputs],
        )
    first = request.inputs[0]
    if len(request.inputs) == 1 and len(specs) > 1 and first.values.ndim == 2:
        matrix = reader.array(first, specs[0].type)
        return _table({str(place): matrix[:, place] for place in range(matrix.shape[1])})
    tensors = zip(_in_order(request.inputs), specs, strict=False)
    return _table({tensor.name: reader.column(tensor, spec.type) for tensor, spec in tensors})


def _in_order(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    """*tensors* by the places in their names, where all of them have such names; else as they came."""
    named = {tensor.name: tensor for tensor in tensors}
    names = [unnamed_input(place) for place in range(len(tensors))]
    return [named[name] for name in names] if set(names) == set(named) else tensors


def _table(columns: dict[str | int, np.ndarray], others: Sequence[str] = ()) -> Table:
    if not columns:
        # The names that came are in the message about the first column that is missing.
        return Table({name: np.empty(0) for name in others}, 0)
    lengths = {name: len(column) for name, column in columns.items()}
    first, rows = next(iter(lengths.items()))
    for name, length in lengths.items():
        if length != rows:
            wanted = f"{rows} rows, as {quote(str(first))} has"
            raise SchemaMismatch(column=str(name), wanted=wanted, got=str(length))
    return Table(columns, rows)


def _cell_type(spec: TensorSpec) -> DataType:
    """What stands for BYTES in a tensor of *spec*."""
    return {"S": DataType.binary, "M": DataType.datetime}.get(spec.dtype.kind, DataType.string)


class _Reader:
    """Reads BYTES as what their content type says they are, or else as the type that the model wants."""

    def __init__(self, request: InferRequest, coerce: Coerce, depth_limit: int) -> None:
        self._default = request.content_type if request.content_type in _OF_BYTES else ""
        self._coerce = coerce
        self._depth_limit = depth_limit
        self._readers: dict[str, Callable[[Tensor, ColumnType], np.ndarray]] = {
            TEXT: lambda tensor, type_: objects(_texts(tensor)),
            BASE64: lambda tensor, type_: self._held(tensor, _texts(tensor), DataType.binary),
            MOMENTS: lambda tensor, type_: self._held(tensor, _texts(tensor), DataType.datetime),
            CELLS: lambda tensor, type_: self._held(tensor, self._parsed(tensor), type_),
            _RAW: lambda tensor, type_: self._raw(tensor),
        }

    def array(self, tensor: Tensor, type_: ColumnType) -> np.ndarray:
        """The values in their shape."""
        if tensor.datatype != BYTES:
            if tensor.content_type in _OF_BYTES:
                met = f"input {quote(tensor.name)} has the content_type {tensor.content_type}"
                raise InvalidRequest(f"{met}, which goes with the datatype BYTES, not {tensor.datatype}")
            return tensor.values
        means = tensor.content_type if tensor.content_type in _OF_BYTES else self._default
        return self._readers[means or _meaning(type_)](tensor, type_).reshape(tensor.shape)

    def column(self, tensor: Tensor, type_: ColumnType) -> np.ndarray:
        """The values as cells, one for each row; lists where the type is an array and the shape [n, k]."""
        means_cells = CELLS in (tensor.content_type, self._default) and tensor.datatype == BYTES
        if isinstance(type_, Array) and tensor.values.ndim > 1 and not means_cells:
            return _lists(self.array(tensor, _innermost(type_)))
        if isinstance(type_, AnyType) and tensor.values.ndim > 1 and tensor.shape[1:] != (1,):
            return _lists(self.array(tensor, type_))
        values = self.array(tensor, type_)
        if values.ndim == 1:
            return values
        if tensor.shape[1:] == (1,):
            return values[:, 0]
        got = f"the shape {shorten(str(list(tensor.shape)), 60)}"
        raise SchemaMismatch(column=tensor.name, wanted="a value for each row: [n] or [n, 1]", got=got)

    def _held(self, tensor: Tensor, cells: Sequence[Any], type_: ColumnType) -> np.ndarray:
        """*cells* by the rules of JSON, where base64 and ISO 8601 are at home."""
        schema = Schema((ColumnSpec(type_, tensor.name, required=False),))
        table = wire.table_from_rows([[cell] for cell in cells], [tensor.name], schema, coerce=self._coerce)
        return cast("Table", table).columns[tensor.name]

    def _parsed(self, tensor: Tensor) -> list[Any]:
        return [
            None if text is None else _strict.parse(text.encode(), depth_limit=self._depth_limit)
            for text in _texts(tensor)
        ]

    def _raw(self, tensor: Tensor) -> np.ndarray:
        for row, value in enumerate(tensor.values.ravel()):
            if isinstance(value, str) and self._coerce == "lossless":
                wanted = "bytes: in JSON, base64 text with the content_type base64"
                raise SchemaMismatch(column=tensor.name, row=row, wanted=wanted, got="text")
        return tensor.values.ravel()


def _meaning(type_: ColumnType) -> str:
    if isinstance(type_, Array | Object | Map):
        return CELLS
    if type_ is DataType.binary:
        return _RAW
    return MOMENTS if type_ is DataType.datetime else TEXT


def _innermost(type_: ColumnType) -> ColumnType:
    while isinstance(type_, Array):
        type_ = type_.items
    return type_


def _texts(tensor: Tensor) -> list[str | None]:
    texts: list[str | None] = []
    for row, value in enumerate(tensor.values.ravel().tolist()):
        try:
            texts.append(value.decode() if isinstance(value, bytes) else value)
        except UnicodeDecodeError:
            got = f"{len(value)} bytes that are not"
            raise SchemaMismatch(f"input {quote(tensor.name)}", wanted="UTF-8", got=got, row=row) from None
    return texts


def _lists(values: np.ndarray) -> np.ndarray:
    """Each row of *values* as a list of Python values, or of lists."""
    if values.dtype.kind == "M":
        # tolist() would make bare numbers of nanoseconds.
        return objects([list(row) for row in values])
    return objects(values.tolist())
