"""Columns as they came, held to a schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from modelpack.errors import SchemaMismatch, shorten
from modelpack.schema._arrays import Cells, guess_column, read_column
from modelpack.schema._refusal import Refused
from modelpack.schema._scalars import proper_text
from modelpack.schema.columns import ColumnSpec
from modelpack.schema.rules import Rules
from modelpack.schema.table import Table


@dataclass(frozen=True, slots=True)
class Frame:
    """Columns as they came, before their cells are read; *names* are positions where none were given."""

    names: Sequence[str | int]
    columns: Sequence[Cells]
    rows: int


def hold(frame: Frame, specs: Sequence[ColumnSpec], rules: Rules) -> Table:
    """The columns of *frame* that *specs* name, in their order, each of its type; raises SchemaMismatch.

    Columns beside them are dropped. *specs* without names take the first columns, whatever they are called.
    """
    places = _places(frame.names)
    if specs[0].name is None:
        if len(frame.names) < len(specs):
            raise SchemaMismatch(wanted=f"{len(specs)} columns", got=str(len(frame.names)))
        chosen = [(frame.names[place], place, spec) for place, spec in enumerate(specs)]
    else:
        chosen = [
            (spec.name, place, spec)
            for spec in specs
            if spec.name is not None and (place := _place(spec, places, frame)) is not None
        ]
    columns = {
        name: read_column(frame.columns[place], spec.type, required=spec.required, name=name, rules=rules)
        for name, place, spec in chosen
    }
    return Table(columns, frame.rows)


def _places(names: Sequence[str | int]) -> dict[str, int]:
    # By their text: JSON objects have only text for keys, and 0 and "0" are one name.
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        _check_name(name)
        if places.setdefault(str(name), place) != place:
            raise SchemaMismatch("columns", wanted="each name once", got=f"{shorten(repr(name), 60)} twice")
    return places


def _check_name(name: str | int) -> None:
    try:
        proper_text(str(name))
    except Refused as refusal:
        raise SchemaMismatch("columns", wanted="names that are text", got=refusal.got) from None


def _place(spec: ColumnSpec, places: Mapping[str, int], frame: Frame) -> int | None:
    place = places.get(str(spec.name))
    if place is None and spec.required:
        there = shorten(", ".join(str(name) for name in frame.names), 60) or "no columns"
        raise SchemaMismatch(
            wanted=str(spec.type), got=f"no such column; there are {there}", column=str(spec.name)
        )
    return place


def plain(frame: Frame, rules: Rules) -> Table:
    """*frame* as it came, where no schema says what it should be; raises SchemaMismatch for a name twice."""
    _places(frame.names)
    columns = {
        name: cells if isinstance(cells, np.ndarray) else guess_column(cells, rules, name=name)
        for name, cells in zip(frame.names, frame.columns, strict=True)
    }
    return Table(columns, frame.rows)
