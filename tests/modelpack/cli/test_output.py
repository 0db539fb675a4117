"""What is printed fits, and does nothing to a terminal."""

import os
import shutil
import sys

import pytest

from modelpack.cli.output import print_fact, print_table


def _on_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))


ROWS = [["a" * 60, "b" * 30, "ok"], ["x", "y\x1b[31m", "no"]]


@pytest.mark.parametrize("columns", [20, 40, 80, 160])
def test_a_table_fits_a_terminal_where_it_can(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _on_terminal(monkeypatch, columns)
    print_table(["LONG", "SHORT", "IS"], ROWS)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= max(columns, 26)
    assert (len(lines[1]) == 96) == (columns == 160)
    assert all(line.isprintable() for line in lines)


def test_a_table_in_a_file_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["LONG", "SHORT", "IS"], ROWS)
    assert capsys.readouterr().out.splitlines()[1] == f"{'a' * 60}  {'b' * 30}  ok"


def test_a_fact_is_wrapped_between_words_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _on_terminal(monkeypatch, 30)
    print_fact("path", "/a-very-long-path/without-any-blank and two\x1b[0m words")
    assert capsys.readouterr().out.splitlines() == [
        "path     /a-very-long-path/without-any-blank",
        "         and two\\x1b[0m words",
    ]
    print_fact("empty", "")
    assert capsys.readouterr().out == "empty\n"
