"""A signature as the rows of a table: each column, tensor and param, and what is inside of objects."""

from collections.abc import Iterator
from typing import Any

from modelpack.errors import shorten
from modelpack.schema import Array, Map, Object, ParamSpec, Schema, Signature

Row = tuple[str, str, str, str]
"""Part, name, type, and whether it is required."""


def rows_of(signature: Signature) -> Iterator[Row]:
    """Inputs, outputs and params, with what is in them below, indented: a member is ``.name``, one of each
    object in a list ``[].price``, of those in a map ``{}.amount``."""
    for part, schema in (("input", signature.inputs), ("output", signature.outputs)):
        if schema is not None:
            yield from ((part, *one) for one in _specs(schema))
    for param in signature.params:
        yield from (("param", *one) for one in _param(param))


def _specs(schema: Schema) -> Iterator[tuple[str, str, str]]:
    if schema.is_tensor:
        for name, tensor in zip(schema.names, schema.tensors, strict=True):
            yield str(name), f"tensor {tensor.dtype} {list(tensor.shape)}", "yes"
        return
    for name, column in zip(schema.names, schema.columns, strict=True):
        yield from _typed(str(name), column.type, required=column.required)


def _typed(name: str, type_: Any, *, required: bool, depth: int = 0) -> Iterator[tuple[str, str, str]]:
    yield "  " * depth + name, str(type_), "yes" if required else "no"
    yield from _members(type_, depth + 1)


def _members(type_: Any, depth: int) -> Iterator[tuple[str, str, str]]:
    lead = ""
    while isinstance(type_, Array | Map):
        if isinstance(type_, Array):
            lead, type_ = f"{lead}[]", type_.items
        else:
            lead, type_ = f"{lead}{{}}", type_.values
    if isinstance(type_, Object):
        for one in type_.properties:
            yield from _typed(f"{lead}.{one.name}", one.type, required=one.required, depth=depth)


def _param(param: ParamSpec) -> Iterator[tuple[str, str, str]]:
    kind = str(param.type) if param.shape is None else f"array of {param.type}"
    yield param.name, kind, f"no, default {shorten(repr(param.default), 60)}"
    yield from _members(param.type, 1)
