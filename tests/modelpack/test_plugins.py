"""Lazy tables of extensions."""

import sys
from importlib.metadata import EntryPoint

import pytest

from modelpack import plugins
from modelpack.errors import NotFound
from modelpack.plugins import Table


def table() -> "Table[object]":
    return Table(
        "thing", group="tests.things", builtins={"path": "posixpath:join", "color": "colorsys:ONE_THIRD"}
    )


def test_filling_a_table_imports_nothing() -> None:
    sys.modules.pop("colorsys", None)
    made = table()
    assert made.names() == ["path", "color"]
    assert "colorsys" not in sys.modules
    assert made["color"] == 1 / 3
    assert "colorsys" in sys.modules


def test_an_unknown_name_says_what_is_near() -> None:
    with pytest.raises(NotFound, match="did you mean 'color'"):
        _ = table()["colour"]


def test_a_thing_may_be_entered_by_hand() -> None:
    made = table()
    made.register("mine", 7)
    assert made["mine"] == 7
    assert list(made) == ["path", "color", "mine"]
    assert "mine" in made
    assert "yours" not in made


def test_entry_points_add_and_never_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("path", "ntpath:join", "tests.things"),
        EntryPoint("tau", "math:tau", "tests.things"),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "tests.things" else [])
    made = table()
    assert made.names() == ["path", "color", "tau"]
    assert made["tau"] == pytest.approx(6.283, abs=1e-3)
    assert getattr(made["path"], "__module__", "") == "posixpath"
