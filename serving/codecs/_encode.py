"""The answers that models give most, as JSON without a step of Python for each row."""

import sys
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import orjson

from serving.codecs import _answer

_ARRAYS = orjson.OPT_SERIALIZE_NUMPY
_RECORDS = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


def encode(result: Any) -> bytes:
    """``{"predictions": …}``, byte for byte as ``serving.codecs._answer`` writes it, and sooner.

    Arrays of numbers and texts go to orjson as they are, alone or in a dict, frames and series by column; all
    else goes to that module. Raises UnencodableResult.
    """
    try:
        quick = _quick(result)
    except orjson.JSONEncodeError:
        # Half a surrogate pair, or what has no form in JSON at all.
        quick = None
    return _answer.encode(result) if quick is None else quick


def _quick(result: Any) -> bytes | None:
    if type(result) is np.ndarray:
        simple = _array(result)
        return None if simple is None else orjson.dumps({"predictions": simple}, option=_ARRAYS)
    if type(result) is dict:
        parts = {name: _array(part) for name, part in result.items() if type(name) is str}
        if len(parts) < len(result) or any(part is None for part in parts.values()):
            return None
        return orjson.dumps({"predictions": parts}, option=_ARRAYS)
    records = _records(result)
    if records is None:
        return None
    return orjson.dumps({"predictions": records}, default=_answer.simplify, option=_RECORDS)


def _array(array: Any) -> Any:
    """*array* as orjson takes it; None when it does not."""
    if type(array) is not np.ndarray or array.ndim == 0:
        return None
    match array.dtype.kind:
        case "b" | "i" | "u":
            return np.ascontiguousarray(array, array.dtype.newbyteorder("="))
        case "f" if array.itemsize <= 8:
            # Wider first: orjson writes as few digits as a float32 needs, and these are another number.
            return np.ascontiguousarray(array, np.float64)
        case "U":
            return array.tolist()
    return None


def _records(result: Any) -> list[dict[str, Any]] | None:
    """The rows of a DataFrame or Series as objects; None for anything else."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return None
    if isinstance(result, pandas.Series):
        return _rows(["0" if result.name is None else str(result.name)], [result.tolist()])
    if not isinstance(result, pandas.DataFrame):
        return None
    names = [str(name) for name in result.columns]
    if not names or len(set(names)) < len(names):
        return None
    return _rows(names, [column.tolist() for _, column in result.items()])


def _rows(names: Sequence[str], columns: Iterable[list[Any]]) -> list[dict[str, Any]]:
    return [*map(dict, map(zip, repeat(names), zip(*columns, strict=True)))]
