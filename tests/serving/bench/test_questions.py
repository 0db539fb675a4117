"""Requests are made of a model's own example."""

import json
from typing import Any

import numpy as np
import pytest

from modelpack.schema import Schema, Signature, TensorSpec
from serving.bench.questions import bodies
from serving.errors import NothingToAsk

NOTHING = Signature()


@pytest.mark.parametrize(
    ("example", "rows", "first", "second"),
    [
        pytest.param(
            {"dataframe_split": {"columns": ["a"], "index": [7, 8], "data": [[1], [2]]}},
            3,
            {"dataframe_split": {"columns": ["a"], "data": [[1], [2], [1]]}},
            {"dataframe_split": {"columns": ["a"], "data": [[2], [1], [2]]}},
            id="split, without its index",
        ),
        pytest.param(
            {"dataframe_records": [{"a": 1}, {"a": 2}]},
            1,
            {"dataframe_records": [{"a": 1}]},
            {"dataframe_records": [{"a": 2}]},
            id="records",
        ),
        pytest.param(
            {"instances": [[1, 2], [3, 4]], "params": {"depth": 1}},
            2,
            {"instances": [[1, 2], [3, 4]], "params": {"depth": 1}},
            {"instances": [[3, 4], [1, 2]], "params": {"depth": 1}},
            id="params stay",
        ),
        pytest.param(
            {"inputs": {"x": [1, 2], "y": [[3], [4]]}},
            1,
            {"inputs": {"x": [1], "y": [[3]]}},
            {"inputs": {"x": [2], "y": [[4]]}},
            id="named tensors",
        ),
    ],
)
def test_each_request_begins_at_another_row_and_repeats_the_example(
    example: Any, rows: int, first: Any, second: Any
) -> None:
    assert [json.loads(body) for body in bodies(example, NOTHING, rows)] == [first, second]


def test_a_long_example_makes_no_more_requests_than_are_of_use() -> None:
    example = {"inputs": [[number] for number in range(500)]}
    made = [json.loads(body)["inputs"][0][0] for body in bodies(example, NOTHING, 2)]
    assert made == list(range(32))


FIXED = Signature(inputs=Schema((TensorSpec(np.dtype("float64"), (2, 4)),)))


@pytest.mark.parametrize(
    ("example", "signature", "hint"),
    [
        pytest.param(None, NOTHING, "no input example", id="none"),
        pytest.param({"inputs": 3}, NOTHING, "no rows", id="a scalar"),
        pytest.param({"inputs": {"x": [1, 2], "y": [3]}}, NOTHING, "no rows", id="of two lengths"),
        pytest.param({"dataframe_split": {"columns": ["a"], "data": []}}, NOTHING, "no rows", id="empty"),
        pytest.param({"inputs": [[1] * 4] * 2}, FIXED, "one fixed size", id="tensors of a fixed size"),
    ],
)
def test_what_has_no_rows_cannot_be_asked(example: Any, signature: Signature, hint: str) -> None:
    with pytest.raises(NothingToAsk, match=hint):
        bodies(example, signature, 1)
