"""One value held to one type: it arrives unchanged, or is refused."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from modelpack.errors import shorten
from modelpack.schema import _moments
from modelpack.schema.dtypes import AnyType, Array, ColumnType, DataType, Map, Object
from modelpack.schema.rules import Rules

BOUNDS = {DataType.integer: (-(2**31), 2**31 - 1), DataType.long: (-(2**63), 2**63 - 1)}
"""The least and the greatest whole number of a type."""

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DIGITS = re.compile(r"[+-]?[0-9]+")
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_LONGEST_NUMBER = 400
"""Characters; the greatest double has 309 digits, and longer texts only cost time."""

# What pandas.read_csv takes for nothing, and MLflow with it.
_PANDAS_NOTHING = frozenset(
    ["#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
)


class Refused(Exception):
    """A value outside its type: what was wanted, what was met, and where inside the cell."""

    def __init__(self, wanted: object, got: str, inside: str = "") -> None:
        super().__init__(wanted, got, inside)
        self.wanted, self.got, self.inside = str(wanted), got, inside

    def within(self, place: str) -> "Refused":
        """The same, seen from one level up."""
        return Refused(self.wanted, self.got, place + self.inside)


def read_cell(value: Any, type_: ColumnType, *, required: bool, rules: Rules) -> Any:
    """*value* as *type_*; None where it is missing and may be (NaN in a float or double).

    Raises Refused. Numbers come back as Python numbers, points in time as ``datetime64[ns]``.
    """
    if isinstance(type_, AnyType):
        return _any(value, rules)
    if is_missing(value, type_, required=required, rules=rules):
        if type_ in (DataType.float, DataType.double):
            return float("nan")
        if required and not (rules.lenient and type_ in _LENIENT_ABOUT_NOTHING):
            raise Refused(type_, describe(value))
        return None
    match type_:
        case DataType():
            return _READERS[type_](value, rules)
        case Array():
            return _array(value, type_, required=required, rules=rules)
        case Object():
            return _object(value, type_, rules)
        case Map():
            return _map(value, type_, required=required, rules=rules)


# MLflow lets nothing stand in these columns, whether or not they are required.
_LENIENT_ABOUT_NOTHING = (DataType.string, DataType.datetime, DataType.boolean, DataType.binary)


def is_missing(value: Any, type_: ColumnType, *, required: bool, rules: Rules) -> bool:
    """Whether *value* stands for nothing: None, NaN, NaT or pandas' NA; in CSV an empty cell.

    An empty CSV cell of a required text column is the empty text.
    """
    if rules.source == "json":
        return value is None or (rules.lenient and value != value)
    if rules.source == "text":
        return _is_empty_text(value, type_, required=required, rules=rules)
    return is_nothing(value)


def _is_empty_text(value: Any, type_: ColumnType, *, required: bool, rules: Rules) -> bool:
    if rules.lenient:
        return value == "" or value in _PANDAS_NOTHING
    if type_ in (DataType.float, DataType.double):
        return value == "" or (isinstance(value, str) and value.lower() == "nan")
    return value == "" and not (required and type_ is DataType.string)


def is_nothing(value: Any) -> bool:
    """Whether a Python *value* is None, NaN, NaT or pandas' NA; pandas need not be there."""
    if value is None:
        return True
    if isinstance(value, float | np.floating | np.datetime64 | np.timedelta64):
        return bool(value != value)
    kind = type(value)
    return kind.__name__ in ("NAType", "NaTType") and kind.__module__.startswith("pandas")


def describe(value: Any) -> str:
    """*value* in a few words, for an error message: its beginning and its kind, never the whole."""
    match value:
        case None:
            return "nothing"
        case bool() | np.bool_():
            return f"{bool(value)} (boolean)"
        case int() | np.integer():
            # Python refuses to print a number of more than 4,300 digits.
            number = int(value)
            return f"{number} (number)" if number.bit_length() < 200 else "a number of more than 60 digits"
        case float() | np.floating():
            return f"{float(value)!r} (number)"
        case str():
            return f"{shorten(repr(value[:40]), 40)} (text)"
        case bytes() | bytearray():
            return f"{len(value)} bytes"
        case list() | tuple():
            return f"a list of {len(value)}"
        case dict():
            return f"an object of {len(value)}"
        case np.ndarray():
            return f"an array of {value.dtype} {list(value.shape)}"
    return f"a {type(value).__name__}"


