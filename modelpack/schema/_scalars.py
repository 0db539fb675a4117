"""One value held to one scalar type: it arrives unchanged, or is refused."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from modelpack.schema import _moments
from modelpack.schema._refusal import Refused, describe
from modelpack.schema.dtypes import DataType
from modelpack.schema.rules import Rules

_BOUNDS = {DataType.integer: (-(2**31), 2**31 - 1), DataType.long: (-(2**63), 2**63 - 1)}
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DIGITS = re.compile(r"[+-]?[0-9]+")
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_LONGEST_NUMBER = 400
"""Characters; the greatest double has 309 digits, and longer texts only cost time."""

_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def read_scalar(value: Any, type_: DataType, rules: Rules) -> Any:
    """*value*, which is not missing, as *type_*: a Python value, or a ``datetime64[ns]``. Raises Refused."""
    if isinstance(value, np.timedelta64):
        # numpy calls it a whole number.
        raise Refused(type_, describe(value))
    return _READERS[type_](value, rules)


def _boolean(value: Any, rules: Rules) -> bool:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if rules.source == "text":
        if value in _TRUTHS:
            return _TRUTHS[value]
        if rules.lenient and (number := _whole_number(value, rules)) in (0, 1):
            return bool(number)
    elif rules.source == "json" and rules.lenient and isinstance(value, int | float | str):
        return bool(value)
    raise Refused(DataType.boolean, describe(value))


def _integer(value: Any, rules: Rules) -> int:
    return _whole(value, DataType.integer, rules)


def _long(value: Any, rules: Rules) -> int:
    return _whole(value, DataType.long, rules)


def _whole(value: Any, type_: DataType, rules: Rules) -> int:
    low, high = _BOUNDS[type_]
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
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        return _whole_of_text(value, rules)
    return None


def _whole_of_text(text: str, rules: Rules) -> int | None:
    if rules.source == "json":
        return int(text) if rules.lenient and _DIGITS.fullmatch(text) else None
    if rules.source == "python":
        return None
    if rules.lenient and text in _TRUTHS:
        return int(_TRUTHS[text])
    if _DIGITS.fullmatch(text):
        return int(text)
    return _whole_decimal(Decimal(text)) if _DECIMAL.fullmatch(text) else None


def _whole_decimal(value: Decimal) -> int | None:
    # 1e999999999 is a short text and an endless number.
    if not value.is_finite() or value.adjusted() > 20 or value != value.to_integral_value():
        return None
    return int(value)


def _float(value: Any, rules: Rules) -> float:
    return _real(value, DataType.float, rules)


def _double(value: Any, rules: Rules) -> float:
    return _real(value, DataType.double, rules)


def _real(value: Any, type_: DataType, rules: Rules) -> float:
    if isinstance(value, bool | np.bool_):
        if rules.lenient and rules.source == "json":
            return float(value)
    elif isinstance(value, int | np.integer):
        return _real_of_whole(int(value), type_, rules)
    elif isinstance(value, float | np.floating):
        # No JSON can say infinity: the parser made it of 1e999 or of a literal outside the standard.
        if rules.source != "json" or bool(np.isfinite(value)):
            return _real_of_float(value, type_, rules)
    elif isinstance(value, Decimal):
        if value.is_finite() and (rules.lenient or Decimal(float(value)) == value):
            return _real_of_float(float(value), type_, rules)
    elif isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        return _real_of_text(value, type_, rules)
    raise Refused(type_, describe(value))


def _real_of_whole(value: int, type_: DataType, rules: Rules) -> float:
    try:
        near = float(value) if type_ is DataType.double else _single(float(value))
    except OverflowError:
        near = float("inf")
    if np.isfinite(near) and (int(near) == value or (rules.lenient and rules.on_the_wire)):
        return near
    raise Refused(f"a number that {type_} can hold exactly", describe(value))


def _real_of_float(value: Any, type_: DataType, rules: Rules) -> float:
    wide = float(value)
    if wide != value and not np.isnan(value):
        raise Refused(f"a number that {type_} can hold exactly", describe(value))
    if type_ is DataType.double or np.isnan(value):
        return wide
    near = _single(wide)
    if rules.on_the_wire:
        if np.isinf(near) and not np.isinf(wide):
            raise Refused(f"{type_} (at most 3.4e38)", describe(value))
    elif near != wide:
        raise Refused(f"a number that {type_} can hold exactly", describe(value))
    return near


def _real_of_text(text: str, type_: DataType, rules: Rules) -> float:
    if rules.source == "text" or (rules.source == "json" and rules.lenient):
        if _DIGITS.fullmatch(text):
            return _real_of_whole(int(text), type_, rules)
        if _DECIMAL.fullmatch(text) and np.isfinite(float(text)):
            return _real_of_float(float(text), type_, rules)
    if rules.source == "text":
        # What pandas writes for an infinite number.
        if _INFINITY.fullmatch(text):
            return float(text)
        if rules.lenient and text in _TRUTHS:
            return float(_TRUTHS[text])
    raise Refused(type_, describe(text))


def _single(value: float) -> float:
    with np.errstate(over="ignore", under="ignore"):
        return float(np.float32(value))


def _string(value: Any, rules: Rules) -> Any:
    if isinstance(value, str):
        return proper_text(value)
    if rules.lenient:
        return proper_value(value, rules)
    raise Refused(DataType.string, describe(value))


def proper_text(value: str) -> str:
    """*value* as a plain ``str``; refuses half a surrogate pair, which no UTF-8 can carry."""
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused("text", "half a surrogate pair, which is no character") from None
    return str(value)


def proper_value(value: Any, rules: Rules) -> Any:
    """*value* of any kind; from the wire its texts must be UTF-8 and its numbers finite, all the way down."""
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
    if not np.isfinite(value) and not (rules.lenient and np.isnan(value)):
        raise Refused("a finite number", describe(value))


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
        content = base64.b64decode(plain, validate=not rules.lenient)
    except (binascii.Error, ValueError):
        raise Refused("binary (base64 text)", describe(text)) from None
    if not rules.lenient and base64.b64encode(content).decode() != plain:
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
    if rules.lenient and rules.source == "json" and not isinstance(value, bool):
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
