"""An input example as a small table: what fits, and how much there is besides."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelpack.directory import ModelDirectory
from modelpack.errors import shorten

_TABLES = ("dataframe_split", "dataframe_records", "instances", "inputs")


@dataclass(frozen=True, slots=True)
class Grid:
    """The first *cells* of an example under *headings*; *rows* and *columns* count all there are."""

    headings: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    rows: int
    columns: int
    params: str = ""


def grid_of(directory: ModelDirectory, *, rows: int, columns: int, longest: int) -> Grid | None:
    """That of *directory*, cut to so many *rows*, *columns* and characters; None where there is no example.

    Raises InvalidModel for a file that is no JSON.
    """
    value, params = _value(directory)
    if value is None:
        return None
    headings, cells, count = _table(value, rows)
    return Grid(
        tuple(shorten(one, longest) for one in headings[:columns]),
        tuple(tuple(_cell(one, longest) for one in row[:columns]) for row in cells),
        count,
        len(headings),
        "" if params is None else _cell(params, 20 * longest),
    )


def _value(directory: ModelDirectory) -> tuple[Any, Any]:
    """The example as JSON, and its params. The body of a request says best what is a table."""
    serving = directory.serving_example()
    value = directory.plain_example() if serving is None else serving
    for name in _TABLES:
        if isinstance(value, Mapping) and name in value and value.keys() <= {name, "params"}:
            return value[name], value.get("params")
    return value, None


def _table(value: Any, most: int) -> tuple[Sequence[str], Iterable[Sequence[Any]], int]:
    """Headings, the first *most* rows, and the number of all rows."""
    if isinstance(value, Mapping):
        if isinstance(rows := value.get("data"), list) and value.keys() <= {"columns", "index", "data"}:
            named = value.get("columns")
            rows = [row if isinstance(row, list) else [row] for row in rows]
            return _headings(named, rows), rows[:most], len(rows)
        if value and all(isinstance(one, list) for one in value.values()):
            count = max(map(len, value.values()))
            columns = list(value.values())
            rows = [[one[place] if place < len(one) else None for one in columns] for place in range(count)]
            return [str(name) for name in value], rows[:most], count
        return [str(name) for name in value], [list(value.values())], 1
    if isinstance(value, list):
        if value and all(isinstance(one, Mapping) for one in value):
            names = list(dict.fromkeys(str(name) for one in value[:most] for name in one))
            return names, [[one.get(name) for name in names] for one in value[:most]], len(value)
        rows = [row if isinstance(row, list) else [row] for row in value]
        return _headings(None, rows), rows[:most], len(rows)
    return ["value"], [[value]], 1


def _headings(named: Any, rows: Sequence[Sequence[Any]]) -> list[str]:
    wide = max(map(len, rows), default=0)
    known = [str(one) for one in named] if isinstance(named, list) else []
    return [known[place] if place < len(known) else str(place) for place in range(max(wide, len(known)))]


def _cell(value: Any, longest: int) -> str:
    if isinstance(value, str):
        return shorten(value, longest)
    if value is None:
        return "missing"
    return shorten(json.dumps(value, ensure_ascii=False), longest)
