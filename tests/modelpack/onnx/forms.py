"""Runs a form of a model beside the model, for tests."""

from typing import Any

import numpy as np
import onnx

from modelpack.onnx.convert import Candidate, candidates
from modelpack.onnx.domain import Domain
from modelpack.onnx.native import native
from modelpack.onnx.session import OnnxSession
from modelpack.schema import Schema, Signature, Table, TensorSpec
from tests.modelpack.onnx.data import methods_of


def matrix_signature(width: int, dtype: str = "float64") -> Signature:
    """A plain array of *width* columns."""
    return Signature(inputs=Schema((TensorSpec(np.dtype(dtype), (-1, width)),)))


def exact(model: Any, signature: Signature, methods: tuple[str, ...] | None = None) -> Candidate:
    """The form that is written step by step; fails the test where there is none."""
    form = next(candidates(model, signature=signature, methods=methods or methods_of(model)))
    assert form.name == "exact"
    assert form.model is not None, form.problem
    onnx.checker.check_model(form.model, full_check=True)
    return form


def answers(form: Candidate, data: Table | np.ndarray, method: str) -> np.ndarray:
    """What *form* answers."""
    assert form.model is not None
    assert form.layout is not None
    return OnnxSession(form.model.SerializeToString(), form.layout, Domain()).run(data, method)


def assert_same(model: Any, form: Candidate, data: Table | np.ndarray, *, bits: bool = True) -> None:
    """All methods of *form* answer *data* as *model*: labels the same, numbers to the bit or to 1e-12."""
    assert form.layout is not None
    assert set(form.layout.outputs) == set(methods_of(model)), form.problems
    for method in form.layout.outputs:
        wanted = native(model)(data, method)
        got = answers(form, data, method).reshape(wanted.shape)
        if wanted.dtype.kind != "f" or bits:
            np.testing.assert_array_equal(got, wanted, err_msg=method)
        else:
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12, err_msg=method)
