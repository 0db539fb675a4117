"""A form made from a signature: the fields of one row and of the params, and the request they begin with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from modelpack.schema import ColumnSpec, DataType, ParamSpec, Schema
from serving.models import Served
from serving.openapi import example_request

Kind = Literal["number", "choice", "text", "json"]

MOST_FIELDS = 60
"""Columns beyond which a row is written as JSON alone."""

_KINDS: dict[Any, Kind] = {
    DataType.boolean: "choice",
    DataType.integer: "number",
    DataType.long: "number",
    DataType.float: "number",
    DataType.double: "number",
    DataType.string: "text",
    DataType.binary: "text",
    DataType.datetime: "text",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One value: its *name* and *type* in the signature, how it is written, and the text it begins with."""

    name: str
    type: str
    kind: Kind
    text: str
    required: bool


@dataclass(frozen=True, slots=True)
class Form:
    """The *columns* of one row, the *params*, and a *body*; *names* are sent along where columns have some.

    There are no columns where a row is better written as JSON; *body* is always JSON.
    """

    columns: tuple[Field, ...]
    names: tuple[str, ...] | None
    params: tuple[Field, ...]
    body: str


def form_of(served: Served) -> Form:
    """The form for *served*, with the first row of its example in it."""
    schema, params = served.signature.inputs, tuple(map(_param, served.signature.params))
    example = example_request(served)
    if schema is None or schema.is_tensor or len(schema.columns) > MOST_FIELDS:
        body = {"inputs": []} if example is None else example
        return Form((), None, (), json.dumps(body, ensure_ascii=False, indent=1))
    names = [str(name) for name in schema.names] if schema.is_named else None
    row = _first_row(example, schema) or _made_up_row(served)
    split = {"data": [row]} if names is None else {"columns": names, "data": [row]}
    cells = zip(schema.names, schema.columns, row, strict=True)
    return Form(
        tuple(_column(str(name), column, value) for name, column, value in cells),
        None if names is None else tuple(names),
        params,
        json.dumps({"dataframe_split": split}, ensure_ascii=False),
    )


def _made_up_row(served: Served) -> list[Any]:
    made: list[Any] = example_request(replace(served, example=None))["dataframe_split"]["data"][0]
    return made


def _first_row(example: Any, schema: Schema) -> list[Any] | None:
    """What *example*, a request in any of the forms, has for each column; None where it is not that plain."""
    if not isinstance(example, Mapping):
        return None
    split, records = example.get("dataframe_split"), example.get("dataframe_records")
    if isinstance(split, Mapping):
        return _of_split(split, schema)
    if isinstance(records, Sequence) and records and isinstance(records[0], Mapping):
        return [records[0].get(str(name)) for name in schema.names]
    return None


def _of_split(split: Mapping[str, Any], schema: Schema) -> list[Any] | None:
    rows, columns = split.get("data"), split.get("columns")
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], list):
        return None
    first = rows[0]
    if not schema.is_named:
        return first[: len(schema.columns)] if len(first) >= len(schema.columns) else None
    if not isinstance(columns, list) or len(columns) != len(first):
        return None
    found = dict(zip(map(str, columns), first, strict=True))
    return [found.get(str(name)) for name in schema.names]


def _column(name: str, column: ColumnSpec, value: Any) -> Field:
    kind = _KINDS.get(column.type, "json") if isinstance(column.type, DataType) else "json"
    return Field(name, str(column.type), kind, _text(value, kind), column.required)


def _param(param: ParamSpec) -> Field:
    default = param.to_json()["default"]
    kind = "json" if param.shape or not isinstance(param.type, DataType) else _KINDS.get(param.type, "json")
    type_ = f"list of {param.type}" if param.shape else str(param.type)
    return Field(param.name, type_, kind, _text(default, kind), required=False)


def _text(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    if kind == "text" and isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
