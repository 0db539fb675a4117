"""One value held to one column type, however deep that is."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from modelpack.errors import shorten
from modelpack.schema._refusal import Refused, describe
from modelpack.schema._scalars import proper_text, proper_value, read_scalar
from modelpack.schema.dtypes import AnyType, Array, ColumnType, DataType, Map, Object
from modelpack.schema.rules import Rules

_HOLD_NAN = (DataType.float, DataType.double)
_HOLD_SPACES = (DataType.string, DataType.binary)

# MLflow lets nothing stand in these columns, whether or not they are required.
_LENIENT_ABOUT_NOTHING = (DataType.string, DataType.datetime, DataType.boolean)

# What pandas.read_csv takes for nothing, and MLflow with it.
_PANDAS_NOTHING = {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"}
_PANDAS_NOTHING |= {"<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}


def read_cell(value: Any, type_: ColumnType, *, required: bool, rules: Rules) -> Any:
    """*value* as *type_*; None where it is missing and may be (NaN in a float or double).

    Raises Refused. Numbers come back as Python numbers, points in time as ``datetime64[ns]``.
    """
    if isinstance(type_, AnyType):
        return proper_value(value, rules)
    if rules.source == "text" and isinstance(value, str) and type_ not in _HOLD_SPACES:
        value = value.strip(" ")
    if _is_missing(value, type_, required=required, rules=rules):
        if type_ in _HOLD_NAN:
            return float("nan")
        if required and not may_lack(type_, rules):
            raise Refused(type_, describe(value))
        return None
    match type_:
        case DataType():
            return read_scalar(value, type_, rules)
        case Array():
            return _array(value, type_, required=required, rules=rules)
        case Object():
            return _object(value, type_, rules)
        case Map():
            return _map(value, type_, required=required, rules=rules)


def may_lack(type_: ColumnType, rules: Rules) -> bool:
    """Whether MLflow's leniency lets a required column of *type_* hold nothing."""
    if type_ is DataType.binary:
        return rules.lenient and rules.source == "python"
    return rules.lenient and type_ in _LENIENT_ABOUT_NOTHING


def _is_missing(value: Any, type_: ColumnType, *, required: bool, rules: Rules) -> bool:
    """Whether *value* stands for nothing: None, NaN, NaT or pandas' NA; in CSV an empty cell."""
    if rules.source == "python":
        return is_nothing(value)
    if rules.source == "json":
        # NaN comes of a parser that takes literals outside the standard, as MLflow's does.
        return value is None or (rules.lenient and isinstance(value, float) and bool(np.isnan(value)))
    if rules.lenient:
        return value in _PANDAS_NOTHING
    if type_ in _HOLD_NAN:
        return value == "" or (isinstance(value, str) and value.lower() == "nan")
    # CSV has one word for the empty text and for nothing; a required column holds no nothing.
    return value == "" and not (required and type_ is DataType.string)


def is_nothing(value: Any) -> bool:
    """Whether a Python *value* is None, NaN, NaT or pandas' NA; pandas need not be there."""
    if value is None:
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    kind = type(value)
    return kind.__name__ in ("NAType", "NaTType") and kind.__module__.partition(".")[0] == "pandas"


def _array(value: Any, type_: Array, *, required: bool, rules: Rules) -> Any:
    if rules.source == "python" and isinstance(value, np.ndarray) and value.ndim > 0:
        return _like(value, _items(list(value), type_, required=required, rules=rules), type_)
    if isinstance(value, list) or (isinstance(value, tuple) and rules.source == "python"):
        return _items(value, type_, required=required, rules=rules)
    raise Refused(type_, describe(value))


def _items(values: Any, type_: Array, *, required: bool, rules: Rules) -> list[Any]:
    items = []
    for place, value in enumerate(values):
        try:
            items.append(read_cell(value, type_.items, required=required, rules=rules))
        except Refused as refusal:
            raise refusal.within(f"[{place}]") from None
    return items


def _like(value: np.ndarray, items: list[Any], type_: Array) -> np.ndarray:
    """*items* as the array that *value* was, with the dtype of the type."""
    inner: ColumnType = type_
    while isinstance(inner, Array):
        inner = inner.items
    plain = isinstance(inner, DataType) and inner.numpy.kind != "O" and value.dtype.kind != "O"
    if isinstance(inner, DataType) and plain and not any(item is None for item in items):
        return np.array(items, dtype=inner.numpy)
    return np.fromiter(items, dtype=object, count=len(items))


def _object(value: Any, type_: Object, rules: Rules) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Refused(type_, describe(value))
    known = {one.name: one for one in type_.properties}
    for name in value:
        if not isinstance(name, str) or name not in known:
            raise Refused(f"properties named {shorten(', '.join(known), 60)}", describe(name))
    members = {}
    for name, one in known.items():
        if name not in value:
            if one.required:
                raise Refused(one.type, "nothing (the property is absent)", f".{shorten(name, 40)}")
            continue
        try:
            members[name] = read_cell(value[name], one.type, required=one.required, rules=rules)
        except Refused as refusal:
            raise refusal.within(f".{shorten(name, 40)}") from None
    return members


def _map(value: Any, type_: Map, *, required: bool, rules: Rules) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Refused(type_, describe(value))
    members = {}
    for name, one in value.items():
        if not isinstance(name, str):
            raise Refused("text as the key of a map", describe(name))
        try:
            members[proper_text(name)] = read_cell(one, type_.values, required=required, rules=rules)
        except Refused as refusal:
            raise refusal.within(f".{shorten(name, 40)}") from None
    return members
