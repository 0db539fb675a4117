"""The scoring cases beside the checkout: what a signature must refuse, and what it must let pass."""

import base64
import csv
import io
import json
import zlib
from typing import Any

import numpy as np
import pytest

from modelpack.errors import SchemaMismatch
from modelpack.schema import ColumnSpec, DataType, Schema, TensorSpec
from modelpack.schema.wire import (
    inputs_from_json,
    instances_from_json,
    table_from_records,
    table_from_rows,
    table_from_text,
)
from tests.shared import shared

SCHEMAS = {
    "cols": Schema(
        tuple(
            ColumnSpec(type_, name)
            for name, type_ in {
                "a": DataType.double,
                "b": DataType.long,
                "i": DataType.integer,
                "c": DataType.string,
                "d": DataType.boolean,
                "t": DataType.datetime,
                "x": DataType.binary,
            }.items()
        )
    ),
    "tensor": Schema((TensorSpec(np.dtype("float64"), (-1, 4)),)),
}

# Refused by the request's parser (a key twice, two formats at once), or by the model itself (1e39).
NOT_THE_SIGNATURES_TASK = {"dup", "media", "method", "path", "json-syntax", "json-shape"}
REFUSED_BY_THE_MODEL = {"B235"}
FEWEST = 80
"""A test over too few cases would prove nothing and still pass."""


def body_of(case: dict[str, Any]) -> str | None:
    if case.get("body") is not None:
        return str(case["body"])
    try:
        return zlib.decompress(base64.b64decode(case["body_zlib_b64"])).decode()
    except UnicodeDecodeError:
        return None


def read(case: dict[str, Any], text: str) -> Any:
    """What the wire module makes of the case; "not ours" where the request does not get as far."""
    schema = SCHEMAS[case["model"]]
    if case["headers"].get("Content-Type") == "text/csv":
        return read_csv(text, schema)
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return "not ours"
    match body:
        case {"dataframe_split": {"columns": names, "data": rows, **rest}} if not rest:
            return table_from_rows(rows, names, schema)
        case {"dataframe_records": records}:
            return table_from_records(records, schema)
        case {"instances": instances}:
            return instances_from_json(instances, schema)
        case {"inputs": inputs}:
            return inputs_from_json(inputs, schema)
    return "not ours"


def read_csv(text: str, schema: Schema) -> Any:
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=None)) if row]
    except csv.Error:
        return "not ours"
    return table_from_text(rows[1:], rows[0], schema) if rows else "not ours"


def met(case: dict[str, Any], text: str) -> int | None:
    """The status that the outcome stands for; None where the signature is not asked."""
    try:
        return None if isinstance(read(case, text), str) else 200
    except SchemaMismatch:
        return 400


def test_every_scoring_case_is_refused_or_accepted_as_it_says() -> None:
    cases = json.loads(shared("cases/scoring.json").read_text())["cases"]
    asked = [
        (case, met(case, text))
        for case in cases
        if case["group"] not in NOT_THE_SIGNATURES_TASK
        and case["id"] not in REFUSED_BY_THE_MODEL
        and case["model"] in SCHEMAS
        and (text := body_of(case)) is not None
    ]
    tried = [(case, status) for case, status in asked if status is not None]
    assert [
        (case["id"], case["name"], case["expect"], status)
        for case, status in tried
        if status not in case["expect"]
    ] == []
    assert len(tried) >= FEWEST


@pytest.mark.parametrize("model", sorted(SCHEMAS))
def test_the_cases_signatures_are_those_declared(model: str) -> None:
    declared = json.loads(shared("cases/scoring.json").read_text())["models"][model]["signature"]
    schema = SCHEMAS[model]
    if isinstance(declared, str):
        assert declared == f"tensor {schema.tensors[0]}"
    else:
        assert declared == {spec.name: str(spec.type) for spec in schema.columns}
