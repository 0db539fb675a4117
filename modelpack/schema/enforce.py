"""Python values held to a schema: they arrive unchanged, or are refused."""

from typing import Any, TypeAlias

import numpy as np

from modelpack.schema._frame_tensors import frame_tensors
from modelpack.schema._frames import hold
from modelpack.schema._pandas import is_pandas
from modelpack.schema._shapes import from_dataframe, from_table, from_value
from modelpack.schema._tensors import read_tensors
from modelpack.schema.dtypes import AnyType
from modelpack.schema.rules import Coerce, Rules
from modelpack.schema.signature import Schema
from modelpack.schema.table import Table

__all__ = ["Coerce", "ModelInput", "enforce", "is_open"]

ModelInput: TypeAlias = Table | np.ndarray | dict[str, np.ndarray] | Any
"""A Table for columns, an array for a tensor, a dict of arrays for named tensors, anything for no schema."""


def enforce(data: Any, schema: Schema | None, *, coerce: Coerce = "lossless") -> ModelInput:
    """*data* as *schema* declares it; every value equals what it was.

    *data* may be a DataFrame, Series, array, dict, list, one value, scipy sparse matrix or Table. Without a
    schema, or with the one unnamed column of the type any that MLflow writes for "unknown", it passes as it
    is. Raises SchemaMismatch, which names row, column, what was expected and what was met.
    """
    if schema is None or is_open(schema):
        return data
    rules = Rules("python", coerce)
    if not schema.is_tensor:
        return hold(from_value(data, schema, rules), schema.columns, rules)
    if is_pandas(data, "DataFrame"):
        return frame_tensors(from_dataframe(data), schema.tensors, rules)
    if isinstance(data, Table):
        return frame_tensors(from_table(data), schema.tensors, rules)
    return read_tensors(data, schema.tensors, rules)


def is_open(schema: Schema) -> bool:
    """Whether *schema* is MLflow's way to say that nothing is known: one unnamed column of the type any."""
    return [spec.type for spec in schema.columns] == [AnyType()] and not schema.is_named
