"""``modelpack predict`` and ``modelpack serve``."""

import io
import json
import sys
from pathlib import Path

import pytest

from modelpack.cli import COMMANDS, cli, run
from serving import commands
from serving.cli import serve
from tests.serving.kit import house, split


@pytest.fixture(autouse=True)
def _verbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELPACK_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MODELPACK_TRUST", raising=False)


def modelpack(*arguments: str) -> int:
    return run(cli, list(arguments), name="modelpack")


def test_the_verbs_are_found_by_name() -> None:
    assert COMMANDS["serve"] is serve
    assert COMMANDS["predict"] is commands.predict


@pytest.mark.parametrize(
    ("kind", "content"),
    [("json", json.dumps(split([1, 2], [3, 4.5]))), ("csv", "b,a\n2,1\n4.5,3\n")],
)
def test_a_file_gets_the_answer_that_the_server_gives(
    models: Path, tmp_path: Path, kind: str, content: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "rows").write_text(content)
    arguments = ("predict", "-m", str(models / "magic"), "-i", str(tmp_path / "rows"), "-t", kind)
    assert modelpack(*arguments, "--trust", "pickle") == 0
    out = capfdbinary.readouterr().out
    with house(tmp_path) as home:
        media_type = {"json": "application/json", "csv": "text/csv"}[kind]
        assert home.post(content, {"Content-Type": media_type}).content + b"\n" == out
    assert modelpack(*arguments, "--trust", "pickle", "-o", str(tmp_path / "answer")) == 0
    assert (tmp_path / "answer").read_bytes() == out


def test_rows_come_from_standard_input_without_a_file(
    models: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    body = json.dumps(split([1, 2])).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body)))
    assert modelpack("predict", "-m", str(models / "magic"), "--trust", "pickle") == 0
    assert capfd.readouterr().out == '{"predictions":[3.0]}\n'


@pytest.mark.parametrize(
    ("arguments", "content", "hint"),
    [
        (["--trust", "pickle"], '{"inputs": [1], "inputs": [2]}', "stands twice"),
        (["--trust", "pickle"], '{"dataframe_records": [{"a": "x", "b": 1}]}', "'a'"),
        (["--trust", "pickle"], json.dumps(split([-2, 0])), "the model raised ValueError"),
        (["--trust", "pickle", "-t", "csv"], "a,b\n1\n", "row 0 has 1 cells"),
        (["--trust", "pickle", "-i", "/nowhere/rows"], "", "no file '/nowhere/rows'"),
        ([], "{}", "--trust pickle"),
    ],
)
def test_what_cannot_be_predicted_is_one_line(
    models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    content: str,
    hint: str,
) -> None:
    (tmp_path / "rows").write_text(content)
    source = [] if "-i" in arguments else ["-i", str(tmp_path / "rows")]
    assert modelpack("predict", "-m", str(models / "magic"), *source, *arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert hint in line


def test_leniency_is_an_operators_choice(
    models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows").write_text('{"dataframe_records": [{"a": "1", "b": 2}]}')
    arguments = ("predict", "-m", str(models / "magic"), "--trust", "pickle", "-i", str(tmp_path / "rows"))
    assert modelpack(*arguments) == 1
    assert modelpack(*arguments, "--coerce", "mlflow") == 0
    assert capfd.readouterr().out == '{"predictions":[3.0]}\n'
