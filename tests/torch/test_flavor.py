"""The pytorch flavor: exported programs, weights of a class, pickles."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import modelpack
from modelpack.errors import InvalidModel, MissingDependency, NotFound, PredictionFailed, Untrusted
from modelpack.flavors.torch import FLAVOR
from modelpack.schema import Schema, Signature, TensorSpec
from modelpack.testing.flavors import FlavorContract
from modelpack.trust import Trust
from tests.torch.small import Branching, Net, asked, frame, net, pair, rows


class TestProgram(FlavorContract):
    """In the format that is not asked for."""

    name = "pytorch"

    def model(self) -> Any:
        return net()

    def data(self) -> Any:
        return rows()

    def expected(self) -> Any:
        return asked(net(), rows())

    def test_the_native_model_comes_back(self, saved: modelpack.ModelDirectory) -> None:
        module = modelpack.load(saved.path)
        assert isinstance(module, torch.nn.Module)
        np.testing.assert_array_equal(asked(module, rows()), self.expected())


def saved(model: Any, folder: Path, **options: Any) -> Path:
    given: dict[str, Any] = {"input_example": rows()[:2], "requirements": []} | options
    return modelpack.save(model, folder / "model", **given).path


@pytest.mark.parametrize(
    ("options", "trust"),
    [
        pytest.param({}, Trust(), id="pt2"),
        pytest.param({"format": "state_dict"}, Trust(types=("tests.torch.small.Net",)), id="state_dict"),
        pytest.param({"format": "pickle"}, Trust(pickle=True), id="pickle"),
    ],
)
def test_each_format_answers_as_torch_does(options: dict[str, Any], trust: Trust, tmp_path: Path) -> None:
    path = saved(net(), tmp_path, **options)
    predictor = modelpack.load_predictor(path, trust=trust)
    for count in (1, 2, 5, 6):
        np.testing.assert_array_equal(predictor.predict(rows()[:count]), asked(net(), rows()[:count]))
    assert predictor.signature == modelpack.infer_signature(rows(), asked(net(), rows()))
    if trust != Trust():
        with pytest.raises(Untrusted) as met:
            modelpack.load(path)
        assert FLAVOR.needs(modelpack.open_model(path))[0] in met.value.allow


def test_columns_come_as_float32_and_go_as_a_frame(tmp_path: Path) -> None:
    predictor = modelpack.load_predictor(saved(net(), tmp_path, input_example=frame().head(1)))
    answer = predictor.predict(frame())
    assert isinstance(answer, pd.DataFrame)
    np.testing.assert_array_equal(answer.to_numpy(), asked(net(), np.asfortranarray(rows())))
    assert answer.dtypes.tolist() == [np.float32] * 3
    assert list(answer) == [0, 1, 2]


def test_a_single_row_of_example_leaves_the_number_of_rows_free(tmp_path: Path) -> None:
    predictor = modelpack.load_predictor(saved(net(), tmp_path, input_example=rows()[:1]))
    np.testing.assert_array_equal(predictor.predict(rows()), asked(net(), rows()))


def test_tensors_by_name_reach_arguments_by_name(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    example = {
        "picture": random.normal(size=(1, 1, 6, 6)).astype(np.float32),
        "codes": random.integers(0, 10, (1, 5)),
    }
    predictor = modelpack.load_predictor(saved(pair(), tmp_path, input_example=example))
    data = {
        "picture": random.normal(size=(3, 1, 6, 6)).astype(np.float32),
        "codes": random.integers(0, 10, (3, 5)),
    }
    with torch.no_grad():
        expected = pair()(**{name: torch.from_numpy(one) for name, one in data.items()})
    answer = predictor.predict(data)
    assert set(answer) == {"scores", "label"}
    for name, values in expected.items():
        np.testing.assert_array_equal(answer[name], values.numpy())


def test_a_module_is_saved_as_it_answers_and_goes_on_learning(tmp_path: Path) -> None:
    torch.manual_seed(5)
    module = Net()
    module(torch.randn(64, 4) * 2 + 1)
    assert module.training
    for form in ("pt2", "pickle"):
        path = saved(module, tmp_path / form, format=form)
        loaded = modelpack.load_predictor(path, trust=Trust(pickle=True))
        np.testing.assert_array_equal(loaded.predict(rows()), asked(net(), rows()))
    assert module.training
    assert module.drop.training


def test_a_program_that_is_exported_already_is_saved(tmp_path: Path) -> None:
    program = torch.export.export(net(), (torch.from_numpy(rows()),))
    path = saved(program, tmp_path, input_example=rows())
    np.testing.assert_array_equal(modelpack.load_predictor(path).predict(rows()), asked(net(), rows()))


def test_a_program_for_one_shape_takes_no_other(tmp_path: Path) -> None:
    fixed = Signature(inputs=Schema((TensorSpec(np.dtype(np.float32), (6, 4)),)))
    path = saved(net(), tmp_path, input_example=rows(), signature=fixed)
    predictor = modelpack.load_predictor(path)
    np.testing.assert_array_equal(predictor.predict(rows()), asked(net(), rows()))
    with pytest.raises(PredictionFailed, match="Guard failed"):
        predictor.run(rows()[:5], {})


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        pytest.param(net(), {"input_example": None}, "give input_example, or save it with", id="no example"),
        pytest.param(Branching(), {}, "cannot be exported .* format='state_dict'", id="no graph"),
        pytest.param(net(), {"model_config": {"width": 8}}, "format='state_dict'", id="arguments"),
        pytest.param(net().state_dict(), {}, "no flavor can save", id="a mapping"),
        pytest.param(torch.ones(2), {}, "saves a Module, not a Tensor", id="a tensor"),
        pytest.param(
            Net(5),
            {"format": "state_dict"},
            "is not made anew by its weights and model_config={}",
            id="width",
        ),
    ],
)
def test_what_cannot_be_saved_says_what_can(
    model: Any, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidModel, match=message):
        saved(model, tmp_path, **options)
    assert list(tmp_path.iterdir()) == []


def test_there_are_three_formats(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there are pt2, state_dict, pickle"):
        saved(net(), tmp_path, format="safetensors")


def test_what_cannot_be_exported_is_saved_as_weights(tmp_path: Path) -> None:
    path = saved(Branching(), tmp_path, format="state_dict")
    trust = Trust(types=("tests.torch.*",))
    assert type(modelpack.load(path, trust=trust)).__name__ == "Branching"


def test_a_class_is_made_with_the_arguments_that_were_kept(tmp_path: Path) -> None:
    torch.manual_seed(1)
    module = Net(5).eval()
    path = saved(module, tmp_path, format="state_dict", model_config={"width": 5})
    predictor = modelpack.load_predictor(path, trust=Trust(types=("tests.torch.small.Net",)))
    np.testing.assert_array_equal(predictor.predict(rows()), asked(module, rows()))


def test_a_class_that_comes_along_takes_trust_in_code(tmp_path: Path) -> None:
    module = tmp_path / "net_that_comes_along.py"
    module.write_text(Path(sys.modules[Net.__module__].__file__ or "").read_text())
    sys.path.insert(0, str(tmp_path))
    try:
        model = __import__(module.stem).Net()
        path = saved(model, tmp_path / "m", format="state_dict", code_paths=[module])
    finally:
        sys.path.remove(str(tmp_path))
        del sys.modules[module.stem]
    assert FLAVOR.needs(modelpack.open_model(path)) == ("code",)
    with pytest.raises(Untrusted, match="--trust code"):
        modelpack.load(path)
    assert type(modelpack.load(path, trust=Trust(code=True))).__module__ == module.stem


@pytest.mark.long
def test_a_pickle_holds_the_code_of_a_class_that_is_not_installed(tmp_path: Path) -> None:
    """What MLflow does: torch.load with the standard library's pickle."""
    path = saved(net(), tmp_path, format="pickle")
    assert (path / "data" / "pickle_module_info.txt").read_text() == "mlflow.pytorch.pickle_module"
    assert "cloudpickle.cloudpickle" in FLAVOR.mentions(modelpack.open_model(path))
    program = (
        "import sys; sys.modules['tests'] = sys.modules['modelpack'] = None\n"
        "import torch\n"
        f"model = torch.load({str(path / 'data' / 'model.pth')!r}, weights_only=False)\n"
        "print(type(model).__name__, model(torch.zeros(2, 4)).shape)\n"
    )
    environ = {"PYTHONPATH": str(Path(torch.__file__).parents[1])}
    told = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False
    )
    assert told.stdout == "Net torch.Size([2, 3])\n", told.stderr


