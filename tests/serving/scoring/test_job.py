"""A model over a file: every kind the same answer, whole or not at all, in parts where that is the same."""

import gzip
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

import modelpack
from modelpack.cli import cli, run
from modelpack.schema import ColumnSpec, DataType, ParamSpec, Schema, Signature
from tests.serving.kit import NUMBERS

ROWS = pd.DataFrame({"a": np.arange(10.0), "b": np.arange(10) * 2})
SUMS = (ROWS["a"] + ROWS["b"]).tolist()


def add(frame: Any) -> Any:
    """Both columns."""
    return (frame["a"] + frame["b"]).tolist()


def plus(frame: Any, params: dict[str, Any]) -> Any:
    """Both columns and a param."""
    return frame["a"] + frame["b"] + params["plus"]


def pick(frame: Any) -> Any:
    """As many answers as there are positive numbers."""
    return frame["a"][frame["a"] > 0].tolist()


def stumble(frame: Any) -> Any:
    """Fails for the row where *a* is 7."""
    if (frame["a"] == 7).any():
        raise ValueError(f"row {int(np.argmax(frame['a'] == 7))} is no good")
    return frame["a"].tolist()


def sure(frame: Any) -> Any:
    """Whole numbers, but for the last rows."""
    return [None if a > 7 else int(a) for a in frame["a"]]


DESCRIBED = Signature(
    inputs=Schema(
        (
            ColumnSpec(DataType.string, "text", required=False),
            ColumnSpec(modelpack.schema.Array(DataType.long), "list"),
            ColumnSpec(DataType.datetime, "moment"),
        )
    )
)


def describe(frame: Any) -> Any:
    """One text for each row, of all that is in it."""
    return [f"{row.text} {list(row.list)} {row.moment}" for row in frame.itertuples()]


