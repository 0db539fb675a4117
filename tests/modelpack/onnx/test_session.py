"""A session answers from bytes, from any thread, and says no where the model does."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from modelpack.errors import InvalidModel, Uncertified
from modelpack.onnx.domain import Domain
from modelpack.onnx.session import OnnxSession
from tests.modelpack.onnx.data import numbers
from tests.modelpack.onnx.forms import exact, matrix_signature

MATRIX, TARGETS = numbers()
MODEL = RandomForestClassifier(8, random_state=0).fit(MATRIX, TARGETS["three"])
FORM = exact(MODEL, matrix_signature(6))


def _session(domain: Domain | None = None) -> OnnxSession:
    assert FORM.model is not None
    assert FORM.layout is not None
    return OnnxSession(FORM.model.SerializeToString(), FORM.layout, domain or Domain())


def test_answers_come_from_many_threads_at_once() -> None:
    session = _session()
    with ThreadPoolExecutor(4) as pool:
        for start, got in enumerate(
            pool.map(lambda at: session.run(MATRIX[at : at + 9], "predict"), range(200))
        ):
            np.testing.assert_array_equal(got, MODEL.predict(MATRIX[start : start + 9]))


def test_two_threads_for_one_call_give_the_same_labels() -> None:
    assert FORM.model is not None
    assert FORM.layout is not None
    session = OnnxSession(FORM.model.SerializeToString(), FORM.layout, Domain(), threads=2)
    rows = np.tile(MATRIX, (10, 1))
    np.testing.assert_array_equal(session.run(rows, "predict"), MODEL.predict(rows))


def test_an_empty_batch_is_answered_by_nothing() -> None:
    assert _session().run(MATRIX[:0], "predict_proba").shape == (0, 3)


def test_a_method_that_the_form_has_not_is_left_to_the_native_engine() -> None:
    with pytest.raises(Uncertified, match="no decision_function"):
        _session().run(MATRIX, "decision_function")


def test_the_domain_is_held() -> None:
    session = _session(Domain(limit=1e30, refuses_missing=(2,), refuses_infinite=(2,)))
    rows = MATRIX[:3].copy()
    rows[1, 2] = np.nan
    with pytest.raises(ValueError, match="row 1, column 2"):
        session.run(rows, "predict")


def test_bytes_that_onnxruntime_refuses_are_an_invalid_model(capfd: pytest.CaptureFixture[str]) -> None:
    assert FORM.model is not None
    assert FORM.layout is not None
    broken = type(FORM.model)()
    broken.CopyFrom(FORM.model)
    broken.graph.node[0].op_type = "NoSuchOperator"
    session = OnnxSession(broken.SerializeToString(), FORM.layout, Domain())
    with pytest.raises(InvalidModel, match="onnxruntime refuses"):
        session.run(MATRIX, "predict")
    assert capfd.readouterr().err == ""