def test_a_script_module_is_saved_as_mlflow_does(tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning, match="is deprecated"):
        scripted = torch.jit.trace(net(), torch.from_numpy(rows()))
    with pytest.raises(InvalidModel, match="a ScriptModule cannot be exported"):
        saved(scripted, tmp_path)
    path = saved(scripted, tmp_path, format="pickle")
    predictor = modelpack.load_predictor(path, trust=Trust(pickle=True))
    np.testing.assert_allclose(predictor.predict(rows()), asked(net(), rows()), rtol=1e-6)


def test_requirements_name_the_release_and_not_its_build(tmp_path: Path) -> None:
    path = saved(net(), tmp_path, requirements=None, signature=None)
    lines = (path / "requirements.txt").read_text().splitlines()
    assert f"torch=={torch.__version__.partition('+')[0]}" in lines
    assert not [line for line in lines if "+" in line or line.startswith(("scikit-learn", "modelpack"))]


def test_where_torch_is_missing_its_line_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(net(), tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingDependency, match="pip install torch"):
        modelpack.load(path)


def test_params_are_arguments_of_the_module(tmp_path: Path) -> None:
    class Scaled(torch.nn.Module):  # type: ignore[misc]  # torch is not where mypy looks
        def forward(self, x: torch.Tensor, times: float = 1.0) -> Any:
            return x * times

    signature = modelpack.infer_signature(rows(), rows(), {"times": 1.0})
    path = saved(Scaled(), tmp_path, format="pickle", signature=signature, input_example=None)
    predictor = modelpack.load_predictor(path, trust=Trust(pickle=True))
    np.testing.assert_array_equal(predictor.predict(rows(), {"times": 3.0}), rows() * 3)


def test_several_answers_without_names_are_numbered(tmp_path: Path) -> None:
    class Two(torch.nn.Module):  # type: ignore[misc]  # torch is not where mypy looks
        def forward(self, x: torch.Tensor) -> Any:
            return x.sum(1), [x.argmax(1)][0].bool()

    answer = modelpack.load_predictor(saved(Two(), tmp_path)).predict(rows())
    np.testing.assert_array_equal(answer["output_1"], rows().argmax(1).astype(bool))
    assert list(answer) == ["output_0", "output_1"]
