"""The onnx flavor: bare ONNX models, whose files lie in the model's directory or nowhere."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper

import modelpack
from modelpack.directory import ModelDirectory, open_directory
from modelpack.errors import InvalidModel, PredictionFailed
from modelpack.flavors.audit import onnxfile
from modelpack.flavors.onnx import FLAVOR
from modelpack.schema import ColumnSpec, DataType, Schema, Signature
from modelpack.testing.flavors import FlavorContract
from modelpack.trust import Trust
from tests.modelpack.flavors.written import by_mlflow

WEIGHTS = np.random.default_rng(4).normal(size=(3, 2)).astype(np.float32)
ANY = Trust(pickle=True)
"""Spares the child process that opens a file of anyone's first."""


def model_of(nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: list[Any]) -> Any:
    graph = helper.make_graph(nodes, "model", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def value(name: str, shape: list[Any], kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def product() -> Any:
    """``Y = X @ WEIGHTS``, and ``first``, its first column."""
    nodes = [
        helper.make_node("MatMul", ["X", "W"], ["Y"]),
        helper.make_node("Gather", ["Y", "zero"], ["first"], axis=1),
    ]
    constants = [numpy_helper.from_array(WEIGHTS, "W"), numpy_helper.from_array(np.array([0]), "zero")]
    return model_of(
        nodes, [value("X", [None, 3])], [value("Y", [None, 2]), value("first", [None, 1])], constants
    )


def total() -> Any:
    """``sum = a + b``, of two columns, the second of whole numbers."""
    nodes = [
        helper.make_node("Cast", ["b"], ["b_float"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["a", "b_float"], ["sum"]),
    ]
    inputs = [value("a", [None, 1]), value("b", [None, 1], TensorProto.INT64)]
    return model_of(nodes, inputs, [value("sum", [None, 1])], [])


@functools.cache
def rows() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(4, 3)).astype(np.float32)


def columns() -> Schema:
    return Schema((ColumnSpec(DataType.double, "a"), ColumnSpec(DataType.long, "b")))


class TestColumns(FlavorContract):
    """One matrix of floats in, one number a row out."""

    name = "onnx"

    def model(self) -> Any:
        node = helper.make_node("ReduceSum", ["X"], ["sum"], keepdims=1, noop_with_empty_axes=0)
        node.input.append("axes")
        axes = numpy_helper.from_array(np.array([1]), "axes")
        return model_of([node], [value("X", [None, 2])], [value("sum", [None, 1])], [axes])

    def data(self) -> Any:
        return pd.DataFrame({"a": [1.5, 2.5], "b": [1.0, 2.0]})

    def expected(self) -> Any:
        return [[2.5], [4.5]]


def saved(folder: Path, model: Any = None, **options: Any) -> ModelDirectory:
    given: dict[str, Any] = {"input_example": rows(), "requirements": []} | options
    return modelpack.save(product() if model is None else model, folder, **given)


@pytest.mark.parametrize(
    ("form", "files"), [("onnx", {"model.onnx"}), ("external", {"model.onnx", "model.onnx.data"})]
)
def test_the_document_is_what_mlflow_writes(form: str, files: set[str], tmp_path: Path) -> None:
    model = product()
    source = saved(tmp_path / "model", model, format=form)
    assert source.document.flavors["onnx"] == {
        "onnx_version": onnx.__version__,
        "data": "model.onnx",
        "providers": ["CPUExecutionProvider"],
        "onnx_session_options": None,
        "code": None,
    }
    assert {path.name for path in source.path.iterdir() if path.name.startswith("model.")} == files
    # Writing leaves the caller's model as it was.
    assert model.SerializeToString(deterministic=True) == product().SerializeToString(deterministic=True)
    answers = modelpack.load_predictor(source.path, trust=ANY).predict(rows())
    np.testing.assert_array_equal(answers["Y"], rows() @ WEIGHTS)
    assert list(answers) == ["Y", "first"]


def test_columns_go_to_the_inputs_of_their_names(tmp_path: Path) -> None:
    signature = Signature(inputs=columns())
    source = saved(tmp_path / "model", total(), input_example=None, signature=signature)
    data = pd.DataFrame({"b": [1, 2], "a": [0.5, 0.25]})
    answer = modelpack.load_predictor(source.path, trust=ANY).predict(data)
    assert answer.to_dict("list") == {"sum": [1.5, 2.25]}


def test_a_frame_is_answered_by_a_frame_without_a_signature_too(tmp_path: Path) -> None:
    modelpack.save(total(), tmp_path / "m")
    frame = pd.DataFrame({"a": np.array([0.5, 2.0], np.float32), "b": [1, -1]})
    answer = modelpack.load_predictor(tmp_path / "m", trust=ANY).predict(frame)
    assert answer.to_dict("list") == {"sum": [1.5, 1.0]}


def test_several_numbers_a_row_are_answered_as_arrays(tmp_path: Path) -> None:
    names = Schema(tuple(ColumnSpec(DataType.double, name) for name in "abc"))
    source = saved(tmp_path / "model", input_example=None, signature=Signature(inputs=names))
    answer = modelpack.load_predictor(source.path, trust=ANY).predict(
        pd.DataFrame(rows(), columns=list("abc"))
    )
    assert {name: values.shape for name, values in answer.items()} == {"Y": (4, 2), "first": (4, 1)}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (np.zeros((2, 1)), "one array cannot be all of them"),
        ({"a": np.zeros((2, 1)), "c": np.zeros((2, 1))}, "no input 'c', but a, b"),
        ({"a": np.zeros((2, 1)), "b": np.zeros((2, 1))}, "'b' takes int64, got float64"),
        ({"a": np.array([["x"]]), "b": np.array([[1]])}, "'a' takes float32, got <U1"),
    ],
)
def test_what_does_not_fit_the_inputs_is_the_callers_fault(data: Any, said: str, tmp_path: Path) -> None:
    source = saved(tmp_path / "model", total(), input_example=None)
    with pytest.raises(PredictionFailed, match=said) as met:
        modelpack.load_predictor(source.path, trust=ANY).predict(data)
    assert met.value.blames_input


