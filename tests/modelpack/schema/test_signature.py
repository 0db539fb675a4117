"""Signatures: MLflow's JSON byte for byte, its older forms, and what contradicts itself."""

import json
from typing import Any

import numpy as np
import pytest

from modelpack.errors import InvalidSchema
from modelpack.schema import (
    AnyType,
    Array,
    ColumnSpec,
    DataType,
    Map,
    Object,
    ParamSpec,
    Property,
    Schema,
    Signature,
    TensorSpec,
)

WRITTEN_BY_MLFLOW_3_17 = [
    (
        Signature(
            inputs=Schema(
                (
                    ColumnSpec(DataType.double, "a"),
                    ColumnSpec(DataType.string, "naïve", required=False),
                    ColumnSpec(Array(Object((Property("x", DataType.long, required=False),))), "rows"),
                    ColumnSpec(Map(AnyType()), "more"),
                )
            ),
            outputs=Schema((ColumnSpec(DataType.long),)),
        ),
        {
            "inputs": '[{"type": "double", "name": "a", "required": true}, {"type": "string", "name": '
            '"na\\u00efve", "required": false}, {"type": "array", "items": {"type": "object", "properties": '
            '{"x": {"type": "long", "required": false}}}, "name": "rows", "required": true}, {"type": "map", '
            '"values": {"type": "any"}, "name": "more", "required": true}]',
            "outputs": '[{"type": "long", "required": true}]',
            "params": None,
        },
    ),
    (
        Signature(
            inputs=Schema(
                (TensorSpec(np.dtype("float32"), (-1, 2), "x"), TensorSpec(np.dtype("str"), (-1,), "y"))
            ),
            params=(
                ParamSpec("k", DataType.long, 3),
                ParamSpec("stop", DataType.string, ["a"], (-1,)),
                ParamSpec("t", DataType.double, 1),
                ParamSpec("o", Object((Property("p", DataType.long),)), {"p": 1}),
                ParamSpec("d", DataType.datetime, "2024-01-02T03:04:05"),
            ),
        ),
        {
            "inputs": '[{"name": "x", "type": "tensor", "tensor-spec": {"dtype": "float32", '
            '"shape": [-1, 2]}}, {"name": "y", "type": "tensor", "tensor-spec": {"dtype": "str", '
            '"shape": [-1]}}]',
            "outputs": None,
            "params": '[{"name": "k", "default": 3, "shape": null, "type": "long"}, '
            '{"name": "stop", "default": ["a"], "shape": [-1], "type": "string"}, '
            '{"name": "t", "default": 1.0, "shape": null, "type": "double"}, '
            '{"name": "o", "default": {"p": 1}, "shape": null, "type": "object", '
            '"properties": {"p": {"type": "long", "required": true}}}, '
            '{"name": "d", "default": "2024-01-02T03:04:05", "shape": null, "type": "datetime"}]',
        },
    ),
]


@pytest.mark.parametrize(("signature", "document"), WRITTEN_BY_MLFLOW_3_17, ids=["columns", "tensors"])
def test_signatures_are_mlflows_text_byte_for_byte(
    signature: Signature, document: dict[str, str | None]
) -> None:
    assert signature.to_dict() == document


@pytest.mark.parametrize(("signature", "document"), WRITTEN_BY_MLFLOW_3_17, ids=["columns", "tensors"])
def test_signatures_are_read_back(signature: Signature, document: dict[str, str | None]) -> None:
    assert Signature.from_dict(document) == signature


@pytest.mark.parametrize(("signature", "document"), WRITTEN_BY_MLFLOW_3_17, ids=["columns", "tensors"])
def test_a_signature_may_be_one_text_or_hold_plain_lists(
    signature: Signature, document: dict[str, str | None]
) -> None:
    assert Signature.from_dict(json.dumps(document)) == signature
    lists = {name: None if text is None else json.loads(text) for name, text in document.items()}
    assert Signature.from_dict(lists) == signature


