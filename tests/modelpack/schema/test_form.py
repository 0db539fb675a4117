"""Forms made from signatures: their fields, and requests that are right and never too long for a page."""

import json
from typing import Any

import numpy as np
import pytest

from modelpack.schema import AnyType, Array, ColumnSpec, DataType, ParamSpec, Schema, Signature, TensorSpec
from modelpack.schema.form import LONGEST, NOTHING, form_of
from modelpack.schema.sample import MOST_CELLS, sample
from modelpack.schema.wire import inputs_from_json

PAIR = Schema((ColumnSpec(DataType.long, "n"), ColumnSpec(DataType.string, "word", required=False)))
LONG = "x" * LONGEST


def _tensor(*shape: int, name: str | None = None) -> Schema:
    return Schema((TensorSpec(np.dtype("float32"), shape, name),))


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(
            {"dataframe_split": {"columns": ["word", "n"], "data": [["a", 7], ["b", 8]]}}, id="split"
        ),
        pytest.param({"dataframe_records": [{"n": 7, "word": "a"}, {"n": 8}]}, id="records"),
    ],
)
def test_a_form_begins_with_the_first_row_of_the_example(example: Any) -> None:
    form = form_of(Signature(inputs=PAIR), example)
    assert [(one.name, one.kind, one.text) for one in form.columns] == [
        ("n", "whole", "7"),
        ("word", "text", "a"),
    ]
    assert json.loads(form.body) == {"dataframe_split": {"columns": ["n", "word"], "data": [[7, "a"]]}}


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(None, id="none"),
        pytest.param({"dataframe_split": {"data": [[1]]}}, id="ragged"),
        pytest.param({"dataframe_split": {"columns": ["n"], "data": 5}}, id="no rows"),
        pytest.param({"dataframe_records": [5]}, id="no record"),
        pytest.param([1, 2], id="a list"),
        pytest.param({"dataframe_records": [{"n": 7, "word": LONG}]}, id="too long"),
    ],
)
def test_where_the_example_has_no_plain_row_one_is_made_up(example: Any) -> None:
    form = form_of(Signature(inputs=PAIR), example)
    assert [one.text for one in form.columns] == ["1", "text"]
    assert len(form.body) <= LONGEST


@pytest.mark.parametrize(
    ("schema", "example", "body"),
    [
        pytest.param(_tensor(-1, 2), None, {"inputs": [[0.0, 0.0]]}, id="made up"),
        pytest.param(_tensor(-1, 1, name="x"), None, {"inputs": {"x": [[0.0]]}}, id="named"),
        pytest.param(_tensor(-1, 1), {"inputs": [[1.0], [2.0]]}, {"inputs": [[1.0], [2.0]]}, id="example"),
        pytest.param(_tensor(-1, 1), {"inputs": [[1.5]] * 9_000}, {"inputs": [[1.5]]}, id="first row"),
        pytest.param(
            _tensor(-1, 1, name="x"),
            {"inputs": {"x": [[1.5]] * 9_000}},
            {"inputs": {"x": [[1.5]]}},
            id="first row of each",
        ),
        pytest.param(_tensor(-1, 3, 224, 224), None, json.loads(NOTHING), id="a picture"),
        pytest.param(_tensor(-1, 10**12), None, json.loads(NOTHING), id="more than any memory"),
        pytest.param(None, None, json.loads(NOTHING), id="no schema"),
        pytest.param(None, {"inputs": LONG}, json.loads(NOTHING), id="a long text"),
        pytest.param(None, {"instances": [LONG[:9_000]] * 5}, {"instances": [LONG[:9_000]]}, id="instances"),
    ],
)
def test_what_is_no_row_of_columns_is_written_as_json(schema: Schema | None, example: Any, body: Any) -> None:
    form = form_of(Signature(inputs=schema), example)
    assert not form.columns
    assert json.loads(form.body) == body
    assert len(form.body) <= LONGEST


def test_wide_rows_are_written_as_json() -> None:
    wide = Schema(tuple(ColumnSpec(DataType.double, f"c{number}") for number in range(100)))
    form = form_of(Signature(inputs=wide), None)
    assert not form.columns
    assert len(json.loads(form.body)["dataframe_split"]["data"][0]) == 100


def test_params_begin_with_their_defaults() -> None:
    params = (
        ParamSpec("depth", DataType.long, 3),
        ParamSpec("cuts", DataType.double, [0.5], (-1,)),
        ParamSpec("fast", DataType.boolean, default=True),
    )
    found = form_of(Signature(inputs=PAIR, params=params), None).params
    assert [(one.kind, one.text) for one in found] == [("whole", "3"), ("json", "[0.5]"), ("choice", "true")]


def test_what_must_be_there_and_may_be_anything_begins_with_null() -> None:
    schema = Schema((ColumnSpec(AnyType(), "any"), ColumnSpec(Array(DataType.long), "list", required=False)))
    example = {"dataframe_split": {"columns": ["any", "list"], "data": [[None, None]]}}
    form = form_of(Signature(inputs=schema), example)
    assert [one.text for one in form.columns] == ["null", ""]


def test_pictures_are_made_up_for_warming_though_no_page_shows_them() -> None:
    schema = _tensor(-1, 3, 224, 224)
    made = inputs_from_json(sample(schema)["inputs"], schema, coerce="lossless")
    assert isinstance(made, np.ndarray)
    assert made.shape == (1, 3, 224, 224)
    assert sample(_tensor(-1, MOST_CELLS)) is not None
    assert sample(_tensor(-1, MOST_CELLS + 1)) is None
