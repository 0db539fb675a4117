"""Answers as CSV say every value, and nothing else."""

import csv
import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelpack.schema import ColumnSpec, DataType, Schema
from serving.errors import UnencodableResult
from serving.scoring.csv_text import CsvSheet


def written(*results: Any, outputs: Schema | None = None) -> str:
    file = io.BytesIO()
    sheet = CsvSheet(file, outputs)
    for result in results:
        sheet.add(result)
    sheet.close()
    return file.getvalue().decode()


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (np.array([1, -2]), "predictions\n1\n-2\n"),
        (np.array([0.1, np.nan, np.inf]), "predictions\n0.1\n\ninf\n"),
        (np.array([0.1], dtype=np.float32), "predictions\n0.10000000149011612\n"),
        (np.array([True, False]), "predictions\ntrue\nfalse\n"),
        (["a", None, ""], "predictions\na\n\n\n"),
        ([b"\x00\xff"], "predictions\nAP8=\n"),
        (np.eye(2), "predictions_0,predictions_1\n1.0,0.0\n0.0,1.0\n"),
        ({"a": [1, 2], "b": ["x", "y"]}, "a,b\n1,x\n2,y\n"),
        (np.array(["2024-01-02T03:04:05", "NaT"], "M8[s]"), "predictions\n2024-01-02T03:04:05\n\n"),
        (pd.DataFrame({"k": [1.5], "w": ["x"]}), "k,w\n1.5,x\n"),
        (pd.Series([1, None], dtype="Int64", name="n"), "n\n1\n\n"),
        ([{"a": [1]}, {"b": None}], 'predictions\n"{""a"":[1]}"\n"{""b"":null}"\n'),
        (np.empty((0,)), "predictions\n"),
        (7, "predictions\n7\n"),
    ],
)
def test_an_answer_is_a_table(result: Any, text: str) -> None:
    assert written(result) == text


@pytest.mark.parametrize("cell", ['say "x"', "a,b", "two\nlines", "two\r\nlines", "old\rline", " blanks "])
def test_every_text_comes_back_as_it_was(cell: str) -> None:
    text = written({"t": [cell], "n": [1]})
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True))[1:] == [[cell, "1"]]


def test_the_signature_names_the_columns() -> None:
    outputs = Schema((ColumnSpec(DataType.double, "low"), ColumnSpec(DataType.double, "high")))
    assert written(np.eye(2), outputs=outputs).splitlines()[0] == "low,high"


def test_parts_stand_below_each_other_under_one_line_of_names() -> None:
    assert written(np.array([1]), np.array([2])) == "predictions\n1\n2\n"


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([np.zeros((1, 1, 1))], "3 dimensions"),
        ([{"a": [1, 2], "b": [1]}], "several lengths"),
        ([{"a": [1]}, {"b": [1]}], "several sets of columns"),
        ([[object()]], "no form in CSV"),
    ],
)
def test_what_is_no_table_is_refused(results: list[Any], said: str) -> None:
    with pytest.raises(UnencodableResult, match=said):
        written(*results)
