"""Columns: their JSON, and the forms that old MLflow wrote."""

from typing import Any

import pytest

from modelpack.schema import Array, ColumnSpec, DataType


@pytest.mark.parametrize(
    ("column", "document"),
    [
        (ColumnSpec(DataType.long), {"type": "long", "required": True}),
        (ColumnSpec(DataType.long, "a"), {"type": "long", "name": "a", "required": True}),
        (ColumnSpec(DataType.long, 0), {"type": "long", "name": 0, "required": True}),
        (
            ColumnSpec(Array(DataType.string), "a", required=False),
            {"type": "array", "items": {"type": "string"}, "name": "a", "required": False},
        ),
    ],
)
def test_columns_are_written_in_mlflows_order_and_read_back(
    column: ColumnSpec, document: dict[str, Any]
) -> None:
    assert list(column.to_json().items()) == list(document.items())
    assert ColumnSpec.from_json(document) == column


@pytest.mark.parametrize(
    ("document", "required"),
    [
        ({"type": "long", "name": "a"}, True),
        ({"type": "long", "name": "a", "required": None}, True),
        ({"type": "long", "name": "a", "optional": True}, False),
        ({"type": "long", "name": "a", "optional": False}, True),
        ({"type": "long", "name": "a", "required": False, "optional": False}, False),
    ],
)
def test_old_ways_to_say_required_are_understood(document: dict[str, Any], required: bool) -> None:
    assert ColumnSpec.from_json(document).required is required


@pytest.mark.parametrize(("name", "read"), [(["a", "b"], "('a', 'b')"), (1.5, "1.5"), (True, "True")])
def test_labels_that_are_no_names_go_by_their_text(name: object, read: str) -> None:
    assert ColumnSpec.from_json({"type": "long", "name": name}).name == read