def test_a_provider_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    entries = {"providers": ["CUDAExecutionProvider", ["TensorrtExecutionProvider", {"x": 1}]]}
    source = by_mlflow(tmp_path / "model", "onnx", "model.onnx", product().SerializeToString(), **entries)
    np.testing.assert_array_equal(FLAVOR.predictor(None, source)(rows(), {})["Y"], rows() @ WEIGHTS)


def test_a_model_without_its_numbers_is_refused(tmp_path: Path) -> None:
    source = saved(tmp_path / "model", format="external", input_example=None)
    empty = onnx.load_model(str(source.path / "model.onnx"), load_external_data=False)
    with pytest.raises(InvalidModel, match="in files that it only names"):
        saved(tmp_path / "other", empty)
    with pytest.raises(InvalidModel, match="no valid ONNX"):
        saved(tmp_path / "other", onnx.ModelProto())
    with pytest.raises(InvalidModel, match="not a GraphProto"):
        saved(tmp_path / "other", product().graph)
    assert not (tmp_path / "other").exists()


def changed(source: ModelDirectory, change: Callable[[Any], None]) -> ModelDirectory:
    """*source* without manifest, after *change* of the entries of its one external tensor."""
    model = onnx.load_model(str(source.path / "model.onnx"), load_external_data=False)
    (tensor, *_) = onnxfile.external(model)
    change(tensor)
    (source.path / "model.onnx").write_bytes(model.SerializeToString())
    return open_directory(source.path)


def entry(name: str, text: str) -> Callable[[Any], None]:
    def change(tensor: Any) -> None:
        for one in tensor.external_data:
            if one.key == name:
                one.value = text
                return
        tensor.external_data.add(key=name, value=text)

    return change


@pytest.mark.parametrize(
    "change",
    [
        entry("location", "../../etc/passwd"),
        entry("location", "/etc/passwd"),
        entry("location", ""),
        entry("location", "link"),
        entry("location", "hard"),
        entry("location", "missing"),
        entry("offset", "-1"),
        entry("offset", "999999"),
        entry("length", "99999999999999999999"),
        entry("length", "1000"),
        entry("basepath", "/etc"),
        lambda tensor: tensor.dims.extend([2**40]),
        lambda tensor: tensor.external_data.add(key="location", value="model.onnx.data"),
    ],
)
def test_external_data_lie_inside_or_the_model_is_refused(
    change: Callable[[Any], None], tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(1 << 12))
    source = saved(tmp_path / "model", format="external", input_example=None)
    (source.path / "link").symlink_to(secret)
    os.link(secret, source.path / "hard")
    with pytest.raises(InvalidModel):
        FLAVOR.load(changed(source, change), ANY)


def test_a_file_that_a_runtime_would_stumble_over_stumbles_in_a_child(tmp_path: Path) -> None:
    broken = product()
    broken.graph.node[0].op_type = "NoSuchOperator"
    source = by_mlflow(tmp_path / "model", "onnx", "model.onnx", broken.SerializeToString())
    with pytest.raises(InvalidModel, match=r"the ONNX model does not open: .*NoSuchOperator"):
        FLAVOR.load(source, Trust())
    with pytest.raises(InvalidModel, match="onnxruntime refuses the model"):
        FLAVOR.predictor(None, source)


@pytest.mark.parametrize("content", [b"", b"no model" * 20])
def test_what_is_no_model_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    source = by_mlflow(tmp_path / "model", "onnx", "model.onnx", content)
    with pytest.raises(InvalidModel):
        FLAVOR.load(source, Trust())


def test_a_tensor_inside_a_branch_or_a_function_is_looked_at() -> None:
    model = product()
    inner = helper.make_graph([], "inner", [], [], [numpy_helper.from_array(np.zeros(1), "deep")])
    model.graph.node.add(op_type="If").attribute.append(helper.make_attribute("then_branch", inner))
    function = model.functions.add(name="f").node.add(op_type="Constant")
    function.attribute.append(
        helper.make_attribute("value", numpy_helper.from_array(np.zeros(1), "constant"))
    )
    assert {"W", "zero", "deep", "constant"} <= {tensor.name for tensor in onnxfile.tensors(model)}
