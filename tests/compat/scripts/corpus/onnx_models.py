"""ONNX graphs, small ones made by hand."""

import mlflow
import numpy as np
import onnx
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec
from onnx import TensorProto, helper, numpy_helper

from corpus import QUICK, Entry, data

WEIGHTS = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]], np.float32)
FLOATS = data.matrix_asked.astype(np.float32)


def _graph(nodes, inputs, outputs, constants):
    made = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info(name, type_, shape) for name, type_, shape in inputs],
        [helper.make_tensor_value_info(name, type_, shape) for name, type_, shape in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model


linear = _graph(
    [helper.make_node("MatMul", ["x", "w"], ["y"])],
    [("x", TensorProto.FLOAT, ["n", 3])],
    [("y", TensorProto.FLOAT, ["n", 2])],
    {"w": WEIGHTS},
)
single = _graph(
    [helper.make_node("MatMul", ["x", "w"], ["y"])],
    [("x", TensorProto.DOUBLE, ["n", 3])],
    [("y", TensorProto.DOUBLE, ["n", 1])],
    {"w": np.array([[0.125], [0.25], [0.75]])},
)
sums = _graph(
    [helper.make_node("Add", ["left", "right"], ["sum"]), helper.make_node("Neg", ["left"], ["minus"])],
    [("left", TensorProto.DOUBLE, ["n", 1]), ("right", TensorProto.DOUBLE, ["n", 1])],
    [("sum", TensorProto.DOUBLE, ["n", 1]), ("minus", TensorProto.DOUBLE, ["n", 1])],
    {},
)
flat = _graph(
    [helper.make_node("Add", ["left", "right"], ["sum"]), helper.make_node("Neg", ["left"], ["minus"])],
    [("left", TensorProto.DOUBLE, ["n"]), ("right", TensorProto.DOUBLE, ["n"])],
    [("sum", TensorProto.DOUBLE, ["n"]), ("minus", TensorProto.DOUBLE, ["n"])],
    {},
)


def entries():
    for form in ("external", "inline"):
        yield _entry(f"linear-{form}", linear, FLOATS, form, "tensors", data.floats_signed, example="array")
    yield _entry("single", single, data.numbers_asked, "external", "columns", data.numbers_signed,
                 example="frame")  # fmt: skip
    yield _entry("wide", linear, data.numbers_asked.astype(np.float32), "inline", "columns",
                 ModelSignature(Schema([ColSpec("float", name) for name in "abc"])))  # fmt: skip
    yield _entry("unsigned", linear, FLOATS, "external", "none", None)
    yield _entry("unsigned-frame", single, data.numbers_asked, "inline", "none", False, example="frame")
    double = np.dtype("float64")
    named = Schema([TensorSpec(double, (-1, 1), name) for name in ("left", "right")])
    pair = {"left": data.matrix_asked[:, :1], "right": data.matrix_asked[:, 1:2]}
    yield _entry("named", sums, pair, "inline", "tensors", ModelSignature(named, named), example="dict")
    two = Schema([ColSpec("double", name) for name in ("left", "right")])
    frame = pd.DataFrame(data.matrix_asked[:, :2], columns=["left", "right"])
    yield _entry("pair", flat, frame, "external", "columns", ModelSignature(two, two))
    params = data.with_params(data.floats_signed, ("factor", "double", 1.5))
    yield _entry("params", linear, FLOATS, "external", "params", params, params={"factor": 2.0},
                 example="params")  # fmt: skip


def _entry(name, model, asked, form, kind, signature, *, params=None, example="none"):
    shown = {key: value[:2] for key, value in asked.items()} if isinstance(asked, dict) else asked[:2]

    def save(path):
        mlflow.onnx.save_model(
            model, path, signature=signature, save_as_external_data=form == "external",
            input_example={"none": None, "params": (shown, params)}.get(example, shown), **QUICK,
        )  # fmt: skip

    return Entry(f"onnx-{name}", form, kind, save, asked, params, example)
