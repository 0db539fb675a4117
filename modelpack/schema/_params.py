"""Declarations of parameters from their default values."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from modelpack.errors import InvalidSchema, shorten
from modelpack.schema._refusal import describe
from modelpack.schema._typing import Untypable, common_type, type_of
from modelpack.schema.dtypes import AnyType, DataType, Object
from modelpack.schema.params import ParamSpec


def infer_params(params: Mapping[str, Any] | None) -> tuple[ParamSpec, ...]:
    """A declaration for each of *params*, whose values become the defaults, as MLflow 3.17 infers it.

    Raises InvalidSchema for a value without a type: None, bytes, an empty list, lists of lists.
    """
    if params is None:
        return ()
    if not isinstance(params, Mapping):
        raise InvalidSchema(f"params are an object of names and defaults, not {describe(params)}")
    return tuple(_param(str(name), value) for name, value in params.items())


def _param(name: str, value: Any) -> ParamSpec:
    listed = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)
    try:
        type_ = common_type(value) if listed else type_of(value)
        if isinstance(type_, AnyType) and all(
            isinstance(one, float) for one in (value if listed else [value])
        ):
            # NaN is missing in a column, but a number as a default.
            type_ = DataType.double
    except Untypable as error:
        raise InvalidSchema(_message(name, str(error))) from None
    if isinstance(type_, DataType) or (isinstance(type_, Object) and not listed):
        return ParamSpec(name, type_, list(value) if listed else value, (-1,) if listed else None)
    what = (
        "nothing to tell its type"
        if isinstance(type_, AnyType)
        else f"a list of {type_}"
        if listed
        else str(type_)
    )
    raise InvalidSchema(_message(name, what))


def _message(name: str, what: str) -> str:
    return f"the param {shorten(repr(name), 60)} has no type ({what}); declare it with a ParamSpec"
