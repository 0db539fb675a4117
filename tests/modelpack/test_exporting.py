"""A model's ONNX form on its way out: what is taken, what is compared anew, what is said."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import modelpack
from modelpack import Trust
from modelpack.errors import InvalidModel, NotConvertible, Untrusted
from modelpack.exporting import Export, Wishes, export
from modelpack.onnx.files import digest_of, native_digest
from modelpack.proof import Effort
from tests.modelpack.onnx.data import numbers
from tests.modelpack.proved import FEW, proved
from tests.modelpack.small import Doubler, frame

EFFORT = Effort(rows=400, seed=5)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))


def exported(path: Path, *, measure: bool = False, **wishes: Any) -> Export:
    return export(path, Wishes(**wishes), effort=EFFORT, trust=Trust(), measure=measure)


def network(folder: Path) -> tuple[Any, np.ndarray, Path]:
    """A network, whose weights can be quantised, saved with its form."""
    rows, targets = numbers()
    model = make_pipeline(
        StandardScaler(), MLPClassifier((64, 64), random_state=0, tol=0.5, n_iter_no_change=2)
    )
    model.fit(rows, targets["three"])
    options: dict[str, Any] = {"input_example": rows[:3], "reference_data": rows, "certify": FEW}
    return model, rows, modelpack.save(model, folder, requirements=["scikit-learn"], **options).path


def operators(form: bytes) -> set[str]:
    return {node.op_type for node in onnx.load_from_string(form).graph.node}


def test_the_certified_form_of_the_directory_is_taken_as_it_is(tmp_path: Path) -> None:
    path = proved(tmp_path / "m")
    made = exported(path)
    assert made.model == (path / "model.onnx").read_bytes()
    assert made.report.to_json() == (path / "modelpack.parity.json").read_text()
    assert made.uncertified == ()


def test_a_directory_without_a_form_stays_so_and_one_is_made(tmp_path: Path) -> None:
    path = proved(tmp_path / "m", certify=False)
    before = {one.name: one.read_bytes() for one in path.iterdir()}
    made = exported(path)
    assert made.report.certified == ("predict", "predict_proba")
    assert {one.name: one.read_bytes() for one in path.iterdir()} == before
    directory = modelpack.open_model(path)
    digests = {"native_digest": native_digest(directory), "onnx_digest": digest_of(made.model)}
    assert made.report.certifies("predict", **digests)


def test_speed_and_size_are_told(tmp_path: Path) -> None:
    made = exported(proved(tmp_path / "m"), measure=True)
    assert [one.rows for one in made.speeds] == [1, 1000]
    assert all(0 < one.onnx < one.native for one in made.speeds[:1])
    assert made.native_bytes > 10_000
    assert made.usual == {"predict": "the same", "predict_proba": "the same"}
    assert made.classes == ("goes", "stays")


def test_a_network_in_eight_bits_is_smaller_answers_otherwise_and_is_not_certified(tmp_path: Path) -> None:
    _, rows, path = network(tmp_path / "m")
    plain, small = exported(path), exported(path, quantize="dynamic")
    assert plain.uncertified == ()
    assert "MatMulInteger" in operators(small.model)
    assert len(small.model) < len(plain.model)
    assert small.report.certified == ()
    assert set(small.uncertified) == {"predict", "predict_proba"}
    assert small.report.onnx_digest == digest_of(small.model)
    assert small.usual["predict"].endswith("% the same")
    session = onnxruntime.InferenceSession(small.model)
    shares = session.run(["predict_proba"], {"X": rows.astype(np.float32)})[0]
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-3)


def test_sixteen_bits_likewise(tmp_path: Path) -> None:
    _, _, path = network(tmp_path / "m")
    plain, small = exported(path), exported(path, quantize="float16")
    assert len(small.model) < 0.6 * len(plain.model)
    assert "predict_proba" not in small.report.certified
    assert small.worst > 1e-6


@pytest.mark.parametrize("kind", ["dynamic", "float16"])
def test_where_quantizing_changes_nothing_that_is_said_and_the_form_stays(kind: str, tmp_path: Path) -> None:
    rows, targets = numbers()
    model = RandomForestRegressor(5, max_depth=4, random_state=0).fit(rows, targets["value"])
    options: dict[str, Any] = {"input_example": rows[:3], "requirements": ["scikit-learn"], "certify": FEW}
    path = modelpack.save(model, tmp_path / "m", **options).path
    made = exported(path, quantize=kind)
    assert made.notes[0].startswith("Quantizing changed nothing")
    assert made.model == (path / "model.onnx").read_bytes()
    assert made.report.certified == ("predict",)


def test_another_opset_is_compared_anew(tmp_path: Path) -> None:
    path = proved(tmp_path / "m")
    made = exported(path, opset=21)
    imports = {one.domain: one.version for one in onnx.load_from_string(made.model).opset_import}
    assert imports[""] == 21
    assert made.report.certified == ("predict", "predict_proba")
    assert made.report.opsets["ai.onnx"] == 21
    assert made.report.onnx_digest == digest_of(made.model)
    assert exported(path, opset=18).model == (path / "model.onnx").read_bytes()


@pytest.mark.parametrize("opset", [3, 12, 99])
def test_an_opset_that_nobody_knows_is_refused(opset: int, tmp_path: Path) -> None:
    with pytest.raises(NotConvertible, match=f"opset {opset}: give one from 13 to 27"):
        exported(proved(tmp_path / "m"), opset=opset)


@pytest.mark.parametrize("labels", ["text", "numbers"])
def test_probabilities_come_as_maps_where_they_are_wished_so(labels: str, tmp_path: Path) -> None:
    rows, targets = numbers()
    classes = targets["three"] if labels == "numbers" else np.array(["low", "mid", "top"])[targets["three"]]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, classes)
    options: dict[str, Any] = {"input_example": rows[:3], "requirements": ["scikit-learn"], "certify": FEW}
    path = modelpack.save(model, tmp_path / "m", **options).path
    made = exported(path, zipmap=True)
    assert made.report.certified == ("predict", "predict_proba")
    session = onnxruntime.InferenceSession(made.model)
    first = session.run(["predict_proba"], {"X": rows[:1]})[0][0]
    wanted = dict(zip(model.classes_.tolist(), model.predict_proba(rows[:1])[0], strict=True))
    assert first == pytest.approx(wanted, rel=1e-6)
    assert list(first) == list(wanted)


def test_classes_that_can_be_no_keys_leave_a_tensor_and_a_note(tmp_path: Path) -> None:
    rows, targets = numbers()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, targets["two"] > 0)
    options: dict[str, Any] = {"input_example": rows[:3], "requirements": ["scikit-learn"], "certify": FEW}
    path = modelpack.save(model, tmp_path / "m", **options).path
    made = exported(path, zipmap=True)
    assert "stay a tensor" in made.notes[0]
    assert made.model == (path / "model.onnx").read_bytes()


def test_a_form_that_differs_is_given_and_not_certified(tmp_path: Path) -> None:
    class Rounded(LinearRegression):  # type: ignore[misc]  # scikit-learn publishes no types
        """Answers otherwise than its class; what converts it cannot know."""

        def predict(self, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's name
            return np.asarray(super().predict(X)).round(2)

    rows, targets = numbers()
    model = Rounded().fit(rows, targets["value"])
    options: dict[str, Any] = {"input_example": rows[:3], "requirements": ["scikit-learn"], "certify": FEW}
    path = modelpack.save(model, tmp_path / "m", format="cloudpickle", **options).path
    assert not (path / "model.onnx").exists()
    made = export(path, effort=EFFORT, trust=Trust(pickle=True), measure=False)
    assert made.uncertified == ("predict",)
    assert made.report.methods["predict"].reason == "numbers differ"
    given = onnxruntime.InferenceSession(made.model).run(["predict"], {"X": rows})[0]
    np.testing.assert_allclose(given.round(2), model.predict(rows), atol=0.02)


def test_a_model_is_loaded_only_as_far_as_it_is_trusted(tmp_path: Path) -> None:
    path = proved(tmp_path / "m", format="cloudpickle", certify=False)
    with pytest.raises(Untrusted):
        exported(path)


def test_what_cannot_be_exported_says_why(tmp_path: Path) -> None:
    path = modelpack.save(Doubler(), tmp_path / "m", input_example=frame().head(2)).path
    with pytest.raises(NotConvertible, match="no converter for Doubler"):
        export(path, effort=EFFORT, trust=Trust(pickle=True, code=True))
    path = proved(tmp_path / "n", certify=False, input_example=None, signature=None)
    with pytest.raises(InvalidModel, match="no signature"):
        exported(path)
