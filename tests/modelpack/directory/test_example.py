"""Input examples as JSON, and back."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from modelpack.directory import example
from modelpack.errors import InvalidModel
from modelpack.schema import infer_signature

pytestmark = pytest.mark.filterwarnings("ignore:whole-number columns")

FRAME = pd.DataFrame({"a": [1.5, np.nan], "b": [1, 2], "c": ["x", None]})


def decoded(given: Any, *, typed: bool = True) -> Any:
    """*given*, written and read back."""
    written = example.encode(given)
    data, params = example.split(given)
    signature = infer_signature(data, params=params) if typed else None
    return example.decode(json.loads(json.dumps(written.value)), written.info, signature)


def test_a_frame_is_written_as_mlflow_writes_it() -> None:
    written = example.encode(FRAME)
    value = {"columns": ["a", "b", "c"], "data": [[1.5, 1, "x"], [None, 2, None]]}
    assert written.value == value
    assert written.serving == {"dataframe_split": value}
    assert written.info == {
        "artifact_path": "input_example.json",
        "serving_input_path": "serving_input_example.json",
        "type": "dataframe",
        "pandas_orient": "split",
    }


def test_columns_that_only_count_are_left_out() -> None:
    written = example.encode(pd.DataFrame([[1, 2], [3, 4]]))
    assert written.value == {"data": [[1, 2], [3, 4]]}
    assert written.info["pandas_orient"] == "values"


def test_params_are_wrapped_around() -> None:
    written = example.encode((np.array([[1.0]]), {"k": 3, "list": [1]}))
    assert written.value == {"inputs": [[1.0]], "params": {"k": 3, "list": [1]}}
    assert written.serving == {"inputs": [[1.0]], "params": {"k": 3, "list": [1]}}
    assert written.info["params"] == "true"
    assert written.info["type"] == "ndarray"


@pytest.mark.parametrize(
    ("given", "value", "kind"),
    [
        (np.array([[1, 2]]), [[1, 2]], "ndarray"),
        ({"x": np.array([1.5]), "y": np.array(["a"])}, {"x": [1.5], "y": ["a"]}, "ndarray"),
        ({"x": 1, "y": [True, None]}, {"x": 1, "y": [True, None]}, "json_object"),
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}], "json_object"),
        (["a", "b"], ["a", "b"], "json_object"),
        ("text", "text", "json_object"),
        (np.float32(0.5), 0.5, "json_object"),
        (b"\x00\xff", "AP8=", "json_object"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02T03:04:00+00:00", "json_object"),
        (
            np.array(["2026-01-02T03:04:05"], dtype="datetime64[ns]"),
            ["2026-01-02T03:04:05.000000000"],
            "ndarray",
        ),
        (np.array([np.nan, 1.0]), [None, 1.0], "ndarray"),
    ],
)
def test_other_values_are_written_as_they_are(given: Any, value: Any, kind: str) -> None:
    written = example.encode(given)
    assert written.value == value
    assert written.serving == {"inputs": value}
    assert written.info["type"] == kind


def test_what_json_does_not_know_is_written_in_words() -> None:
    frame = pd.DataFrame(
        {
            "when": pd.to_datetime(pd.Series(["2026-01-02 03:04:05", None])),
            "day": [date(2026, 1, 2), None],
            "raw": [b"\x00\xff", None],
            "list": [np.array([1.0, np.nan]), [2]],
            "nullable": pd.array([1, None], dtype="Int64"),
            "kind": pd.Categorical(["a", "b"]),
        }
    )
    assert example.encode(frame).value["data"] == [
        ["2026-01-02T03:04:05", "2026-01-02", "AP8=", [1.0, None], 1, "a"],
        [None, None, None, [2], None, "b"],
    ]


@pytest.mark.parametrize(
    ("moments", "written"),
    [
        (["2026-01-02", "2026-01-02 03:04:05"], ["2026-01-02T00:00:00", "2026-01-02T03:04:05"]),
        (
            ["2026-01-02", "1969-12-31 23:59:59.5"],
            ["2026-01-02T00:00:00.000000", "1969-12-31T23:59:59.500000"],
        ),
        (
            ["2026-01-02", None, "2026-01-02 00:00:00.000000001"],
            ["2026-01-02T00:00:00.000000000", None, "2026-01-02T00:00:00.000000001"],
        ),
    ],
)
def test_all_points_in_time_of_a_column_are_written_alike(
    moments: list[str | None], written: list[Any]
) -> None:
    # pandas 3, and MLflow with it, refuses a column where some have a fraction and some have none.
    frame = pd.DataFrame(
        {"when": pd.to_datetime(pd.Series(moments), format="ISO8601").astype("datetime64[ns]")}
    )
    value = example.encode(frame).value
    assert [row[0] for row in value["data"]] == written
    pd.to_datetime(pd.Series(written))


def test_a_series_is_a_frame_of_one_column() -> None:
    assert example.encode(pd.Series([1, 2], name="a")).value == {"columns": ["a"], "data": [[1], [2]]}


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array])
def test_a_sparse_matrix_is_written_by_its_parts(make: Any) -> None:
    matrix = make(np.array([[0.0, 2.0], [3.0, 0.0]]))
    written = example.encode(matrix)
    assert written.info["type"] == f"sparse_matrix_{matrix.format}"
    assert set(written.value) == {"data", "indices", "indptr", "shape"}
    assert written.serving == {"inputs": [[0.0, 2.0], [3.0, 0.0]]}
    back = decoded(matrix)
    assert back.format == matrix.format
    assert (back.toarray() == matrix.toarray()).all()


def test_a_sparse_matrix_whose_indices_lie_is_refused() -> None:
    written = example.encode(sparse.csr_matrix(np.eye(2)))
    value = {**written.value, "indices": [0, 900_000]}
    with pytest.raises(InvalidModel, match="is not what it is said to be"):
        example.decode(value, written.info, None)


def test_a_frame_comes_back_with_its_types() -> None:
    frame = pd.DataFrame(
        {
            "whole": np.array([1, 2], dtype=np.int32),
            "single": np.array([0.1, np.nan], dtype=np.float32),
            "flag": [True, False],
            "text": ["x", "y"],
            "when": pd.to_datetime(["2026-01-02 00:00", "2026-01-03 10:00"]).as_unit("ns"),
        }
    )
    pd.testing.assert_frame_equal(decoded(frame), frame)


def test_arrays_come_back_with_their_types() -> None:
    array = np.array([[1, 2], [3, 4]], dtype=np.float32)
    back = decoded(array)
    assert back.dtype == np.float32
    assert (back == array).all()
    both = decoded({"x": array, "y": np.array([1, 2])})
    assert both["x"].dtype == np.float32
    assert both["y"].dtype == np.int64


def test_arrays_of_mlflow_2_10_lie_one_deeper() -> None:
    info = {"type": "ndarray", "format": "tf-serving", "params": "true"}
    data, params = example.decode({"inputs": {"inputs": [[1.5]]}, "params": {"k": 3}}, info, None)
    assert (data.tolist(), params) == ([[1.5]], {"k": 3})


def test_an_array_comes_back_with_its_missing_numbers() -> None:
    np.testing.assert_array_equal(decoded(np.array([[1.5, np.nan]])), [[1.5, np.nan]])


def test_without_a_signature_the_values_come_back_plain() -> None:
    assert decoded(FRAME[["b"]], typed=False)["b"].tolist() == [1, 2]
    assert decoded(np.array([[1.5]]), typed=False).tolist() == [[1.5]]
    assert decoded({"x": np.array([1])}, typed=False)["x"].tolist() == [1]


def test_params_come_back_beside_the_data() -> None:
    data, params = decoded((FRAME[["b"]], {"k": 3}))
    assert data["b"].tolist() == [1, 2]
    assert params == {"k": 3}


@pytest.mark.parametrize(
    "given", [np.array([np.inf]), FRAME.assign(a=[-np.inf, 1.0]), object(), [object()], {1, 2}]
)
def test_what_json_cannot_say_is_refused(given: Any) -> None:
    with pytest.raises(InvalidModel, match="the input example holds"):
        example.encode(given)


@pytest.mark.parametrize(
    ("value", "info"),
    [
        ([1], {"type": "dataframe"}),
        ({"data": 3}, {"type": "dataframe"}),
        ({"data": [[1, 2], [3]], "columns": ["a", "b"]}, {"type": "dataframe"}),
        ({"inputs": 1}, {"params": "true"}),
        ({"data": []}, {"type": "sparse_matrix_csr"}),
        ([[1], [2, 3]], {"type": "ndarray"}),
    ],
)
def test_a_file_that_is_not_what_it_is_said_to_be_is_refused(value: Any, info: dict[str, str]) -> None:
    with pytest.raises(InvalidModel, match=r"input_example.json is not what it is said to be"):
        example.decode(value, info, None)


def test_both_files_are_written(tmp_path: Path) -> None:
    written = example.encode(FRAME)
    written.write(tmp_path)
    assert json.loads((tmp_path / "input_example.json").read_text()) == written.value
    assert json.loads((tmp_path / "serving_input_example.json").read_text()) == written.serving
