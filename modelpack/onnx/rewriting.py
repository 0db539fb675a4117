"""A finished graph put otherwise: in other versions of the operators, or with maps for probabilities."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, version_converter

from modelpack.errors import NotConvertible, shorten
from modelpack.onnx.graph import ML, ML_OPSET

OLDEST, NEWEST = 13, 27
"""Versions of ONNX's own operators that can be asked for."""


def with_opset(model: onnx.ModelProto, version: int) -> onnx.ModelProto:
    """*model* in *version* of ONNX's own operators; those of ``ai.onnx.ml`` stay. Raises NotConvertible."""
    if not OLDEST <= version <= NEWEST:
        raise NotConvertible(f"opset {version}: give one from {OLDEST} to {NEWEST}")
    try:
        made = _renumbered(model, version) or version_converter.convert_version(model, version)
        onnx.checker.check_model(made, full_check=True)
    except Exception as error:
        why = shorten(f"{type(error).__name__}: {error}", 200)
        raise NotConvertible(f"the graph cannot be written in opset {version}: {why}") from error
    del made.graph.value_info[:]
    return made


def _renumbered(model: onnx.ModelProto, version: int) -> onnx.ModelProto | None:
    """*model* with another number, where that changes none of its operators; else None."""
    before = next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    for operator in {node.op_type for node in model.graph.node if node.domain in ("", "ai.onnx")}:
        old, new = (onnx.defs.get_schema(operator, number, "").since_version for number in (before, version))
        if old != new:
            return None
    made = onnx.ModelProto()
    made.CopyFrom(model)
    for one in made.opset_import:
        if one.domain in ("", "ai.onnx"):
            one.version = version
    return made


def with_maps(model: onnx.ModelProto, output: str, classes: Any) -> onnx.ModelProto | None:
    """*model* whose *output*, probabilities, is a list of maps from class to float32, as skl2onnx gives it.

    None where the *classes* can be no keys of such a map: only text and whole numbers can.
    """
    keys = _keys(classes)
    if keys is None:
        return None
    made = onnx.ModelProto()
    made.CopyFrom(model)
    inner = f"{output}/tensor"
    for node in made.graph.node:
        node.input[:] = [inner if name == output else name for name in node.input]
        node.output[:] = [inner if name == output else name for name in node.output]
    made.graph.node.append(
        helper.make_node("Cast", [inner], [f"{output}/single"], name=f"{output}/single", to=TensorProto.FLOAT)
    )
    made.graph.node.append(
        helper.make_node("ZipMap", [f"{output}/single"], [output], name=output, domain=ML, **keys.attributes)
    )
    for value in made.graph.output:
        if value.name == output:
            shares = helper.make_tensor_type_proto(TensorProto.FLOAT, [])
            value.type.CopyFrom(
                helper.make_sequence_type_proto(helper.make_map_type_proto(keys.kind, shares))
            )
    if all(one.domain != ML for one in made.opset_import):
        made.opset_import.append(helper.make_opsetid(ML, ML_OPSET))
    return made


@dataclass(frozen=True)
class _Keys:
    kind: int
    attributes: dict[str, Any]


def _keys(classes: Any) -> _Keys | None:
    table = np.asarray(classes)
    if table.ndim != 1:
        return None
    if table.dtype.kind in "iu":
        return _Keys(TensorProto.INT64, {"classlabels_int64s": [int(one) for one in table]})
    if table.dtype.kind in "OU" and all(isinstance(one, str) for one in table):
        return _Keys(TensorProto.STRING, {"classlabels_strings": [str(one) for one in table]})
    return None
