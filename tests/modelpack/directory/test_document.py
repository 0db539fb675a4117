"""The MLmodel document as a value."""

from datetime import date, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelpack.directory import Document
from modelpack.directory.document import plain
from modelpack.errors import InvalidModel
from modelpack.schema import ColumnSpec, DataType, Schema, Signature

WRITTEN_BY_MLFLOW = """\
artifact_path: s3://bucket/models/m-1/artifacts
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    model_path: model.skops
    predict_fn: predict
    python_version: 3.11.7
  sklearn:
    code: null
    pickled_model: model.skops
    serialization_format: skops
    sklearn_version: 1.9.1
    skops_trusted_types: null
future_key:
- 1
is_signature_from_type_hint: false
metadata:
  team: x
mlflow_version: 3.17.2
model_id: null
model_size_bytes: 26381
model_uuid: 9cf6777b513b488698afecd0206088d3
prompts: null
run_id: 0f3b
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  serving_input_path: serving_input_example.json
  type: dataframe
signature:
  inputs: '[{"type": "double", "name": "a", "required": true}, {"type": "long", "name":
    "b", "required": true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: null
type_hint_from_example: false
utc_time_created: '2026-11-22 20:03:49.519242'
"""


def read(tmp_path: Path, text: str) -> Document:
    (tmp_path / "MLmodel").write_text(text)
    return Document.read(tmp_path / "MLmodel")


def test_what_mlflow_wrote_comes_back_letter_by_letter(tmp_path: Path) -> None:
    assert read(tmp_path, WRITTEN_BY_MLFLOW).text() == WRITTEN_BY_MLFLOW


def test_the_facts_are_attributes(tmp_path: Path) -> None:
    document = read(tmp_path, WRITTEN_BY_MLFLOW)
    assert document.python_function["loader_module"] == "mlflow.sklearn"
    assert document.model_size_bytes == 26381
    assert document.extra == {"future_key": [1], "prompts": None}
    assert document.signature is not None
    assert document.signature.inputs is not None
    assert document.signature.inputs.names == ["a", "b"]
    assert document.writer is None


OLD = """\
flavors:
  python_function:
    env: conda.yaml
    loader_module: mlflow.sklearn
signature: '{"inputs": "[{\\"name\\": \\"a\\", \\"type\\": \\"double\\"}]", "outputs": null}'
utc_time_created: 2020-01-01 00:00:00
mlflow_version: 1.2
"""


def test_old_forms_are_read(tmp_path: Path) -> None:
    document = read(tmp_path, OLD)
    assert document.model_uuid is None
    assert document.python_function["env"] == "conda.yaml"
    assert document.signature == Signature(inputs=Schema((ColumnSpec(DataType.double, "a"),)))
    assert document.utc_time_created == "2020-01-01 00:00:00"
    assert document.mlflow_version == "1.2"


def test_flavors_are_all_that_is_needed(tmp_path: Path) -> None:
    document = read(tmp_path, "flavors: {python_function: {loader_module: mlflow.sklearn}}")
    assert document.signature is None
    assert document.text() == (
        "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\nmodel_id: null\nprompts: null\n"
    )


def test_the_writer_is_told_by_the_metadata(tmp_path: Path) -> None:
    own = read(tmp_path, "flavors: {a: {}}\nmetadata: {modelpack: {version: 0.1.0}}")
    assert own.writer == "0.1.0"
    assert read(tmp_path, "flavors: {a: {}}\nmetadata: {modelpack: 3}").writer is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1", "'flavors'"),
        ("flavors: {}", "'flavors'"),
        ("flavors: [a]", "'flavors'"),
        ("flavors: {a: 1}", "'flavors.a'"),
        ("flavors: {1: {}}", "'flavors.1'"),
        ("flavors: {a: {1: 2}}", "'flavors.a'"),
        ("flavors: {a: {}}\nsignature: 3", "'signature'"),
        ("flavors: {a: {}}\nsignature: not json", "signature"),
        ('flavors: {a: {}}\nsignature: {inputs: \'[{"type": "nonsense"}]\'}', "signature"),
        ("flavors: {a: {}}\nmetadata: text", "'metadata'"),
        ("flavors: {a: {}}\nmodel_size_bytes: true", "'model_size_bytes'"),
        ("flavors: {a: {}}\nmodel_size_bytes: many", "'model_size_bytes'"),
        ("flavors: {a: {}}\nrun_id: [1]", "'run_id'"),
        ("flavors: {a: {}}\nrun_id: true", "'run_id'"),
        ("flavors: {a: {}}\nis_signature_from_type_hint: 1", "'is_signature_from_type_hint'"),
        ("flavors: {a: {}}\nsaved_input_example_info: x", "'saved_input_example_info'"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidModel) as met:
        read(tmp_path, text)
    assert said in str(met.value)
    assert "MLmodel" in str(met.value)


def test_a_folder_without_a_document_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="holds no MLmodel"):
        Document.read(tmp_path / "MLmodel")


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"a": [1, (2, 3)]}, {"a": [1, [2, 3]]}),
        (np.float64(0.5), 0.5),
        (np.str_("x"), "x"),
        (Colour.RED, 1),
        (True, True),
        (None, None),
        (date(2026, 1, 2), date(2026, 1, 2)),
        (datetime(2026, 1, 2, 3), datetime(2026, 1, 2, 3)),  # noqa: DTZ001 - YAML has no zones to keep
    ],
)
def test_metadata_becomes_plain_values(value: Any, written: Any) -> None:
    made = plain(value)
    assert made == written
    assert type(made) is type(written)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_a_metadata_value_that_contains_itself_ends() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(InvalidModel, match="nested too deep"):
        plain(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": {1: 2}}, r"metadata\.a has a key"),
        ({"a": [object()]}, r"metadata\.a\[0\] is a object"),
        ({"a": np.int64(3)}, r"metadata\.a is a int64"),
        (nested(40), "nested too deep"),
        ({"a": b"bytes"}, r"metadata\.a is a bytes"),
    ],
)
def test_metadata_that_yaml_cannot_hold_is_named(value: Any, said: str) -> None:
    with pytest.raises(InvalidModel, match=said):
        plain(value)
