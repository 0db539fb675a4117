"""JSON text that says one thing only: no doubled keys, no NaN, no depth without end, no rounded integers."""

import json
from collections import Counter
from typing import Any, NoReturn

import numpy as np
import orjson

from modelpack.errors import shorten
from serving.errors import InvalidRequest

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Integers of 19 digits and more may not fit 64 bits, and then orjson rounds them to floats in silence.
_LONGEST_EXACT = 18
_DIGITS_TO_ZERO = bytes(ord("0") if chr(byte).isdigit() else byte for byte in range(128)) + bytes(
    range(128, 256)
)
_LONG_NUMBER = b"0" * (_LONGEST_EXACT + 1)

_NOT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_STEPS = np.zeros(256, dtype=np.int8)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1
_CHUNK = 1 << 20


def parse(body: bytes, *, depth_limit: int) -> Any:
    """The value of *body*, exactly as the standard library reads it; raises InvalidRequest.

    Refused beyond RFC 8259's grammar: a key twice in one object, ``NaN`` and ``Infinity``, numbers too large
    for a double, more than *depth_limit* levels, and encodings other than UTF-8. A byte order mark is skipped
    (RFC 8259 section 8.1 lets a reader choose).
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    value = _parse_fast(body)
    return _parse_with_care(body, depth_limit) if value is _UNSURE else value


_UNSURE = object()


def _parse_fast(body: bytes) -> Any:
    """What orjson reads, when it can be proved that nothing was lost, and no deeper than four levels.

    orjson keeps the last of doubled keys; but every key has one colon and every container one opening bracket
    outside of strings. So when there are no more of these in the whole text than there are keys and
    containers in the value, no key was dropped and no container lies deeper than the ones counted.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _UNSURE
    keys, containers = _census(value)
    if body.count(b":") != keys or body.count(b"{") + body.count(b"[") != containers:
        return _UNSURE
    if _LONG_NUMBER in body.translate(_DIGITS_TO_ZERO):
        return _UNSURE
    return value


def _census(value: Any) -> tuple[int, int]:
    """How many keys and containers *value* has in its upper four levels."""
    keys = containers = 0
    level = [value]
    for _ in range(4):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                keys += len(one)
                containers += 1
                inner.extend(one.values())
            elif isinstance(one, list):
                containers += 1
                inner.extend(one)
        level = [one for one in inner if isinstance(one, dict | list)]
    return keys, containers


def _parse_with_care(body: bytes, depth_limit: int) -> Any:
    if _is_deeper(body, depth_limit):
        raise InvalidRequest(f"the JSON is nested more than {depth_limit} levels deep")
    try:
        return json.loads(
            body.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite
        )
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not UTF-8: byte {error.start} fits no character") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidRequest(f"the body is not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise InvalidRequest(f"the JSON is nested more than {depth_limit} levels deep") from None
    except ValueError as error:
        raise InvalidRequest(f"the body is not JSON: {shorten(str(error), 120)}") from None


def _is_deeper(body: bytes, limit: int) -> bool:
    """Whether brackets outside of strings are nested more than *limit* deep; what is malformed may pass."""
    if body.count(b"[") + body.count(b"{") <= limit:
        return False
    # Escaped backslashes go first: what is left before a quote then tells whether that ends its string.
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in body else body
    outside = b"".join(bare.translate(None, _NOT_STRUCTURE).split(b'"')[::2])
    steps = _STEPS[np.frombuffer(outside, dtype=np.uint8)]
    depth = 0
    for start in range(0, len(steps), _CHUNK):
        levels = np.cumsum(steps[start : start + _CHUNK], dtype=np.int64) + depth
        if levels.max() > limit:
            return True
        depth = int(levels[-1])
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise InvalidRequest(f"the key {shorten(repr(twice), 60)} stands twice in one JSON object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidRequest(f"{name} is not JSON; write null for a missing number")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise InvalidRequest(f"the number {shorten(text, 40)} is too large for a double")
    return value
