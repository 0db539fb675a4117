"""Signatures: what a model takes and gives, inferred from examples and held against callers."""

from modelpack.schema.columns import ColumnSpec
from modelpack.schema.dtypes import AnyType, Array, ColumnType, DataType, Map, Object, Property
from modelpack.schema.enforce import enforce
from modelpack.schema.infer import SignatureWarning, infer_signature
from modelpack.schema.params import ParamSpec, enforce_params
from modelpack.schema.rules import Coerce
from modelpack.schema.signature import Schema, Signature
from modelpack.schema.table import Table
from modelpack.schema.tensors import TensorSpec

__all__ = [
    "AnyType",
    "Array",
    "Coerce",
    "ColumnSpec",
    "ColumnType",
    "DataType",
    "Map",
    "Object",
    "ParamSpec",
    "Property",
    "Schema",
    "Signature",
    "SignatureWarning",
    "Table",
    "TensorSpec",
    "enforce",
    "enforce_params",
    "infer_signature",
]
