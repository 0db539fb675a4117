"""A signature from examples of what goes in and what comes out."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelpack.errors import InvalidSchema, SchemaMismatch, shorten
from modelpack.schema._arrays import Cells, read_column
from modelpack.schema._cells import is_nothing
from modelpack.schema._pandas import is_pandas, object_cells, series_cells
from modelpack.schema._params import infer_params
from modelpack.schema._refusal import describe
from modelpack.schema._tensors import is_sparse
from modelpack.schema._typing import Untypable, common_type, dtype_type, type_of
from modelpack.schema.columns import ColumnSpec
from modelpack.schema.dtypes import AnyType, ColumnType, DataType
from modelpack.schema.rules import Rules
from modelpack.schema.signature import Schema, Signature
from modelpack.schema.tensors import TensorSpec, unsized


class SignatureWarning(UserWarning):
    """An inferred signature that promises less than its reader may think."""


def infer_signature(inputs: Any, outputs: Any = None, params: Mapping[str, Any] | None = None) -> Signature:
    """The signature that examples of a model's *inputs*, *outputs* and *params* have.

    Examples may be a DataFrame, Series, array, scipy sparse matrix, dict, list or one value; of *params* the
    values become the defaults. Types are MLflow 3.17's; README.md says where they differ. What no type
    describes becomes any, with a SignatureWarning; so do whole-number inputs, which cannot be missing. Raises
    InvalidSchema for two columns of one name, and for params without a type.
    """
    remarks: list[str] = []
    signature = Signature(
        inputs=None if inputs is None else _schema(inputs, "inputs", remarks),
        outputs=None if outputs is None else _schema(outputs, "outputs", remarks),
        params=infer_params(params),
    )
    if signature.inputs is not None:
        _remark_on_whole_numbers(signature.inputs, remarks)
    for remark in remarks:
        warnings.warn(shorten(remark), SignatureWarning, stacklevel=2)
    return signature


def _remark_on_whole_numbers(schema: Schema, remarks: list[str]) -> None:
    whole = [
        name
        for name, spec in zip(schema.names, schema.columns, strict=False)
        if spec.required and spec.type in (DataType.integer, DataType.long)
    ]
    if whole:
        more = f" and {len(whole) - 5} more" if len(whole) > 5 else ""
        listed = ", ".join(shorten(repr(name), 30) for name in whole[:5]) + more
        remarks.append(
            f"whole-number columns cannot hold missing values: {listed}; where callers may leave one out, "
            "infer from data that does, or declare double"
        )


def _schema(data: Any, part: str, remarks: list[str]) -> Schema:
    try:
        if (tensors := _tensors(data)) is not None:
            return Schema(tensors)
        return Schema(tuple(_columns(data, part, remarks)))
    except Untypable as error:
        remarks.append(f"the {part} are declared as any, which promises nothing: {error}")
        return Schema((ColumnSpec(AnyType()),))


def _tensors(data: Any) -> tuple[TensorSpec, ...] | None:
    if is_sparse(data) or (isinstance(data, np.ndarray) and data.ndim > 0):
        return (_tensor(data, None),)
    if isinstance(data, Mapping) and data and all(isinstance(one, np.ndarray) for one in data.values()):
        return tuple(_tensor(one, str(name)) for name, one in data.items())
    return None


def _tensor(data: Any, name: str | None) -> TensorSpec:
    if data.ndim == 0:
        raise Untypable("an array without dimensions")
    try:
        return TensorSpec(unsized(data.dtype), (-1, *data.shape[1:]), name)
    except InvalidSchema as error:
        raise Untypable(str(error)) from None


def _columns(data: Any, part: str, remarks: list[str]) -> list[ColumnSpec]:
    if is_pandas(data, "DataFrame"):
        labels = _labels(data.columns)
        specs = [_series(data.iloc[:, place], name, part, remarks) for place, name in enumerate(labels)]
    elif is_pandas(data, "Series"):
        specs = [_series(data, _label(data.name), part, remarks)]
    elif isinstance(data, Mapping):
        specs = [_member(name, value, part, remarks) for name, value in data.items()]
    elif isinstance(data, list | tuple) and data and all(isinstance(one, Mapping) for one in data):
        specs = _records(data, part, remarks)
    elif isinstance(data, list | tuple):
        # MLflow has read an empty list as text since before 2.9.
        specs = [_cells(data, None, part, remarks) if data else ColumnSpec(DataType.string)]
    else:
        specs = [ColumnSpec(type_of(data.item() if isinstance(data, np.ndarray) else data))]
    if not specs:
        raise Untypable("there are no columns")
    return specs


def _labels(labels: Any) -> list[str | int | None]:
    if len(labels) == 1:
        return [_label(labels[0])]
    # Beside other columns None is a name like any other.
    return [str(label) if (name := _label(label)) is None else name for label in labels]


def _label(label: object) -> str | int | None:
    if label is None or isinstance(label, str):
        return label
    if isinstance(label, int | np.integer) and not isinstance(label, bool):
        return int(label)
    return str(label)


def _series(series: Any, name: str | int | None, part: str, remarks: list[str]) -> ColumnSpec:
    required = not bool(series.isna().any())
    plain = object_cells(series)
    if isinstance(plain, list):
        # No values: pandas' dtype for "anything" says nothing, and MLflow takes it for text.
        return _cells(plain, name, part, remarks) if plain else ColumnSpec(DataType.string, name)
    try:
        type_: ColumnType = dtype_type(plain)
    except Untypable as error:
        type_ = _any(name, part, error, remarks)
    cells = series_cells(series)
    if isinstance(cells, list) and not _takes(cells, type_, required=required):
        # pandas' doubles for whole numbers and None do not hold every whole number.
        return _checked(cells, name, required, part, remarks)
    return _spec(type_, name, required, part, remarks)


def _member(name: object, value: Any, part: str, remarks: list[str]) -> ColumnSpec:
    """A column from one value of a dict: what a single row would hold."""
    if not isinstance(name, str):
        raise Untypable(f"a dict with {describe(name)} as key")
    if is_pandas(value, "Series"):
        return _series(value, name, part, remarks)
    missing = any(map(is_nothing, value)) if isinstance(value, list) else is_nothing(value)
    return _checked([value], name, not missing, part, remarks)


def _records(records: Sequence[Mapping[Any, Any]], part: str, remarks: list[str]) -> list[ColumnSpec]:
    names = list(dict.fromkeys(name for record in records for name in record))
    specs = []
    for name in names:
        if not isinstance(name, str):
            raise Untypable(f"a dict with {describe(name)} as key")
        required = all(record.get(name) is not None for record in records)
        cells = [record[name] for record in records if name in record]
        specs.append(_checked(cells, name, required, part, remarks))
    return specs


def _cells(cells: Sequence[Any], name: str | int | None, part: str, remarks: list[str]) -> ColumnSpec:
    return _checked(cells, name, not any(map(is_nothing, cells)), part, remarks)


def _checked(
    cells: Sequence[Any], name: str | int | None, required: bool, part: str, remarks: list[str]
) -> ColumnSpec:
    """A column whose type was read from values, and that takes those values back."""
    try:
        type_ = common_type(cells)
    except Untypable as error:
        return _spec(_any(name, part, error, remarks), name, required, part, remarks)
    if required and _takes(cells, type_, required=True):
        return _spec(type_, name, True, part, remarks)
    if _takes(cells, type_, required=False):
        # Also where only a list in a cell has a missing value.
        return _spec(type_, name, False, part, remarks)
    changed = Untypable(f"{type_} would change some values")
    return _spec(_any(name, part, changed, remarks), name, required, part, remarks)


def _takes(cells: Cells, type_: ColumnType, *, required: bool) -> bool:
    try:
        read_column(cells, type_, required=required, rules=Rules("python"))
    except SchemaMismatch:
        return False
    return True


def _any(name: str | int | None, part: str, error: Untypable, remarks: list[str]) -> AnyType:
    column = "a column without a name" if name is None else f"the column {shorten(repr(name), 60)}"
    remarks.append(f"{column} of the {part} is declared as any, which promises nothing: {error}")
    return AnyType()


def _spec(
    type_: ColumnType, name: str | int | None, required: bool, part: str, remarks: list[str]
) -> ColumnSpec:
    if name is None and not required:
        if type_ not in (DataType.float, DataType.double, AnyType()):
            remarks.append(
                f"the {part} have missing values, which a column without a name cannot declare; name it"
            )
        return ColumnSpec(type_)
    return ColumnSpec(type_, name, required)
