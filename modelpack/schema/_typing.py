"""The type of a value, and the one type that several have."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np

from modelpack.schema._cells import is_nothing
from modelpack.schema.dtypes import AnyType, Array, ColumnType, DataType, Object, Property


class Untypable(Exception):
    """A value, or a mixture of values, that no column type describes."""


def type_of(value: Any) -> ColumnType:
    """The type of one *value*, as MLflow 3.17 infers it; raises Untypable."""
    if is_nothing(value) or (isinstance(value, list | tuple | Mapping) and not value):
        return AnyType()
    if isinstance(value, Mapping):
        return Object(tuple(_property(name, one) for name, one in value.items()))
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0):
        return Array(common_type(value))
    return _scalar(value)


def _property(name: object, value: Any) -> Property:
    if not isinstance(name, str):
        raise Untypable(f"an object with a {type(name).__name__} as key")
    type_ = type_of(value)
    return Property(name, type_, required=not isinstance(type_, AnyType))


def common_type(values: Iterable[Any]) -> ColumnType:
    """The type that all *values* have, any for nothing but missing ones; raises Untypable."""
    common: ColumnType | None = None
    # Many values are of few types: each pair of types is merged once.
    for type_ in dict.fromkeys(map(type_of, values)):
        common = type_ if common is None else _merge(common, type_)
    if common is None:
        raise Untypable("no values")
    return common


def dtype_type(dtype: np.dtype[Any]) -> DataType:
    """The type of a column of the numpy *dtype*; raises Untypable."""
    kind, size = dtype.kind, dtype.itemsize
    if kind in "iu":
        bits = size + (kind == "u")
        if bits <= 8:
            return DataType.integer if bits <= 4 else DataType.long
    elif kind == "f" and size <= 8:
        return DataType.float if size <= 4 else DataType.double
    elif kind in _BY_KIND:
        return _BY_KIND[kind]
    raise Untypable(f"values of the dtype {dtype}")


_BY_KIND = {"b": DataType.boolean, "U": DataType.string, "S": DataType.binary, "M": DataType.datetime}


def _scalar(value: Any) -> DataType:
    match value:
        case bool():
            return DataType.boolean
        case int() if not -(2**63) <= value < 2**63:
            raise Untypable("whole numbers beyond 64 bits")
        case int():
            return DataType.long
        case str():
            return DataType.string
        case bytes() | bytearray():
            return DataType.binary
        case date() | np.datetime64():
            return DataType.datetime
        case np.generic():
            return dtype_type(value.dtype)
        case float():
            return DataType.double
    raise Untypable(f"values of the type {type(value).__name__}")


def _merge(one: ColumnType, other: ColumnType) -> ColumnType:
    if one == other:
        return one
    match one, other:
        case AnyType(), DataType():
            return other
        case DataType(), AnyType():
            return one
        case AnyType(), _:
            return _merge(other, one)
        case Object(), AnyType():
            # As MLflow: an object that is missing once might be missing in parts as well.
            return Object(tuple(Property(each.name, each.type, required=False) for each in one.properties))
        case Array(), AnyType():
            return one
        case Array(), Array():
            return Array(_merge(one.items, other.items))
        case Object(), Object():
            return _merge_objects(one, other)
        case DataType(), DataType() if {one, other} <= _NUMBERS:
            return _NUMBERS_MERGED.get(frozenset((one, other)), DataType.double)
    raise Untypable(f"{one} beside {other}")


# Every value of one is a value of the other, where a longer list is not given: then of double.
_NUMBERS = {DataType.integer, DataType.long, DataType.float, DataType.double}
_NUMBERS_MERGED = {frozenset((DataType.integer, DataType.long)): DataType.long}


def _merge_objects(one: Object, other: Object) -> Object:
    first = {each.name: each for each in one.properties}
    second = {each.name: each for each in other.properties}
    merged = []
    for name in {**first, **second}:
        if name in first and name in second:
            merged.append(_merge_properties(first[name], second[name]))
        else:
            merged.append(Property(name, (first.get(name) or second[name]).type, required=False))
    return Object(tuple(merged))


def _merge_properties(one: Property, other: Property) -> Property:
    return Property(one.name, _merge(one.type, other.type), required=one.required and other.required)
