"""What models answer, as JSON that every reader takes."""

import collections
import dataclasses
import datetime as dt
import enum
import json
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from serving.codecs._answer import encode
from serving.errors import UnencodableResult


def refuse(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


def encoded(result: Any) -> Any:
    document = json.loads(encode(result), parse_constant=refuse)
    assert list(document) == ["predictions"]
    return document["predictions"]


@dataclasses.dataclass
class Pair:
    left: Any
    right: Any


class Color(enum.Enum):
    RED = "red"


class Name(str):
    __slots__ = ()


Point = collections.namedtuple("Point", "x y")

NOON = dt.datetime(2024, 1, 31, 12, 0, 0)  # noqa: DTZ001 - models answer with naive times too


@pytest.mark.parametrize(
    ("result", "wanted"),
    [
        pytest.param(
            pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
            [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
            id="frame",
        ),
        pytest.param(pd.DataFrame({0: [1.5, np.nan]}), [{"0": 1.5}, {"0": None}], id="frame without names"),
        pytest.param(pd.DataFrame({"a": []}), [], id="frame without rows"),
        pytest.param(pd.DataFrame(index=range(2)), [{}, {}], id="frame without columns"),
        pytest.param(pd.Series([1, 2]), [{"0": 1}, {"0": 2}], id="series"),
        pytest.param(
            pd.Series([1.0, np.inf], name="score"), [{"score": 1.0}, {"score": None}], id="named series"
        ),
        pytest.param(pd.Series([1, None], dtype="Int64"), [{"0": 1}, {"0": None}], id="nullable series"),
        pytest.param(np.array([[1.0, np.nan], [np.inf, -np.inf]]), [[1.0, None], [None, None]], id="array"),
        pytest.param(np.array([1, 2], dtype=np.uint64), [1, 2], id="unsigned array"),
        pytest.param(np.array([[1, 2], [3, 4]])[:, ::-1], [[2, 1], [4, 3]], id="array with strides"),
        pytest.param(
            np.array([0.1], "float32"), [float(np.float32(0.1))], id="float32 keeps its exact value"
        ),
        pytest.param(np.array(["a", None], dtype=object), ["a", None], id="array of objects"),
        pytest.param(np.ma.array([1, 2], mask=[False, True]), [1, None], id="masked array"),
        pytest.param(
            np.array(["2024-01-31", "NaT"], "datetime64[ns]"),
            ["2024-01-31T00:00:00.000000000", None],
            id="times",
        ),
        pytest.param(np.datetime64("2024-01-31"), "2024-01-31", id="one time of numpy's"),
        pytest.param(np.datetime64("NaT"), None, id="no time of numpy's"),
        pytest.param(np.float64("nan"), None, id="scalar"),
        pytest.param(np.int64(7), 7, id="whole scalar"),
        pytest.param(np.bool_(True), True, id="truth"),
        pytest.param(np.str_("x"), "x", id="text of numpy's"),
        pytest.param([1, 2.5, "x", None, True], [1, 2.5, "x", None, True], id="list"),
        pytest.param((1, (2, 3)), [1, [2, 3]], id="tuples"),
        pytest.param(
            {"a": np.array([1.5]), "b": {"c": {1, 2}}}, {"a": [1.5], "b": {"c": [1, 2]}}, id="nested"
        ),
        pytest.param("text", "text", id="text"),
        pytest.param(3, 3, id="number"),
        pytest.param(None, None, id="nothing"),
        pytest.param(float("-inf"), None, id="infinity"),
        pytest.param([pd.NaT, pd.NA, None], [None, None, None], id="kinds of nothing"),
        pytest.param(pd.Timestamp("2024-01-31 12:00", tz="UTC"), "2024-01-31T12:00:00+00:00", id="timestamp"),
        pytest.param(NOON, "2024-01-31T12:00:00", id="datetime"),
        pytest.param(NOON.date(), "2024-01-31", id="date"),
        pytest.param(NOON.time(), "12:00:00", id="time"),
        pytest.param(b"hi!" * 60, "aGkh" * 60, id="bytes on one line"),
        pytest.param(bytearray(b"hi"), "aGk=", id="bytearray"),
        pytest.param(Decimal("1.10"), 1.1, id="decimal"),
        pytest.param(Decimal("NaN"), None, id="decimal NaN"),
        pytest.param({3, 10, 2}, [2, 3, 10], id="set"),
        pytest.param({1, "a"}, ["a", 1], id="mixed set"),
        pytest.param(
            Pair(1, Pair(np.int32(2), {"x"})),
            {"left": 1, "right": {"left": 2, "right": ["x"]}},
            id="dataclass",
        ),
        pytest.param(Point(1, 2), [1, 2], id="namedtuple"),
        pytest.param(Color.RED, "red", id="enum"),
        pytest.param(uuid.UUID(int=0), "00000000-0000-0000-0000-000000000000", id="uuid"),
        pytest.param(Name("x"), "x", id="heir of text"),
        pytest.param(collections.OrderedDict(a=1), {"a": 1}, id="heir of dict"),
        pytest.param(
            {1: "a", None: "b", 1.5: "c", False: "d"},
            {"1": "a", "null": "b", "1.5": "c", "false": "d"},
            id="odd keys",
        ),
        pytest.param({np.int64(3): [1], np.str_("k"): 2}, {"3": [1], "k": 2}, id="keys of numpy's"),
        pytest.param(
            {(1, 2): float("nan"), "x": Decimal(2)}, {"[1, 2]": None, "x": 2}, id="keys that are tuples"
        ),
        pytest.param(2**70, 2**70, id="integer beyond 64 bits"),
        pytest.param(
            {"a": [2**70, Pair(NOON, b"hi")]},
            {"a": [2**70, {"left": "2024-01-31T12:00:00", "right": "aGk="}]},
            id="much at once",
        ),
        pytest.param(["\ud800"], ["\ud800"], id="lone surrogate"),
        pytest.param(scipy.sparse.csr_matrix([[0, 1.5]]), [[0, 1.5]], id="sparse matrix"),
        pytest.param(pd.Categorical(["a", None]), ["a", None], id="categories"),
    ],
)
def test_results_take_the_shapes_of_mlflow(result: Any, wanted: Any) -> None:
    got = encoded(result)
    assert got == wanted
    assert type(got) is type(wanted)


def test_a_float_survives_the_way_there_and_back() -> None:
    numbers = np.random.default_rng(7).standard_normal(1000) * 10.0 ** np.arange(-150, 150, 0.3)
    assert encoded(numbers) == numbers.tolist()


class Dumped:
    def model_dump(self) -> dict[str, Any]:
        return {"score": np.float64(0.5)}


def test_an_object_that_dumps_itself_as_pydantic_does_is_its_dump() -> None:
    assert encoded([Dumped()]) == [{"score": 0.5}]


def loop() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


@pytest.mark.parametrize(
    "result",
    [
        object(),
        [1, {"a": object()}],
        1j,
        np.array([1j]),
        np.array([1], "timedelta64[s]"),
        loop(),
        lambda: 1,
        [2**70, object()],
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
    ],
)
def test_what_has_no_form_is_refused_and_never_guessed(result: Any) -> None:
    with pytest.raises(UnencodableResult) as caught:
        encode(result)
    assert "0x" not in str(caught.value), "no address of an object"
