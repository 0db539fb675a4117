"""A model from elsewhere is opened where a crash hurts nobody."""

import onnx
import pytest
from sklearn.ensemble import RandomForestClassifier

from modelpack.engines.trial import survive
from modelpack.errors import InvalidModel
from modelpack.onnx.parity import certify
from tests.modelpack.onnx.data import numbers
from tests.modelpack.onnx.forms import matrix_signature

MATRIX, TARGETS = numbers()
FORM, REPORT = certify(
    RandomForestClassifier(4, random_state=0).fit(MATRIX, TARGETS["two"]), matrix_signature(6), rows=200
)


def test_what_we_wrote_opens() -> None:
    assert FORM is not None
    survive(FORM.SerializeToString(), REPORT)


def test_a_tree_with_children_that_do_not_exist_is_refused_and_we_live_on() -> None:
    assert FORM is not None
    broken = onnx.ModelProto()
    broken.CopyFrom(FORM)
    tree = next(node for node in broken.graph.node if node.op_type == "TreeEnsemble")
    children = next(one for one in tree.attribute if one.name == "nodes_truenodeids")
    for place in range(len(children.ints)):
        children.ints[place] = 2**40
    with pytest.raises(InvalidModel, match="does not open"):
        survive(broken.SerializeToString(), REPORT)


def test_what_takes_too_long_is_refused() -> None:
    assert FORM is not None
    with pytest.raises(InvalidModel, match="was not open after"):
        survive(FORM.SerializeToString(), REPORT, seconds=0.001)
