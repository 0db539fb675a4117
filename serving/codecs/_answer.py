"""What models answer, as valid JSON in MLflow's shapes."""

import base64
import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import numpy as np
import orjson

from modelpack.schema import Table
from serving.errors import UnencodableResult

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


def encode(result: Any) -> bytes:
    """``{"predictions": …}``: frames as records, series as objects of one key, arrays as nested lists.

    The shapes are MLflow 3.17's; what it writes as ``NaN``, ``Infinity`` or ``NaT`` is null here, times are
    ISO 8601 text everywhere, bytes are base64 without a line end. Raises UnencodableResult.
    """
    try:
        return orjson.dumps({"predictions": result}, default=simplify, option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        cause = error.__cause__
        if isinstance(cause, UnencodableResult):
            raise cause from None
    # Rare things that orjson has no way for: integers beyond 64 bits, lone surrogates, odd keys.
    try:
        return json.dumps({"predictions": _plain(result)}, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UnencodableResult(f"the model's answer has no form in JSON: {error}") from error


def simplify(value: Any) -> Any:
    """*value* one step nearer to JSON; raises UnencodableResult."""
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.generic):
        return _array(np.asarray(value))
    if isinstance(value, Table):
        return simplify(value.frame())
    simple = _standard(value)
    if simple is not value:
        return simple
    foreign = _of_frameworks(value)
    if foreign is not value:
        return foreign
    raise UnencodableResult(f"the model's answer has no form in JSON: it holds a {type(value).__qualname__}")


def _array(array: "np.ndarray[Any, Any]") -> Any:
    if array.dtype.kind == "m":
        raise UnencodableResult("the model's answer has no form in JSON: it holds spans of time")
    if array.dtype.kind == "M":
        texts = np.asarray(np.datetime_as_string(array), dtype=object)
        texts[np.isnat(array)] = None
        return texts.tolist()
    return array.tolist()


def _standard(value: Any) -> Any:
    """The standard library's types."""
    if isinstance(value, date | time):
        # pandas' NaT is a datetime, and unlike itself.
        return None if value != value else value.isoformat()
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value)) if value.is_finite() else None
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: getattr(value, part.name) for part in fields(value)}
    return _of_json(value)


def _of_json(value: Any) -> Any:
    """Heirs of JSON's own types, and collections."""
    for kind in (str, int, float):
        if isinstance(value, kind) and type(value) is not kind:
            return kind(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return _sorted(value)
    if isinstance(value, list | tuple):
        return list(value)
    return value


def _sorted(values: Iterable[Any]) -> list[Any]:
    """A set has no order; the same set gives the same text."""
    values = list(values)
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=repr)


def _of_frameworks(value: Any) -> Any:
    """Pandas, pydantic, sparse matrices: known by what they are, never imported for it."""
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        if value is pandas.NA:
            return None
        if isinstance(value, pandas.DataFrame):
            return _records(value)
        if isinstance(value, pandas.Series):
            name = "0" if value.name is None else str(value.name)
            return [{name: cell} for cell in value.tolist()]
    for method in ("model_dump", "toarray", "tolist"):
        if hasattr(value, method):
            return getattr(value, method)()
    return value


def _records(frame: Any) -> list[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    if len(set(names)) != len(names):
        raise UnencodableResult("the model's answer has no form in JSON: two of its columns have one name")
    columns = [frame.iloc[:, number].tolist() for number in range(len(names))]
    if not columns:
        return [{} for _ in range(len(frame))]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    """The whole of *value* in JSON's own types, by hand."""
    if value is None or isinstance(value, bool) or type(value) in (str, int):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else None
    if type(value) is list:
        return [_plain(one) for one in value]
    if type(value) is dict:
        return {_key(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Decimal):
        return _plain(float(value))
    return _plain(simplify(value))


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    simple = _plain(key)
    return simple if isinstance(simple, str) else json.dumps(simple)