@pytest.mark.parametrize("document", [{}, {"inputs": None}, {"inputs": "[]", "outputs": [], "params": "[]"}])
def test_absent_and_empty_parts_promise_nothing(document: dict[str, Any]) -> None:
    assert Signature.from_dict(document) == Signature()
    assert Signature().to_dict() == {"inputs": None, "outputs": None, "params": None}


def test_params_of_old_mlflow_say_dtype() -> None:
    document = {"params": '[{"name": "k", "dtype": "long", "default": 3, "shape": null}]'}
    assert Signature.from_dict(document).params == (ParamSpec("k", DataType.long, 3),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "5",
        "null",
        '"[]"',
        "{}",
        "[5]",
        "[[]]",
        '[{"name": "a"}]',
        '[{"type": "long"}, {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [1]}}]',
        "[" * 100_000,
        '[{"type":"array","items":' * 900 + "{}" + "}]" * 900,
    ],
    ids=lambda text: str(text)[:30],
)
def test_broken_schemas_are_refused_in_few_words(text: str) -> None:
    with pytest.raises(InvalidSchema) as caught:
        Schema.from_json(text)
    assert len(str(caught.value)) <= 300


def test_a_type_nested_without_end_is_refused() -> None:
    type_: dict[str, Any] = {"type": "long"}
    for _ in range(100_000):
        type_ = {"type": "array", "items": type_}
    with pytest.raises(InvalidSchema):
        Schema.from_json([type_])


@pytest.mark.parametrize("document", [None, 5, [], "5", "x", {"inputs": 5}, {"params": {}, "inputs": "{}"}])
def test_what_is_no_signature_is_refused(document: Any) -> None:
    with pytest.raises(InvalidSchema):
        Signature.from_dict(document)


LONG, TENSOR = DataType.long, np.dtype("float64")


@pytest.mark.parametrize(
    "specs",
    [
        pytest.param((), id="nothing"),
        pytest.param((ColumnSpec(LONG, "a"), ColumnSpec(LONG)), id="named beside unnamed"),
        pytest.param((ColumnSpec(LONG, "a"), ColumnSpec(LONG, "a")), id="one name twice"),
        pytest.param((ColumnSpec(LONG, "0"), ColumnSpec(LONG, 0)), id="one name twice, as text and number"),
        pytest.param((ColumnSpec(LONG, required=False),), id="optional without a name"),
        pytest.param((TensorSpec(TENSOR, (-1,)), TensorSpec(TENSOR, (-1,))), id="tensors without names"),
        pytest.param((ColumnSpec(LONG), TensorSpec(TENSOR, (-1,))), id="columns beside tensors"),
        pytest.param((5,), id="something else"),
    ],
)
def test_schemas_that_contradict_themselves_are_refused(specs: Any) -> None:
    with pytest.raises(InvalidSchema):
        Schema(specs)


def test_two_params_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidSchema, match="'k'"):
        Signature(params=(ParamSpec("k", LONG, 3), ParamSpec("k", LONG, 4)))


def test_names_are_positions_where_there_are_none() -> None:
    assert Schema((ColumnSpec(LONG), ColumnSpec(LONG))).names == [0, 1]
    named = Schema((ColumnSpec(LONG, "a"), ColumnSpec(LONG, "b", required=False)))
    assert (named.names, named.required_names, named.is_named) == (["a", "b"], ["a"], True)


def test_a_schema_tells_columns_from_tensors() -> None:
    columns, tensors = Schema((ColumnSpec(LONG, "a"),)), Schema((TensorSpec(TENSOR, (-1,)),))
    assert (columns.is_tensor, tensors.is_tensor) == (False, True)
    assert (len(columns.columns), len(columns.tensors)) == (1, 0)
    assert (tensors.required_names, tensors.is_named) == ([0], False)


def test_a_list_of_specs_becomes_a_tuple() -> None:
    assert Schema([ColumnSpec(LONG, "a")]) == Schema((ColumnSpec(LONG, "a"),))  # type: ignore[arg-type]  # on purpose
