"""Input examples as tables, whatever form they have."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelpack.directory import ModelDirectory, open_directory
from modelpack.errors import InvalidModel
from modelpack.report.example import Grid, grid_of


def _with(folder: Path, value: Any, *, serving: bool = True) -> ModelDirectory:
    info = {"artifact_path": "e.json", "type": "x", **({"serving_input_path": "e.json"} if serving else {})}
    text = yaml.safe_dump({"flavors": {"sklearn": {}}, "saved_input_example_info": info})
    (folder / "MLmodel").write_text(text)
    (folder / "e.json").write_text(value if isinstance(value, str) else json.dumps(value))
    return open_directory(folder)


WIDE = {"columns": ["a", "b"], "data": [[1, "x"], [2.5, None], [True, [1, 2]]]}
RAGGED = (("1", "missing"), ("2", "3"))
CELLS = (("1", "x"), ("2.5", "missing"))


@pytest.mark.parametrize(
    ("value", "grid"),
    [
        ({"dataframe_split": WIDE}, Grid(("a", "b"), CELLS, 3, 2)),
        ({"dataframe_split": WIDE, "params": {"t": 1}}, Grid(("a", "b"), CELLS, 3, 2, '{"t": 1}')),
        (WIDE, Grid(("a", "b"), CELLS, 3, 2)),
        ({"dataframe_records": [{"a": 1}, {"a": 2, "b": 3}]}, Grid(("a", "b"), RAGGED, 2, 2)),
        ({"inputs": [[1, 2, 3]]}, Grid(("0", "1", "2"), (("1", "2", "3"),), 1, 3)),
        ({"inputs": {"a": [1, 2], "b": [3]}}, Grid(("a", "b"), (("1", "3"), ("2", "missing")), 2, 2)),
        ({"instances": [1, 2, 3]}, Grid(("0",), (("1",), ("2",)), 3, 1)),
        ({"inputs": {"text": "hello", "n": 1}}, Grid(("text", "n"), (("hello", "1"),), 1, 2)),
        ({"inputs": "hello"}, Grid(("value",), (("hello",),), 1, 1)),
        ({"inputs": []}, Grid((), (), 0, 0)),
        ({"data": [1], "other": [2]}, Grid(("data", "other"), (("1", "2"),), 1, 2)),
        ({"inputs": [[[1, 2], [3, 4]]]}, Grid(("0", "1"), (("[1, 2]", "[3, 4]"),), 1, 2)),
    ],
    ids=range(12),
)  # fmt: skip
def test_every_form_becomes_rows_and_columns(value: Any, grid: Grid, tmp_path: Path) -> None:
    assert grid_of(_with(tmp_path, value), rows=2, columns=10, longest=60) == grid


def test_without_a_body_of_a_request_the_example_itself_is_shown(tmp_path: Path) -> None:
    directory = _with(tmp_path, WIDE, serving=False)
    assert grid_of(directory, rows=2, columns=10, longest=60) == Grid(("a", "b"), CELLS, 3, 2)


def test_rows_columns_and_cells_are_cut_and_counted(tmp_path: Path) -> None:
    value = {"dataframe_split": {"columns": ["c" * 99] * 500, "data": [["v" * 99] * 500] * 300}}
    grid = grid_of(_with(tmp_path, value), rows=10, columns=40, longest=20)
    assert grid is not None
    assert (grid.rows, grid.columns, len(grid.cells), len(grid.headings)) == (300, 500, 10, 40)
    assert {len(row) for row in grid.cells} == {40}
    assert {len(one) for row in (grid.headings, *grid.cells) for one in row} == {20}


@pytest.mark.parametrize("value", [{"columns": 3, "data": [[1], 2]}, {"columns": ["a"], "data": [[1, 2]]}])
def test_tables_that_are_none_are_shown_as_far_as_they_go(value: Any, tmp_path: Path) -> None:
    grid = grid_of(_with(tmp_path, {"dataframe_split": value}), rows=2, columns=10, longest=60)
    assert grid is not None
    assert len(grid.headings) == grid.columns


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidModel, match="no JSON"):
        grid_of(_with(tmp_path, "{"), rows=2, columns=10, longest=60)
