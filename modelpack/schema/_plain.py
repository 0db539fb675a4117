"""JSON values without a declared type, as arrays where all of them are of one kind."""

from itertools import chain
from typing import Any

from modelpack.errors import SchemaMismatch
from modelpack.schema._arrays import guess_column
from modelpack.schema._refusal import Refused
from modelpack.schema._scalars import proper_value
from modelpack.schema.rules import Rules

_DEEPEST = 64
"""Dimensions; numpy has no more."""

_JSON = Rules("json")


def plain_value(value: Any) -> Any:
    """A list as an array, an object as a dict of arrays, a list of objects as it is, one value as an array.

    As MLflow 3.17, but nothing turns into text: lists of several kinds become arrays of objects. Raises
    SchemaMismatch for ragged lists.
    """
    if isinstance(value, dict):
        return {str(name): _array(one) for name, one in value.items()}
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return _checked(value)
    return _array(value)


def _checked(value: Any) -> Any:
    try:
        return proper_value(value, _JSON)
    except Refused as refusal:
        raise refusal.at(None, None) from None


def _array(value: Any) -> Any:
    shape: list[int] = []
    level = [value]
    while level and len(shape) <= _DEEPEST and all(isinstance(one, list) for one in level):
        lengths = set(map(len, level))
        if len(lengths) > 1:
            raise SchemaMismatch(wanted="rows of one length", got=f"lengths {min(lengths)} to {max(lengths)}")
        shape.append(lengths.pop())
        level = list(chain.from_iterable(level))
    if any(isinstance(one, list) for one in level):
        wanted = f"lists in at most {_DEEPEST} levels" if len(shape) > _DEEPEST else "rows of one depth"
        raise SchemaMismatch(wanted=wanted, got="lists beside values")
    return guess_column(level, _JSON).reshape(shape)
