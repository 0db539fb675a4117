"""A graph made smaller by coarser numbers: eight bits for weights, or sixteen for all."""

import logging
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto

from modelpack.errors import MissingDependency, NotConvertible, shorten
from modelpack.onnx.narrowing import narrowed

Quantization = Literal["dynamic", "float16"]
KINDS: tuple[Quantization, ...] = ("dynamic", "float16")

_WORTHWHILE = 64
"""Numbers that must be halved to speak of a change: a divisor after trees is none."""

_PRODUCTS = ["MatMul"]
"""What is run on eight bits; a ``Gemm`` is cut into one before. Look-ups of leaves are left alone: eight bits
for a table of answers would be another model."""


def quantized(model: onnx.ModelProto, kind: Quantization) -> onnx.ModelProto | None:
    """*model* with coarser numbers, or None where there is nothing that *kind* would change.

    ``dynamic`` keeps the weights of products in eight bits and rounds what they are multiplied with at each
    call. ``float16`` keeps and computes everything in half precision, but for what no runtime has in it:
    trees and tables. Both begin with single precision. Raises NotConvertible, MissingDependency.
    """
    return _dynamic(model) if kind == "dynamic" else _half(model)


def _dynamic(model: onnx.ModelProto) -> onnx.ModelProto | None:
    weights = {one.name for one in model.graph.initializer}
    products = [
        node
        for node in model.graph.node
        if node.op_type in ("MatMul", "Gemm") and any(name in weights for name in node.input)
    ]
    if not products:
        return None
    with _quietly("onnxruntime.quantization"), tempfile.TemporaryDirectory() as scratch:
        try:
            from onnxruntime.quantization import quantize_dynamic
        except ModuleNotFoundError as error:
            raise MissingDependency(
                "quantizing", package=error.name or "onnxruntime", extra="onnx"
            ) from error
        path = Path(scratch) / "model.onnx"
        try:
            quantize_dynamic(narrowed(model), path, op_types_to_quantize=_PRODUCTS)
        except NotConvertible:
            raise
        except Exception as error:
            raise _failed("dynamic", error) from error
        made = onnx.load(path)
    return _own(made, model)


def _half(model: onnx.ModelProto) -> onnx.ModelProto | None:
    with _quietly("onnxruntime.transformers"), _same_path():
        try:
            from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16
        except ModuleNotFoundError as error:
            raise MissingDependency(
                "quantizing", package=error.name or "onnxruntime", extra="onnx"
            ) from error
        try:
            made = convert_float_to_float16(
                narrowed(model), keep_io_types=True, op_block_list=[*DEFAULT_OP_BLOCK_LIST, "TreeEnsemble"]
            )
        except NotConvertible:
            raise
        except Exception as error:
            raise _failed("float16", error) from error
    halved = (one for one in made.graph.initializer if one.data_type == TensorProto.FLOAT16)
    if sum(prod(one.dims) for one in halved) < _WORTHWHILE:
        return None
    return _own(made, model)


def _own(made: onnx.ModelProto, model: onnx.ModelProto) -> onnx.ModelProto:
    """*made* as this package writes graphs: *model*'s producer, and no domains that no node is of."""
    used = {node.domain for node in made.graph.node} | {""}
    kept = [one for one in made.opset_import if one.domain in used]
    del made.opset_import[:]
    made.opset_import.extend(kept)
    made.producer_name, made.producer_version = model.producer_name, model.producer_version
    del made.metadata_props[:]
    del made.graph.value_info[:]
    return made


def _failed(kind: str, error: Exception) -> NotConvertible:
    return NotConvertible(f"quantizing ({kind}): {shorten(f'{type(error).__name__}: {error}', 200)}")


@contextmanager
def _quietly(name: str) -> Iterator[None]:
    """Without its advice to those who quantize networks."""
    root, own = logging.getLogger(), logging.getLogger(name)
    levels = root.level, own.level
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            root.setLevel(logging.ERROR)
            own.setLevel(logging.ERROR)
            yield
    finally:
        root.setLevel(levels[0])
        own.setLevel(levels[1])


@contextmanager
def _same_path() -> Iterator[None]:
    """The import of the converter puts its own folder among the places where modules are looked for."""
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = before