def _boolean(value: Any, rules: Rules) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if rules.source == "text" and value in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return str(value).lower() == "true"
    if rules.lenient and rules.source == "json" and isinstance(value, int | float | str):
        return bool(value)
    raise Refused(DataType.boolean, describe(value))


def _integer(value: Any, rules: Rules) -> int:
    return _whole(value, DataType.integer, rules)


def _long(value: Any, rules: Rules) -> int:
    return _whole(value, DataType.long, rules)


def _whole(value: Any, type_: DataType, rules: Rules) -> int:
    low, high = BOUNDS[type_]
    number = _whole_number(value, rules)
    if number is None:
        raise Refused(type_, describe(value))
    if not low <= number <= high:
        raise Refused(f"{type_} ({low} to {high})", describe(value))
    return number


def _whole_number(value: Any, rules: Rules) -> int | None:
    if isinstance(value, bool | np.bool_):
        return int(value) if rules.lenient and rules.source == "json" else None
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return int(value) if bool(np.isfinite(value)) and value == np.floor(value) else None
    if isinstance(value, Decimal):
        return _whole_decimal(value)
    if isinstance(value, str) and _reads_text(rules) and len(value) <= _LONGEST_NUMBER:
        if _DIGITS.fullmatch(value):
            return int(value)
        if rules.source == "text" and _DECIMAL.fullmatch(value):
            return _whole_decimal(Decimal(value))
    return None


def _whole_decimal(value: Decimal) -> int | None:
    # 1e999999999 is a short text and an endless number.
    if not value.is_finite() or value.adjusted() > 20 or value != value.to_integral_value():
        return None
    return int(value)


def _reads_text(rules: Rules) -> bool:
    return rules.source == "text" or (rules.source == "json" and rules.lenient)


def _float(value: Any, rules: Rules) -> float:
    return _real(value, DataType.float, rules)


def _double(value: Any, rules: Rules) -> float:
    return _real(value, DataType.double, rules)


def _real(value: Any, type_: DataType, rules: Rules) -> float:
    if isinstance(value, bool | np.bool_):
        if rules.lenient and rules.source == "json":
            return float(value)
    elif isinstance(value, int | np.integer):
        return _real_of_whole(int(value), type_)
    elif isinstance(value, float | np.floating):
        if rules.source != "json" or bool(np.isfinite(value)):
            return _real_of_float(value, type_, rules)
    elif isinstance(value, Decimal):
        if value.is_finite() and (rules.lenient or Decimal(float(value)) == value):
            return _real_of_float(float(value), type_, rules)
    elif isinstance(value, str) and _reads_text(rules):
        return _real_of_text(value, type_, rules)
    raise Refused(type_, describe(value))


def _real_of_whole(value: int, type_: DataType) -> float:
    try:
        near = float(value) if type_ is DataType.double else _single(float(value))
    except OverflowError:
        near = float("inf")
    if np.isfinite(near) and int(near) == value:
        return near
    raise Refused(f"a number that {type_} can hold exactly", describe(value))


def _real_of_float(value: Any, type_: DataType, rules: Rules) -> float:
    wide = float(value)
    if wide != value:
        raise Refused(f"a number that {type_} can hold exactly", describe(value))
    if type_ is DataType.double:
        return wide
    near = _single(wide)
    if rules.on_the_wire:
        if np.isinf(near) and not np.isinf(wide):
            raise Refused(f"{type_} (at most 3.4e38)", describe(value))
    elif near != wide:
        raise Refused(f"a number that {type_} can hold exactly", describe(value))
    return near


def _real_of_text(text: str, type_: DataType, rules: Rules) -> float:
    if len(text) <= _LONGEST_NUMBER:
        if _DIGITS.fullmatch(text):
            return _real_of_whole(int(text), type_)
        if _DECIMAL.fullmatch(text) and np.isfinite(float(text)):
            return _real_of_float(float(text), type_, rules)
        # What pandas writes for an infinite number.
        if rules.source == "text" and _INFINITY.fullmatch(text):
            return float(text)
    raise Refused(type_, describe(text))


def _single(value: float) -> float:
    with np.errstate(over="ignore", under="ignore"):
        return float(np.float32(value))


