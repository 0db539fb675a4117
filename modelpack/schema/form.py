"""A form to ask a model by hand: the fields of one row and of the params, and a request to begin with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from modelpack.schema.columns import ColumnSpec
from modelpack.schema.dtypes import DataType
from modelpack.schema.params import ParamSpec
from modelpack.schema.sample import sample, sample_row
from modelpack.schema.signature import Schema, Signature

Kind = Literal["whole", "number", "choice", "text", "json"]
"""How a value is written: digits, a number, one of two, as it is, or as JSON."""

MOST_FIELDS: Final = 60
"""Columns beyond which a row is written as JSON alone."""
LONGEST: Final = 20_000
"""Characters of the request that a form begins with: a page holds it some times over."""
NOTHING: Final = '{"inputs": []}'
"""The request where no other can be begun with."""

_KINDS: Final[dict[DataType, Kind]] = {
    DataType.boolean: "choice",
    DataType.integer: "whole",
    DataType.long: "whole",
    DataType.float: "number",
    DataType.double: "number",
    DataType.string: "text",
    DataType.binary: "text",
    DataType.datetime: "text",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One value: its *name* and *type* in the signature, how it is written, and the *text* it begins with."""

    name: str
    type: str
    kind: Kind
    text: str
    required: bool


@dataclass(frozen=True, slots=True)
class Form:
    """The *columns* of one row, the *params*, and a *body*; *names* are sent along where columns have some.

    There are no columns where a row is better written as JSON; *body* is always JSON, of at most LONGEST
    characters.
    """

    columns: tuple[Field, ...]
    names: tuple[str, ...] | None
    params: tuple[Field, ...]
    body: str


def form_of(signature: Signature, example: Any) -> Form:
    """The form for *signature*, with the first row of *example* in it: a request in any form, or None."""
    schema, params = signature.inputs, tuple(map(_param, signature.params))
    if schema is None or schema.is_tensor or len(schema.columns) > MOST_FIELDS:
        return Form((), None, (), _body(schema, example))
    names = tuple(str(name) for name in schema.names)
    row = _first_row(example, schema)
    if row is None or len(json.dumps(row, ensure_ascii=False)) > LONGEST // 2:
        row = sample_row(schema)
    split = {"columns": names, "data": [row]} if schema.is_named else {"data": [row]}
    return Form(
        tuple(map(_column, names, schema.columns, row)),
        names if schema.is_named else None,
        params,
        json.dumps({"dataframe_split": split}, ensure_ascii=False),
    )


def _body(schema: Schema | None, example: Any) -> str:
    """The first of these that is not too long: the example, its first row, a row made up, nothing."""
    first = _first_of(example)
    for one in (example, first, sample(schema) if schema is not None else None):
        if one is not None:
            for indent in (1, None):
                text = json.dumps(one, ensure_ascii=False, indent=indent)
                if len(text) <= LONGEST:
                    return text
    return NOTHING


def _first_of(example: Any) -> Any:
    """*example* with its first row alone; None where it is of no form that has rows."""
    match example:
        case {"inputs": list(rows)}:
            return {**example, "inputs": rows[:1]}
        case {"inputs": dict(tensors)}:
            cut = {name: one[:1] if isinstance(one, list) else one for name, one in tensors.items()}
            return {**example, "inputs": cut}
        case {"dataframe_split": {"data": list(rows)} as split}:
            return {**example, "dataframe_split": {**split, "data": rows[:1]}}
        case {"dataframe_records": list(rows)} | {"instances": list(rows)}:
            return {name: rows[:1] if one is rows else one for name, one in example.items()}
    return None


def _first_row(example: Any, schema: Schema) -> list[Any] | None:
    """What *example* has for each column; None where it is not that plain."""
    match example:
        case {"dataframe_split": dict(split)}:
            return _of_split(split, schema)
        case {"dataframe_records": [dict(record), *_]}:
            return [record.get(str(name)) for name in schema.names]
    return None


def _of_split(split: Mapping[str, Any], schema: Schema) -> list[Any] | None:
    rows, columns = split.get("data"), split.get("columns")
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], list):
        return None
    first: Sequence[Any] = rows[0]
    if not schema.is_named:
        return list(first[: len(schema.columns)]) if len(first) >= len(schema.columns) else None
    if not isinstance(columns, list) or len(columns) != len(first):
        return None
    found = dict(zip(map(str, columns), first, strict=True))
    return [found.get(str(name)) for name in schema.names]


def _column(name: str, column: ColumnSpec, value: Any) -> Field:
    kind = _KINDS[column.type] if isinstance(column.type, DataType) else "json"
    return Field(name, str(column.type), kind, _text(value, kind, required=column.required), column.required)


def _param(param: ParamSpec) -> Field:
    is_plain = param.shape is None and isinstance(param.type, DataType)
    kind: Kind = _KINDS[param.type] if is_plain and isinstance(param.type, DataType) else "json"
    type_ = str(param.type) if param.shape is None else f"list of {param.type}"
    return Field(
        param.name, type_, kind, _text(param.to_json()["default"], kind, required=False), required=False
    )


def _text(value: Any, kind: Kind, *, required: bool) -> str:
    """*value* as it is written; nothing for what is missing, but where something must be there."""
    if value is None:
        return "null" if required and kind == "json" else ""
    return value if kind == "text" and isinstance(value, str) else json.dumps(value, ensure_ascii=False)
