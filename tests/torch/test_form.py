"""The ONNX form of a module: what is certified, and what torch answers itself."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

import modelpack
from modelpack.onnx import network, parity
from modelpack.onnx.convert import Candidate
from modelpack.onnx.files import read_report
from modelpack.onnx.report import SINGLE, TOLERANCE, Report
from modelpack.proof import asking
from modelpack.trust import Trust
from tests.torch.environment import with_torch
from tests.torch.small import Branching, asked, frame, net, rows

EFFORT = {"rows": 1_500, "seed": 4}
WIDE = np.random.default_rng(2).normal(size=(50, 20)).astype(np.float32)


def saved(model: Any, folder: Path, **options: Any) -> modelpack.ModelDirectory:
    given: dict[str, Any] = {"input_example": rows(), "requirements": [], "certify": EFFORT} | options
    return modelpack.save(model, folder / "model", **given)


def report_of(directory: modelpack.ModelDirectory) -> Report:
    report = read_report(directory)
    assert report is not None
    return report


class Layers(torch.nn.Sequential):  # type: ignore[misc]  # torch is not where mypy looks
    """A network of layers that round in different ways; answers scores or labels."""

    def __init__(self, answer: str) -> None:
        torch.manual_seed(3)
        super().__init__(
            torch.nn.Linear(20, 64),
            torch.nn.Tanh(),
            torch.nn.LayerNorm(64),
            torch.nn.Linear(64, 64),
            torch.nn.GELU(),
            torch.nn.Linear(64, 5),
        )
        self.answer = answer

    def forward(self, x: torch.Tensor) -> Any:
        scores = torch.softmax(super().forward(x), -1)
        return scores.argmax(-1) if self.answer == "label" else scores


@pytest.mark.parametrize("answer", ["scores", "label"])
def test_a_module_over_a_matrix_is_certified(answer: str, tmp_path: Path) -> None:
    directory = saved(Layers(answer), tmp_path, input_example=WIDE)
    report = report_of(directory)
    assert report.certified == ("predict",)
    assert (report.tolerance, report.floor) == (TOLERANCE, SINGLE)
    assert (
        json.loads(report.to_json())["tolerance"]["floor"] == "1e-06 of the greatest number on ordinary rows"
    )
    assert report.rows["random"] == 1_500
    assert report.rows["missing"] > 100
    assert report.rows["extreme"] > 100
    native = modelpack.load_predictor(directory.path)
    onnx_form = modelpack.load_predictor(directory.path, engine="onnx")
    for count in (1, 2, 3, 50):
        one, other = native.predict(WIDE[:count]), onnx_form.predict(WIDE[:count])
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=TOLERANCE, atol=SINGLE * np.abs(one).max())


def test_the_bound_is_what_torch_itself_keeps() -> None:
    """One row alone and that row among many differ in torch, too, and by less than is allowed."""
    module = Layers("scores").eval()
    together = asked(module, WIDE)
    alone = np.concatenate([asked(module, WIDE[place : place + 1]) for place in range(len(WIDE))])
    assert (together != alone).any()
    assert np.abs(together - alone).max() <= SINGLE * np.abs(together).max()


def test_a_program_is_certified_where_it_lies(certified: Path) -> None:
    assert report_of(modelpack.open_model(certified)).certified == ("predict",)
    assert modelpack.open_model(certified).findings() == []


def test_with_the_form_nothing_of_torch_is_imported(certified: Path) -> None:
    program = (
        "import sys, numpy, modelpack\n"
        f"predictor = modelpack.load_predictor({str(certified)!r}, engine='onnx')\n"
        f"print(predictor.predict(numpy.array({rows().tolist()!r}, numpy.float32)).tolist())\n"
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], env=with_torch({}), capture_output=True, check=False
    )
    assert told.returncode == 0, told.stderr.decode()[-2000:]
    np.testing.assert_allclose(json.loads(told.stdout), asked(net(), rows()), rtol=1e-6, atol=1e-6)


def test_the_form_tells_nothing_of_the_machine_and_is_the_same_again(certified: Path) -> None:
    form = (certified / "model.onnx").read_bytes()
    assert b".py" not in form
    signature = modelpack.open_model(certified).signature
    assert signature is not None
    module = modelpack.load(certified)
    (again,) = network.candidates(module, signature=signature, methods=("predict",))
    assert again.model is not None
    assert again.model.SerializeToString(deterministic=True) == form


@pytest.mark.parametrize("change", [0.0, 1e-5, -1e-3])
def test_a_form_with_another_weight_is_found_out(change: float, certified: Path) -> None:
    view = modelpack.open_model(certified)
    assert view.signature is not None
    proto = onnx.load(certified / "model.onnx")
    for tensor in proto.graph.initializer:
        if tensor.name == "last.bias":
            values = onnx.numpy_helper.to_array(tensor).copy()
            values[1] += change
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    _, report = parity.certify(
        net(),
        view.signature,
        example=rows(),
        rows=500,
        native=asking(view, "pytorch", net(), ("predict",)),
        forms=[Candidate("other", proto, report_of(view).layout)],
    )
    assert report.certified == (() if change else ("predict",))
    assert ("numbers differ" in report.methods["predict"].reason) is bool(change)


@pytest.mark.parametrize(
    ("model", "options", "reason"),
    [
        pytest.param(net(), {"input_example": frame()}, "columns are answered with a frame", id="columns"),
        pytest.param(
            torch.nn.Conv2d(1, 1, 2),
            {"input_example": np.zeros((2, 1, 4, 4), np.float32)},
            "a tensor that is no matrix",
            id="pictures",
        ),
        pytest.param(
            torch.nn.Embedding(10, 4),
            {"input_example": np.arange(6, dtype=np.int32).reshape(3, 2)},
            "the form answers what the model refuses",
            id="codes",
        ),
        pytest.param(Branching(), {"format": "pickle"}, "torch does not write this module", id="branches"),
        pytest.param(
            torch.nn.Linear(4, 1),
            {"input_example": None, "format": "pickle"},
            "without a signature",
            id="none",
        ),
    ],
)
def test_what_is_not_certified_is_answered_by_torch(
    model: Any, options: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    directory = saved(model, tmp_path, **options)
    report = report_of(directory)
    assert report.certified == ()
    assert reason in report.methods["predict"].reason
    assert not (directory.path / "model.onnx").exists()
    predictor = modelpack.load_predictor(directory.path, engine="auto", trust=Trust(pickle=True))
    assert isinstance(predictor.model, torch.nn.Module)
