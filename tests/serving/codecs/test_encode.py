"""The quick way to write an answer writes what the slow one writes."""

import datetime as dt
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from modelpack.errors import ModelpackError
from modelpack.schema import Table
from serving.codecs import _answer, _encode
from serving.codecs._encode import encode


def outcome(write: Any, result: Any) -> Any:
    try:
        return write(result)
    except ModelpackError as error:
        return type(error), str(error)


DTYPES = [
    "bool",
    "int8",
    "int32",
    "int64",
    "uint8",
    "uint64",
    "float16",
    "float32",
    "float64",
    ">f8",
    ">i4",
    "<U3",
]


@given(
    result=st.sampled_from(DTYPES).flatmap(
        lambda dtype: arrays.arrays(
            dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), elements=None
        )
    )
)
@settings(max_examples=400, deadline=None)
def test_arrays_are_written_as_the_slow_way_writes_them(result: np.ndarray) -> None:
    assert outcome(encode, result) == outcome(_answer.encode, result)
    assert outcome(encode, result.T) == outcome(_answer.encode, result.T)
    assert outcome(encode, {"a": result, "b": result}) == outcome(_answer.encode, {"a": result, "b": result})


@given(numbers=st.lists(st.floats(width=64), min_size=1, max_size=50))
@settings(max_examples=200, deadline=None)
def test_floats_come_back_as_they_went(numbers: list[float]) -> None:
    for dtype in (np.float64, np.float32):
        with np.errstate(over="ignore"):
            array = np.array(numbers).astype(dtype)
        back = json.loads(encode(array))["predictions"]
        wanted = [number if np.isfinite(number) else None for number in array.astype(np.float64).tolist()]
        assert [*map(repr, back)] == [*map(repr, wanted)]


CELLS = {
    "whole": st.integers(-(2**63), 2**63 - 1),
    "real": st.floats(),
    "text": st.text(max_size=5),
    "flag": st.booleans(),
    "any": st.one_of(st.none(), st.integers(), st.text(max_size=3), st.binary(max_size=3), st.dates()),
}


@given(
    kinds=st.lists(st.sampled_from(sorted(CELLS)), min_size=0, max_size=4),
    rows=st.integers(0, 6),
    names=st.lists(st.one_of(st.text(max_size=3), st.integers(0, 3)), min_size=4, max_size=4),
    data=st.data(),
)
@settings(max_examples=200, deadline=None)
def test_frames_are_written_as_the_slow_way_writes_them(
    kinds: list[str], rows: int, names: list[Any], data: st.DataObject
) -> None:
    cells = [data.draw(st.lists(CELLS[kind], min_size=rows, max_size=rows)) for kind in kinds]
    columns = [pd.Series(column, dtype=None if column else object) for column in cells]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(rows))
    frame.columns = pd.Index(names[: len(kinds)], dtype=object)
    assert outcome(encode, frame) == outcome(_answer.encode, frame)
    for place in range(len(kinds)):
        assert outcome(encode, frame.iloc[:, place]) == outcome(_answer.encode, frame.iloc[:, place])


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(pd.Series([1.5, None], name="x"), id="series"),
        pytest.param(pd.DataFrame({"t": pd.to_datetime(pd.Series(["2024-01-31", None]))}), id="times"),
        pytest.param(pd.DataFrame({"k": pd.array([1, None], dtype="Int64")}), id="nullable"),
        pytest.param(pd.DataFrame({"c": pd.Categorical(["a", "b"])}), id="categories"),
        pytest.param(pd.DataFrame([[1, 2]], columns=["a", "a"]), id="names twice"),
        pytest.param(pd.DataFrame([[1, 2]], columns=[1, "1"]), id="names twice as text"),
        pytest.param(pd.DataFrame({"s": ["\ud800"]}, dtype=object), id="half a pair in a frame"),
        pytest.param(np.array(["\ud800"]), id="half a pair"),
        pytest.param(np.array([1 + 2j]), id="complex"),
        pytest.param(np.array(["2024-01-31", "NaT"], "datetime64[s]"), id="numpy times"),
        pytest.param(np.array([1], "timedelta64[s]"), id="spans"),
        pytest.param(np.array([b"x"]), id="bytes"),
        pytest.param(np.array([{"a": np.float32(0.1)}, None], dtype=object), id="objects"),
        pytest.param(np.ma.array([1.5, 2], mask=[False, True]), id="masked"),
        pytest.param(np.array([1, 2, 3, 4])[::2], id="strides"),
        pytest.param(np.float32(0.1), id="one number"),
        pytest.param({"a": np.array([0.1], np.float32), "b": "text"}, id="dict of several kinds"),
        pytest.param({1: np.array([0.1], np.float32)}, id="dict with a number for a key"),
        pytest.param({}, id="empty dict"),
        pytest.param([0.1, {"a": [np.float32(0.1)]}], id="list"),
        pytest.param(Table({"a": np.array([1.5])}, 1), id="table"),
        pytest.param(scipy.sparse.csr_matrix([[1.0, 0.0]]), id="sparse"),
        pytest.param(dt.date(2024, 1, 31), id="date"),
        pytest.param(object(), id="no form"),
        pytest.param(None, id="nothing"),
    ],
)
def test_rare_answers_are_written_as_the_slow_way_writes_them(result: Any) -> None:
    assert outcome(encode, result) == outcome(_answer.encode, result)


@pytest.mark.parametrize(
    "result", [np.arange(3), np.ones((2, 2), np.float32), np.array(["a"]), {"p": np.ones(2)}, pd.Series([1])]
)
def test_the_common_answers_never_go_the_slow_way(result: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_answer, "encode", lambda result: pytest.fail("the slow way"))
    assert encode(result).startswith(b'{"predictions":')


def test_control_a_float32_in_its_own_digits_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_encode, "_array", lambda array: array)
    result = np.array([0.1], np.float32)
    assert encode(result) != _answer.encode(result)