def _string(value: Any, rules: Rules) -> Any:
    if isinstance(value, str):
        return proper_text(value)
    if rules.lenient and rules.source != "text":
        return _any(value, rules)
    raise Refused(DataType.string, describe(value))


def proper_text(value: str) -> str:
    """*value* as a plain ``str``; refuses half a surrogate pair, which no UTF-8 can carry."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused("text", "half a surrogate pair, which is no character") from None
    return str(value)


def _binary(value: Any, rules: Rules) -> bytes:
    if rules.source == "python":
        if isinstance(value, bytes | bytearray):
            return bytes(value)
        if rules.lenient and isinstance(value, str):
            return proper_text(value).encode()
        raise Refused(DataType.binary, describe(value))
    if not isinstance(value, str):
        raise Refused("binary (base64 text)", describe(value))
    return _base64(value, rules)


def _base64(text: str, rules: Rules) -> bytes:
    # Line ends belong to base64 in mail (RFC 2045), and MLflow writes them.
    plain = text.replace("\r\n", "").replace("\n", "")
    try:
        if rules.lenient:
            return base64.b64decode(plain)
        content = base64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("binary (base64 text)", describe(text)) from None
    if base64.b64encode(content).decode() != plain:
        raise Refused("binary (base64 text)", describe(text))
    return content


def _datetime(value: Any, rules: Rules) -> np.datetime64:
    moment = _moment(value, rules)
    if moment is None:
        wanted = "datetime (ISO 8601 text, years 1677 to 2262)" if rules.on_the_wire else "datetime"
        raise Refused(wanted, describe(value))
    return np.datetime64(moment, "ns")


def _moment(value: Any, rules: Rules) -> int | None:
    if isinstance(value, str):
        return _moments.from_text(value) if rules.on_the_wire or rules.lenient else None
    if isinstance(value, np.datetime64):
        exact = _moments.from_numpy(np.array([value]))
        return None if exact is None else int(exact.astype(np.int64)[0])
    if isinstance(value, date) and not rules.on_the_wire:
        return _moments.from_date(value)
    if rules.lenient and rules.source == "json":
        # MLflow reads a number as nanoseconds.
        number = _whole_number(value, Rules("python"))
        return number if number is not None and abs(number) < 2**63 else None
    return None


_READERS: dict[DataType, Callable[[Any, Rules], Any]] = {
    DataType.boolean: _boolean,
    DataType.integer: _integer,
    DataType.long: _long,
    DataType.float: _float,
    DataType.double: _double,
    DataType.string: _string,
    DataType.binary: _binary,
    DataType.datetime: _datetime,
}


def _array(value: Any, type_: Array, *, required: bool, rules: Rules) -> Any:
    if isinstance(value, np.ndarray) and value.ndim > 0 and rules.source == "python":
        items = _items(list(value), type_, required=required, rules=rules)
        return _like(value, items, type_)
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


def _like(value: np.ndarray, items: list[Any], type_: Array) -> Any:
    """*items* as the array that *value* was, with the dtype of the type."""
    inner: ColumnType = type_
    while isinstance(inner, Array):
        inner = inner.items
    plain = isinstance(inner, DataType) and not any(item is None for item in items)
    if plain and inner not in (DataType.string, DataType.binary) and value.dtype.kind != "O":
        return np.array(items, dtype=inner.numpy)
    array = np.empty(len(items), dtype=object)
    for place, item in enumerate(items):
        array[place] = item
    return array


def _object(value: Any, type_: Object, rules: Rules) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Refused(type_, describe(value))
    known = {one.name: one for one in type_.properties}
    for name in value:
        if not isinstance(name, str) or name not in known:
            raise Refused(f"an object of {shorten(', '.join(known), 60)}", f"property {describe(name)}")
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


def _any(value: Any, rules: Rules) -> Any:
    """*value* itself; from the wire it must be text that UTF-8 can carry, all the way down."""
    if rules.source == "python":
        return value
    # A heap of work rather than recursion: the depth is the caller's choice.
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            proper_text(one)
        elif isinstance(one, float):
            _finite(one, rules)
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, Mapping):
            waiting.extend(one)
            waiting.extend(one.values())
    return value


def _finite(value: float, rules: Rules) -> None:
    # No JSON can say it: the parser made it of 1e999 or of a literal outside the standard.
    if rules.source == "json" and not np.isfinite(value) and not (rules.lenient and np.isnan(value)):
        raise Refused("a finite number", describe(value))