def free(frame: Any) -> Any:
    """As ``pick``, and nothing is promised."""
    return pick(frame)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scoring")
    params = (ParamSpec("plus", DataType.double, 0.5),)
    signatures = {plus: Signature(inputs=NUMBERS.inputs, params=params), describe: DESCRIBED, free: None}
    for function in (add, plus, pick, stumble, sure, describe, free):
        signature = signatures.get(function, NUMBERS)
        modelpack.save(function, folder / function.__name__, signature=signature, requirements=["pandas"])
    return folder


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The rows in each kind of file."""
    ROWS.to_csv(tmp_path / "rows.csv", index=False)
    ROWS.to_parquet(tmp_path / "rows.parquet", row_group_size=3)
    table = pa.Table.from_pandas(ROWS, preserve_index=False)
    with ipc.new_file(tmp_path / "rows.arrow", table.schema) as writer:
        writer.write_table(table)
    with ipc.new_stream(tmp_path / "rows.arrows", table.schema) as writer:
        writer.write_table(table, max_chunksize=4)
    body = json.dumps({"dataframe_split": ROWS.to_dict("split")})
    (tmp_path / "rows.json").write_text(body)
    (tmp_path / "rows.json.gz").write_bytes(gzip.compress(body.encode()))
    return tmp_path


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MODELPACK_TRUST", "pickle")
    yield
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".modelpack")] == []


def predict(model: Path, *words: object) -> int:
    return run(cli, ["predict", "-m", str(model), *map(str, words)], name="modelpack")


@pytest.mark.parametrize(
    "name", ["rows.json", "rows.json.gz", "rows.csv", "rows.parquet", "rows.arrow", "rows.arrows"]
)
@pytest.mark.parametrize("chunk", [0, 4, 5, 65536])
def test_every_kind_of_file_gets_one_answer_in_parts_or_not(
    name: str, chunk: int, saved: Path, files: Path
) -> None:
    target = files / "answer.json"
    assert predict(saved / "add", "-i", files / name, "-o", target, "--chunk-rows", chunk) == 0
    assert json.loads(target.read_bytes()) == {"predictions": SUMS}


def _read(path: Path) -> Any:
    if path.suffix == ".parquet":
        return parquet.read_table(path)["predictions"].to_pylist()
    if path.suffix == ".csv":
        return pd.read_csv(path)["predictions"].tolist()
    if path.suffix == ".gz":
        return pd.read_csv(path)["predictions"].tolist()
    opened = (ipc.open_stream if path.suffix == ".arrows" else ipc.open_file)(path)
    return opened.read_all()["predictions"].to_pylist()


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet", "a.arrow", "a.feather", "a.arrows"])
@pytest.mark.parametrize("chunk", [0, 4])
def test_the_answer_is_written_as_its_name_ends(name: str, chunk: int, saved: Path, files: Path) -> None:
    words = ("-i", files / "rows.parquet", "-o", files / name, "--chunk-rows", chunk)
    assert predict(saved / "add", *words) == 0
    assert _read(files / name) == SUMS


def test_the_kind_that_is_said_goes_before_the_name(saved: Path, files: Path) -> None:
    (files / "rows.csv").rename(files / "rows.json.csv.txt")
    words = ("-i", files / "rows.json.csv.txt", "-o", files / "answer")
    assert predict(saved / "add", *words) == 1
    assert predict(saved / "add", *words, "-t", "csv") == 0
    assert json.loads((files / "answer").read_bytes()) == {"predictions": SUMS}


def test_a_file_that_is_there_is_replaced_and_keeps_its_rights(saved: Path, files: Path) -> None:
    target = files / "answer.json"
    target.write_text("old")
    target.chmod(0o600)
    link = files / "link.json"
    link.symlink_to(target)
    assert predict(saved / "add", "-i", files / "rows.csv", "-o", link) == 0
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600
    assert json.loads(target.read_bytes()) == {"predictions": SUMS}


def test_when_a_later_part_fails_the_old_file_stays_and_the_rows_are_named(
    saved: Path, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = files / "answer.json"
    target.write_text("old")
    assert predict(saved / "stumble", "-i", files / "rows.parquet", "-o", target, "--chunk-rows", 4) == 1
    said = capsys.readouterr()
    assert "in rows 4 to 7, counted from 4 as 0" in said.err
    assert "row 3 is no good" in said.err
    assert target.read_text() == "old"
    assert predict(saved / "stumble", "-i", files / "rows.parquet", "--chunk-rows", 4) == 1
    assert capsys.readouterr().out == ""


def test_a_wrong_value_is_named_by_its_row_in_the_file(
    saved: Path, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ROWS.assign(b=[*"012345", "six", *"789"]).to_parquet(files / "rows.parquet")
    words = ("-i", files / "rows.parquet", "--chunk-rows", 4)
    # Text is never a number: the very first row is refused.
    assert predict(saved / "add", *words) == 1
    assert "row 0, column 'b': expected double, got '0'" in capsys.readouterr().err
    big = [0] * 6 + [2**53 + 1] + [0] * 3
    ROWS.assign(b=big).to_parquet(files / "rows.parquet")
    assert predict(saved / "add", *words) == 1
    assert "row 6, column 'b': expected a number that double can hold exactly" in capsys.readouterr().err


def test_params_are_taken_from_the_command_before_those_of_the_file(
    saved: Path, files: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def asked(*words: object) -> list[float]:
        assert predict(saved / "plus", *words) == 0
        answer = json.loads(capfd.readouterr().out)["predictions"]
        return [row["0"] for row in answer]

    body = {"dataframe_split": ROWS.head(1).to_dict("split"), "params": {"plus": 2.0}}
    (files / "one.json").write_text(json.dumps(body))
    (files / "params.json").write_text('{"plus": 4.0}')
    assert asked("-i", files / "one.json") == [2.0]
    assert asked("-i", files / "one.json", "--params", '{"plus": 3}') == [3.0]
    assert asked("-i", files / "one.json", "--params", f"@{files / 'params.json'}") == [4.0]
    assert asked("-i", files / "rows.csv", "--params", '{"plus": 3}')[0] == 3.0
    assert asked("-i", files / "rows.csv")[0] == 0.5


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ('{"plus": "x"}', 1, "param 'plus': expected double"),
        ('{"minus": 1}', 1, "param 'minus'"),
        ("[1]", 2, "give a JSON object"),
        ("{", 2, "--params"),
        ("@/nowhere", 2, "No such file"),
    ],
)
def test_wrong_params_are_refused(
    given: str, code: int, said: str, saved: Path, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict(saved / "plus", "-i", files / "rows.csv", "--params", given) == code
    assert said in capsys.readouterr().err


def test_a_model_whose_answers_are_not_of_rows_has_to_be_asked_at_once(
    saved: Path, files: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ("-i", files / "rows.parquet")
    assert predict(saved / "pick", *words, "--chunk-rows", 4) == 1
    assert "--chunk-rows 0" in capfd.readouterr().err
    assert predict(saved / "pick", *words, "--chunk-rows", 0) == 0
    assert len(json.loads(capfd.readouterr().out)["predictions"]) == 9


def test_a_model_without_a_signature_is_asked_at_once(saved: Path, files: Path) -> None:
    words = ("-i", files / "rows.parquet", "-o", files / "a.json", "--chunk-rows", 2)
    assert predict(saved / "free", *words) == 0
    assert len(json.loads((files / "a.json").read_bytes())["predictions"]) == 9


def test_parts_of_several_types_are_one_column_or_refused(
    saved: Path, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("-i", files / "rows.parquet", "-o", files / "a.parquet", "--chunk-rows")
    assert predict(saved / "sure", *words, 5) == 0
    assert parquet.read_table(files / "a.parquet")["predictions"].to_pylist() == [*range(8), None, None]
    # The type of the file is that of its first part, here of nothing at all.
    ROWS[::-1].to_parquet(files / "rows.parquet")
    assert predict(saved / "sure", *words, 2) == 1
    assert "--chunk-rows 0" in capsys.readouterr().err
    assert predict(saved / "sure", *words, 0) == 0


@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow", "rows.arrows"])
def test_a_file_without_rows_has_an_answer_without_rows(name: str, saved: Path, files: Path) -> None:
    empty = pa.table({"a": pa.array([], "float64"), "b": pa.array([], "int64")})
    if name.endswith("parquet"):
        parquet.write_table(empty, files / name)
    else:
        with (ipc.new_file if name.endswith("arrow") else ipc.new_stream)(files / name, empty.schema) as one:
            one.write_table(empty)
    assert predict(saved / "add", "-i", files / name, "-o", files / "a.json") == 0
    assert json.loads((files / "a.json").read_bytes()) == {"predictions": []}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.parquet", b"PAR1"),
        ("x.parquet", b""),
        ("x.arrow", b"ARROW1\0\0 and nothing"),
        ("x.arrows", b"\xff" * 40),
        ("x.json.gz", b"{}"),
        ("x.csv.gz", gzip.compress(b"a,b", mtime=0)[:-4]),
    ],
)
def test_a_broken_file_is_one_line(
    name: str, content: bytes, saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    assert predict(saved / "add", "-i", tmp_path / name) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")


def test_a_place_that_cannot_be_written_is_known_before_the_model_is_asked(
    saved: Path, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for target, said in (
        (files / "none" / "a.json", "No such file or directory"),
        (files, "Is a directory"),
        ("/proc/a.json", ""),
    ):
        assert predict(saved / "stumble", "-i", files / "rows.csv", "-o", target) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "cannot be written" in line
        assert said in line


def test_a_pipe_is_read_and_written_as_it_is(saved: Path, files: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, (files / "rows.parquet").read_bytes())
    os.close(writing)
    back, forth = os.pipe()
    source, target = f"/dev/fd/{reading}", f"/dev/fd/{forth}"
    assert predict(saved / "add", "-i", source, "-t", "parquet", "-o", target) == 0
    os.close(forth)
    os.close(reading)
    with open(back, "rb") as pipe:  # noqa: PTH123 - a descriptor
        assert json.loads(pipe.read()) == {"predictions": SUMS}


def test_columns_on_standard_input_are_read(
    saved: Path, files: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with (files / "rows.arrows").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert predict(saved / "add", "-t", "arrow", "--chunk-rows", 3) == 0
    assert json.loads(capfd.readouterr().out) == {"predictions": SUMS}


def test_texts_lists_and_moments_arrive_in_parts_as_at_once(saved: Path, tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": [None if n % 5 == 0 else f"t{n}" for n in range(40)],
            "list": [list(range(n % 4)) for n in range(40)],
            "moment": pa.array(range(40), pa.timestamp("s")),
        }
    )
    # One batch, of which each part is a slice.
    with ipc.new_file(tmp_path / "rows.arrow", table.schema) as writer:
        writer.write_table(table)
    answers = []
    for chunk in (0, 7):
        words = ("-i", tmp_path / "rows.arrow", "-o", tmp_path / "a.json", "--chunk-rows", chunk)
        assert predict(saved / "describe", *words) == 0
        answers.append(json.loads((tmp_path / "a.json").read_bytes()))
    assert answers[0] == answers[1]
    assert len(set(answers[0]["predictions"])) == 40
