"""What no runtime should be handed is refused before one sees it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import RandomForestClassifier

from modelpack.errors import InvalidModel
from modelpack.onnx import wire
from tests.modelpack.onnx.data import numbers
from tests.modelpack.onnx.forms import exact, matrix_signature


def _model() -> onnx.ModelProto:
    matrix, targets = numbers()
    model = exact(
        RandomForestClassifier(5, random_state=0).fit(matrix, targets["two"]), matrix_signature(6)
    ).model
    assert model is not None
    return model


GOOD = _model()


def _external(location: str) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", "0"), ("length", "1099511627776")):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value

    return change


def _external_in_attribute(model: onnx.ModelProto) -> None:
    tree = next(node for node in model.graph.node if node.op_type == "TreeEnsemble")
    splits = next(one for one in tree.attribute if one.name == "nodes_splits")
    splits.t.external_data.add().key = "location"


def _external_without_location(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].external_data.add().key = "location"


def _domain(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.evil"
    model.opset_import.append(helper.make_opsetid("com.evil", 1))


def _silent_domain(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.evil"


def _opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 9999


def _ir(model: onnx.ModelProto) -> None:
    model.ir_version = 10**6


def _dims(model: onnx.ModelProto) -> None:
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([2**40])


def _negative_dims(model: onnx.ModelProto) -> None:
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([-4])


def _empty(model: onnx.ModelProto) -> None:
    del model.graph.node[:]


def _no_opset(model: onnx.ModelProto) -> None:
    del model.opset_import[:]


def _function(model: onnx.ModelProto) -> None:
    function = model.functions.add()
    function.name, function.domain = "f", ""


def _training(model: onnx.ModelProto) -> None:
    model.training_info.add()


def _sparse(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.add()


def _nested(model: onnx.ModelProto) -> None:
    graph = onnx.GraphProto()
    for _ in range(8):
        outer = onnx.GraphProto()
        outer.node.append(helper.make_node("If", ["c"], ["y"], then_branch=graph))
        graph = outer
    model.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=graph))


def _hidden_in_a_branch(model: onnx.ModelProto) -> None:
    tensor = numpy_helper.from_array(np.zeros(2), "w")
    tensor.external_data.add().key = "location"
    branch = helper.make_graph([], "branch", [], [], [tensor])
    model.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=branch))


BAD = {
    "external-upwards": _external("../../../etc/passwd"),
    "external-absolute": _external("/etc/passwd"),
    "external-inside": _external("weights.bin"),
    "external-in-attribute": _external_in_attribute,
    "external-by-key-alone": _external_without_location,
    "external-in-a-branch": _hidden_in_a_branch,
    "other-domain": _domain,
    "other-domain-not-imported": _silent_domain,
    "opset-9999": _opset,
    "ir-version": _ir,
    "dims-of-2-to-40": _dims,
    "negative-dims": _negative_dims,
    "empty-graph": _empty,
    "no-opset": _no_opset,
    "functions": _function,
    "training": _training,
    "sparse": _sparse,
    "nested-too-deep": _nested,
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
def test_a_model_is_refused_for(change: Callable[[onnx.ModelProto], None]) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(GOOD)
    wire.check(model.SerializeToString())
    change(model)
    with pytest.raises(InvalidModel):
        wire.check(model.SerializeToString())


def test_what_we_write_passes() -> None:
    wire.check(GOOD.SerializeToString())


def test_bytes_that_are_cut_anywhere_are_refused() -> None:
    whole = GOOD.SerializeToString()
    graph = whole.index(b"\x3a")
    for end in [*range(60), *range(graph, len(whole), 997), len(whole) - 1]:
        with pytest.raises(InvalidModel):
            wire.check(whole[:end])


def test_bytes_that_are_changed_never_raise_anything_else() -> None:
    rng = np.random.default_rng(7)
    whole = bytearray(GOOD.SerializeToString())
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            damaged[place] = rng.integers(0, 256)
        try:
            wire.check(bytes(damaged))
        except InvalidModel:
            refused += 1
    assert refused > 0


def test_two_graphs_are_refused_because_readers_would_merge_them() -> None:
    whole = GOOD.SerializeToString()
    with pytest.raises(InvalidModel, match="one graph"):
        wire.check(whole + whole)


def test_a_part_keeps_the_outputs_it_is_asked_for_and_all_else() -> None:
    part = onnx.load_from_string(wire.with_outputs(GOOD.SerializeToString(), {"predict_proba"}))
    assert [one.name for one in part.graph.output] == ["predict_proba"]
    assert len(GOOD.graph.output) == 2
    assert list(part.graph.node) == list(GOOD.graph.node)
    assert list(part.graph.initializer) == list(GOOD.graph.initializer)
    assert list(part.opset_import) == list(GOOD.opset_import)


def test_looking_through_a_file_does_not_load_onnx(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(GOOD.SerializeToString())
    code = (
        "import sys, pathlib; from modelpack.onnx import wire;"
        f"wire.check(pathlib.Path({str(file)!r}).read_bytes()); print('onnx' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
