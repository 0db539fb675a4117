"""A loaded model that holds its callers to its signature."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelpack.directory import Document, ModelDirectory
from modelpack.errors import PredictionFailed, SchemaMismatch
from modelpack.predictor import Predictor
from modelpack.schema import ColumnSpec, DataType, ParamSpec, Schema, Signature, Table

SIGNATURE = Signature(
    inputs=Schema((ColumnSpec(DataType.long, "n"), ColumnSpec(DataType.double, "x", required=False))),
    params=(ParamSpec("k", DataType.long, 7),),
)


class Recorder:
    """Remembers what it was called with."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, Mapping[str, Any]]] = []

    def __call__(self, data: Any, params: Mapping[str, Any]) -> Any:
        self.seen.append((data, params))
        return "answer"


def predictor(call: Any, signature: Signature | None = SIGNATURE) -> Predictor:
    document = Document(flavors={"python_function": {}}, signature=signature)
    return Predictor(ModelDirectory(Path("/m"), document), flavor="python", model="native", predict=call)


def test_the_model_gets_what_its_signature_declares() -> None:
    call = Recorder()
    assert predictor(call).predict(pd.DataFrame({"extra": [0], "n": [2.0]}), {"k": 9}) == "answer"
    data, params = call.seen[0]
    assert isinstance(data, Table)
    assert data.columns["n"].dtype == np.int64
    assert "extra" not in data.columns
    assert params == {"k": 9}


def test_params_have_their_defaults() -> None:
    call = Recorder()
    predictor(call).predict({"n": [1]})
    assert call.seen[0][1] == {"k": 7}


@pytest.mark.parametrize(
    ("data", "params"), [({"n": [1.5]}, None), ({"x": [1.0]}, None), ({"n": [1]}, {"k": "many"})]
)
def test_what_the_signature_refuses_never_reaches_the_model(data: Any, params: Any) -> None:
    call = Recorder()
    with pytest.raises(SchemaMismatch):
        predictor(call).predict(data, params)
    assert call.seen == []


def test_the_lenient_table_is_there_when_it_is_asked_for() -> None:
    call = Recorder()
    strict = {"n": [1], "x": ["1.5"]}
    with pytest.raises(SchemaMismatch):
        predictor(call).predict(strict)
    predictor(call).predict({"n": [1], "extra": [1]}, {"unknown": 1}, coerce="mlflow")
    assert call.seen[0][1] == {"k": 7}


def test_without_a_signature_everything_passes() -> None:
    call = Recorder()
    predictor(call, None).predict([{"any": 1}], {"p": 1})
    predictor(call, None).predict("text")
    assert call.seen == [([{"any": 1}], {"p": 1}), ("text", {})]


def test_what_was_enforced_already_is_run_as_it_is() -> None:
    call = Recorder()
    predictor(call).run("anything", {"k": 1})
    assert call.seen == [("anything", {"k": 1})]


def test_what_the_model_raises_is_a_failed_prediction() -> None:
    def fails(data: Any, params: Mapping[str, Any]) -> Any:
        raise ZeroDivisionError("by zero")

    with pytest.raises(PredictionFailed, match="the model raised ZeroDivisionError: by zero"):
        predictor(fails).predict({"n": [1]})


def test_our_own_errors_pass_unchanged() -> None:
    def refuses(data: Any, params: Mapping[str, Any]) -> Any:
        raise SchemaMismatch(wanted="numbers", got="text")

    with pytest.raises(SchemaMismatch, match="expected numbers"):
        predictor(refuses).predict({"n": [1]})


def test_a_predictor_tells_what_it_is() -> None:
    made = predictor(Recorder())
    assert (made.flavor, made.engine, made.model) == ("python", "native", "native")
    assert made.signature is SIGNATURE
    assert repr(made) == "Predictor('/m', flavor='python', method='predict', engine='native')"
