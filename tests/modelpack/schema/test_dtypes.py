"""Column types: their JSON, and what is no type."""

from typing import Any

import numpy as np
import pytest

from modelpack.errors import InvalidSchema
from modelpack.schema import AnyType, Array, ColumnType, DataType, Map, Object, Property
from modelpack.schema.dtypes import SparkVector, type_from_json, type_to_json

TYPES: list[tuple[ColumnType, dict[str, Any]]] = [
    *((type_, {"type": type_.name}) for type_ in DataType),
    (AnyType(), {"type": "any"}),
    (SparkVector(), {"type": "sparkml_vector"}),
    (Array(DataType.string), {"type": "array", "items": {"type": "string"}}),
    (Array(Array(AnyType())), {"type": "array", "items": {"type": "array", "items": {"type": "any"}}}),
    (Map(DataType.long), {"type": "map", "values": {"type": "long"}}),
    (
        Object((Property("k", DataType.long, required=False), Property("a", Map(DataType.double)))),
        {
            "type": "object",
            "properties": {
                "a": {"type": "map", "values": {"type": "double"}, "required": True},
                "k": {"type": "long", "required": False},
            },
        },
    ),
]


@pytest.mark.parametrize(("type_", "document"), TYPES, ids=str)
def test_types_are_written_as_mlflow_writes_them(type_: ColumnType, document: dict[str, Any]) -> None:
    assert type_to_json(type_) == document
    assert list(type_to_json(type_)) == list(document)


@pytest.mark.parametrize(("type_", "document"), TYPES, ids=str)
def test_types_are_read_back(type_: ColumnType, document: dict[str, Any]) -> None:
    assert type_from_json(document) == type_


def test_a_vector_of_spark_is_no_plain_array() -> None:
    assert SparkVector() != Array(DataType.double)


def test_the_properties_of_an_object_are_sorted_by_name() -> None:
    given = (Property("b", DataType.long), Property("a", DataType.long))
    assert [one.name for one in Object(given).properties] == ["a", "b"]
    assert Object(given) == Object(given[::-1])


def test_a_property_is_required_unless_it_says_otherwise() -> None:
    document = {
        "type": "object",
        "properties": {"a": {"type": "long"}, "b": {"type": "long", "optional": True}},
    }
    type_ = type_from_json(document)
    assert isinstance(type_, Object)
    assert [one.required for one in type_.properties] == [True, False]


@pytest.mark.parametrize("properties", [(), (Property("a", DataType.long), Property("a", DataType.double))])
def test_an_object_has_properties_each_of_its_own_name(properties: tuple[Property, ...]) -> None:
    with pytest.raises(InvalidSchema):
        Object(properties)


@pytest.mark.parametrize(
    "document",
    [
        None,
        "long",
        {},
        {"type": None},
        {"type": "Long"},
        {"type": "numpy"},
        {"type": ["long"]},
        {"type": "array"},
        {"type": "array", "items": "string"},
        {"type": "map"},
        {"type": "object"},
        {"type": "object", "properties": {}},
        {"type": "object", "properties": ["a"]},
        {"type": "x" * 5000},
    ],
    ids=lambda document: str(document)[:40],
)
def test_what_is_no_type_is_refused_in_few_words(document: object) -> None:
    with pytest.raises(InvalidSchema) as caught:
        type_from_json(document)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize(
    ("type_", "dtype"),
    [
        (DataType.boolean, "bool"),
        (DataType.integer, "int32"),
        (DataType.long, "int64"),
        (DataType.float, "float32"),
        (DataType.double, "float64"),
        (DataType.string, "object"),
        (DataType.binary, "object"),
        (DataType.datetime, "datetime64[ns]"),
    ],
)
def test_each_scalar_type_has_a_dtype(type_: DataType, dtype: str) -> None:
    assert type_.numpy == np.dtype(dtype)
