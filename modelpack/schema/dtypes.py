"""The types that a column of a signature may have."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from modelpack.errors import InvalidSchema, shorten


class DataType(Enum):
    """A scalar type; the value is its name in JSON (MLflow 3.17)."""

    boolean = "boolean"
    integer = "integer"
    long = "long"
    float = "float"
    double = "double"
    string = "string"
    binary = "binary"
    datetime = "datetime"

    @property
    def numpy(self) -> np.dtype[Any]:
        """The dtype of a column of this type; text and bytes are kept as Python objects."""
        return _NUMPY[self]

    def __str__(self) -> str:
        return str(self.value)


_NUMPY: dict[DataType, np.dtype[Any]] = {
    DataType.boolean: np.dtype("bool"),
    DataType.integer: np.dtype("int32"),
    DataType.long: np.dtype("int64"),
    DataType.float: np.dtype("float32"),
    DataType.double: np.dtype("float64"),
    DataType.string: np.dtype("object"),
    DataType.binary: np.dtype("object"),
    DataType.datetime: np.dtype("datetime64[ns]"),
}


@dataclass(frozen=True, slots=True)
class Array:
    """A list whose elements all have the type *items*."""

    items: "ColumnType"

    def __str__(self) -> str:
        return f"array of {self.items}"


@dataclass(frozen=True, slots=True)
class SparkVector(Array):
    """A vector of Spark ML: an array of doubles that keeps its name (``sparkml_vector``) in JSON."""

    items: "ColumnType" = DataType.double


@dataclass(frozen=True, slots=True)
class Property:
    """One named member of an Object."""

    name: str
    type: "ColumnType"
    required: bool = True


@dataclass(frozen=True, slots=True)
class Object:
    """A mapping with known members, kept sorted by name as MLflow does.

    Raises InvalidSchema when there is none, or when two have one name.
    """

    properties: tuple[Property, ...]

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.properties, key=lambda one: one.name))
        if not ordered:
            raise InvalidSchema(
                "an object type needs at least one property; for any content use the type any"
            )
        for one, after in pairwise(ordered):
            if one.name == after.name:
                raise InvalidSchema(
                    f"two properties are called {shorten(repr(one.name), 80)}; name each once"
                )
        object.__setattr__(self, "properties", ordered)

    def __str__(self) -> str:
        return "object"


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping from any text to values of the type *values*."""

    values: "ColumnType"

    def __str__(self) -> str:
        return f"map of {self.values}"


@dataclass(frozen=True, slots=True)
class AnyType:
    """No promise about the value."""

    def __str__(self) -> str:
        return "any"


ColumnType: TypeAlias = DataType | Array | Object | Map | AnyType


def type_to_json(type_: ColumnType) -> dict[str, Any]:
    """*type_* as MLflow 3.17 writes it, keys in its order."""
    match type_:
        case DataType():
            return {"type": type_.value}
        case SparkVector():
            return {"type": "sparkml_vector"}
        case Array():
            return {"type": "array", "items": type_to_json(type_.items)}
        case Object():
            return {"type": "object", "properties": {one.name: _member(one) for one in type_.properties}}
        case Map():
            return {"type": "map", "values": type_to_json(type_.values)}
        case AnyType():
            return {"type": "any"}


def _member(one: Property) -> dict[str, Any]:
    return {**type_to_json(one.type), "required": one.required}


def type_from_json(document: object) -> ColumnType:
    """Read what type_to_json writes; other keys beside it are left alone. Raises InvalidSchema."""
    if not isinstance(document, Mapping):
        raise InvalidSchema(f'a type is an object like {{"type": "long"}}, not {shorten(repr(document), 60)}')
    name = document.get("type")
    match name:
        case "array":
            return Array(type_from_json(document.get("items")))
        case "sparkml_vector":
            return SparkVector()
        case "object":
            return Object(_properties(document.get("properties")))
        case "map":
            return Map(type_from_json(document.get("values")))
        case "any":
            return AnyType()
        case str() if name in DataType.__members__:
            return DataType[name]
    known = ", ".join([*DataType.__members__, "array", "object", "map", "any"])
    raise InvalidSchema(f"no column type {shorten(repr(name), 60)}; there are {known}")


def _properties(document: object) -> tuple[Property, ...]:
    if not isinstance(document, Mapping):
        raise InvalidSchema("an object type needs properties: an object of names and types")
    return tuple(
        Property(str(name), type_from_json(one), required=required_from_json(one))
        for name, one in document.items()
    )


def required_from_json(document: object) -> bool:
    """Whether the column or property *document* must be there; before MLflow 2.9 the key was ``optional``."""
    if not isinstance(document, Mapping):
        return True
    required = document.get("required")
    if required is None:
        return not document.get("optional", False)
    return bool(required)
