"""A request made up from a signature, where no example was saved."""

from typing import Any, Final

import numpy as np

from modelpack.schema.dtypes import AnyType, Array, ColumnType, DataType, Map, Object
from modelpack.schema.signature import Schema
from modelpack.schema.tensors import TensorSpec

MOST_CELLS: Final = 4_000_000
"""In all tensors together: a picture has some 150,000, and a shape that anybody wrote may have any number."""

_VALUES: Final[dict[DataType, Any]] = {
    DataType.boolean: True,
    DataType.integer: 1,
    DataType.long: 1,
    DataType.float: 0.5,
    DataType.double: 0.5,
    DataType.string: "text",
    DataType.binary: "aGk=",
    DataType.datetime: "2024-01-31T12:00:00",
}


def sample(schema: Schema) -> Any:
    """A body for ``/invocations``, of one row, that *schema* takes; None for tensors that are too large."""
    if not schema.is_tensor:
        columns = {"columns": schema.names} if schema.is_named else {}
        return {"dataframe_split": {**columns, "data": [sample_row(schema)]}}
    if sum(_cells(spec) for spec in schema.tensors) > MOST_CELLS:
        return None
    tensors = {spec.name: _tensor(spec) for spec in schema.tensors}
    return {"inputs": tensors.get(None, tensors)}


def sample_row(schema: Schema) -> list[Any]:
    """A value for each of its columns, as JSON has it."""
    return [_value(spec.type) for spec in schema.columns]


def _value(kind: ColumnType) -> Any:
    match kind:
        case DataType():
            return _VALUES[kind]
        case Array():
            return [_value(kind.items)]
        case Object():
            return {member.name: _value(member.type) for member in kind.properties}
        case Map():
            return {"key": _value(kind.values)}
        case AnyType():
            return None


def _shape(spec: TensorSpec) -> tuple[int, ...]:
    return tuple(1 if length < 0 else length for length in spec.shape)


def _cells(spec: TensorSpec) -> int:
    count = 1
    for length in _shape(spec):
        count *= length
    return count


def _tensor(spec: TensorSpec) -> Any:
    if spec.dtype.kind in "biuf":
        return np.zeros(_shape(spec), dtype=spec.dtype).tolist()
    return np.full(_shape(spec), "text", dtype=object).tolist()
