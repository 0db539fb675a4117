"""The shapes in which columns come: one picture of them all, and that held to a schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelpack.errors import SchemaMismatch, shorten
from modelpack.schema._arrays import Cells, guess_column, read_column
from modelpack.schema._pandas import is_pandas, series_cells
from modelpack.schema._refusal import describe
from modelpack.schema._tensors import is_sparse
from modelpack.schema.columns import ColumnSpec
from modelpack.schema.dtypes import AnyType, Array, Map, Object
from modelpack.schema.rules import Rules
from modelpack.schema.signature import Schema
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
        if places.setdefault(str(name), place) != place:
            raise SchemaMismatch("columns", wanted="each name once", got=f"{shorten(repr(name), 60)} twice")
    return places


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
        name: cells if isinstance(cells, np.ndarray) else guess_column(cells, rules)
        for name, cells in zip(frame.names, frame.columns, strict=True)
    }
    return Table(columns, frame.rows)


def from_rows(rows: object, names: object = None) -> Frame:
    """Rows of cells, all of one length: JSON lists, or tuples. Raises SchemaMismatch."""
    if not isinstance(rows, list | tuple):
        raise SchemaMismatch("data", wanted="a list of rows", got=describe(rows))
    if not set(map(type, rows)) <= {list, tuple}:
        row, odd = next((row, one) for row, one in enumerate(rows) if type(one) not in (list, tuple))
        raise SchemaMismatch("data", wanted="a list of values", got=describe(odd), row=row)
    known = _names(names)
    width = len(known) if known is not None else len(rows[0]) if rows else 0
    if not set(map(len, rows)) <= {width}:
        row, odd = next((row, one) for row, one in enumerate(rows) if len(one) != width)
        raise SchemaMismatch("data", wanted=f"{width} values", got=str(len(odd)), row=row)
    columns: list[Cells] = list(zip(*rows, strict=True)) if rows else [() for _ in range(width)]
    return Frame(range(width) if known is None else known, columns, len(rows))


def _names(names: object) -> list[str | int] | None:
    if names is None:
        return None
    if not isinstance(names, list | tuple):
        raise SchemaMismatch("columns", wanted="a list of names", got=describe(names))
    for name in names:
        if not isinstance(name, str | int) or isinstance(name, bool):
            raise SchemaMismatch("columns", wanted="names", got=describe(name))
    return list(names)


def from_records(records: object, specs: Sequence[ColumnSpec] | None, rules: Rules) -> Frame:
    """Objects of names and cells. Raises SchemaMismatch.

    A name that is absent from some of them is a missing cell where its column is optional (or MLflow's
    leniency is asked for), and refused where it is required, so that no row's fate hangs on its neighbours.
    """
    if not isinstance(records, list | tuple):
        raise SchemaMismatch("data", wanted="a list of objects", got=describe(records))
    for row, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise SchemaMismatch(
                "data", wanted="an object of names and values", got=describe(record), row=row
            )
    if specs is not None and specs[0].name is not None and not records:
        return Frame([spec.name for spec in specs if spec.name is not None], [()] * len(specs), 0)
    keys = list(dict.fromkeys(key for record in records for key in record))
    known = None if specs is None else {str(spec.name): spec for spec in specs if spec.name is not None}
    names: list[str | int] = []
    columns: list[Cells] = []
    for key in keys:
        spec = None if known is None else known.get(str(key))
        if known and spec is None:
            continue
        names.append(key if isinstance(key, str | int) and not isinstance(key, bool) else str(key))
        columns.append(_gather(records, key, spec, rules))
    return Frame(names, columns, len(records))


def _gather(records: Sequence[Mapping[Any, Any]], key: Any, spec: ColumnSpec | None, rules: Rules) -> Cells:
    try:
        return [record[key] for record in records]
    except KeyError:
        if spec is None or (spec.required and not rules.lenient):
            row = next(row for row, record in enumerate(records) if key not in record)
            wanted = "a value, as in other rows" if spec is None else str(spec.type)
            got = "nothing (the name is absent)"
            raise SchemaMismatch(wanted=wanted, got=got, row=row, column=str(key)) from None
        return [record.get(key) for record in records]


def from_value(value: Any, schema: Schema, rules: Rules) -> Frame:
    """Whatever may stand for columns: a table, a frame, an array, lists, objects, one value.

    Raises SchemaMismatch.
    """
    specs = schema.columns
    if rules.source == "python" and (frame := _from_python(value)) is not None:
        return frame
    if isinstance(value, Mapping):
        return _from_object(value, specs, rules)
    if isinstance(value, list | tuple) and (isinstance(value, list) or rules.source == "python"):
        return _from_list(value, schema, rules)
    return Frame(_only_name(schema), [[value]], 1)


def _from_python(value: Any) -> Frame | None:
    if isinstance(value, Table):
        return Frame(list(value.columns), list(value.columns.values()), value.rows)
    if is_pandas(value, "DataFrame"):
        return from_dataframe(value)
    if is_pandas(value, "Series"):
        name = value.name if isinstance(value.name, str | int) else 0
        return Frame([name], [series_cells(value)], len(value))
    if is_sparse(value):
        return _from_array(value.toarray())
    if isinstance(value, np.ndarray) and value.ndim > 0:
        return _from_array(value)
    return None


def from_dataframe(frame: Any) -> Frame:
    """A pandas DataFrame; a column label that is neither text nor a whole number goes by its text."""
    names = [
        name if isinstance(name, str) else int(name) if isinstance(name, int | np.integer) else str(name)
        for name in frame.columns
    ]
    columns = [series_cells(frame.iloc[:, place]) for place in range(len(names))]
    return Frame(names, columns, len(frame))


def _from_array(array: np.ndarray) -> Frame:
    if array.ndim > 2 or array.dtype.names is not None:
        raise SchemaMismatch(wanted="an array of rows and columns", got=describe(array))
    columns = [array] if array.ndim == 1 else [array[:, place] for place in range(array.shape[1])]
    return Frame(range(len(columns)), [_cells(column) for column in columns], len(array))


def _from_object(value: Mapping[Any, Any], specs: Sequence[ColumnSpec], rules: Rules) -> Frame:
    """One row, or a list of cells for each name.

    One row where the schema has lists or objects for cells, as MLflow reads it, or where no value is a list.
    """
    for key in value:
        if not isinstance(key, str | int) or isinstance(key, bool):
            raise SchemaMismatch("columns", wanted="names", got=describe(key))
    composite = any(isinstance(spec.type, Array | Object | Map) for spec in specs)
    wanted = {str(spec.name) for spec in specs}
    kept = {key: cells for key, cells in value.items() if str(key) in wanted or specs[0].name is None}
    listed = [_is_list(cells, rules) for cells in kept.values()]
    if (composite and not any(is_pandas(cells, "Series") for cells in kept.values())) or not any(listed):
        return Frame(list(kept), [[cells] for cells in kept.values()], 1)
    if not all(listed):
        odd = next(key for key, is_list in zip(kept, listed, strict=True) if not is_list)
        raise SchemaMismatch(
            column=str(odd), wanted="a list, as the other columns are", got=describe(kept[odd])
        )
    lengths = {key: len(cells) for key, cells in kept.items()}
    if len(set(lengths.values())) > 1:
        first, *others = lengths
        odd = next(key for key in others if lengths[key] != lengths[first])
        raise SchemaMismatch(column=str(odd), wanted=f"{lengths[first]} values", got=str(lengths[odd]))
    return Frame(list(kept), [_cells(cells) for cells in kept.values()], len(next(iter(kept.values()))))


def _is_list(value: Any, rules: Rules) -> bool:
    if isinstance(value, list):
        return True
    if rules.source != "python":
        return False
    return (
        isinstance(value, tuple)
        or (isinstance(value, np.ndarray) and value.ndim > 0)
        or is_pandas(value, "Series")
    )


def _cells(value: Any) -> Cells:
    if is_pandas(value, "Series"):
        cells: Cells = series_cells(value)
        return cells
    if isinstance(value, np.ndarray) and (value.ndim > 1 or value.dtype.kind == "O"):
        return list(value)
    return value  # type: ignore[no-any-return]  # a list, a tuple or a 1-D array, as _is_list said


def _from_list(value: Sequence[Any], schema: Schema, rules: Rules) -> Frame:
    specs = schema.columns
    lone = specs[0].type if len(specs) == 1 else None
    takes_objects = isinstance(lone, Object | Map | AnyType) and not schema.is_named
    if all(isinstance(one, Mapping) for one in value) and not takes_objects:
        return from_records(value, specs, rules)
    lists = (list,) if rules.on_the_wire else (list, tuple, np.ndarray)
    if value and all(isinstance(one, lists) for one in value) and not isinstance(lone, Array | AnyType):
        return from_rows([list(one) for one in value])
    return Frame(_only_name(schema), [value], len(value))


def _only_name(schema: Schema) -> list[str | int]:
    """The name for cells that came without one: there is no doubt only where the schema has one column."""
    return schema.names if len(schema.names) == 1 else [0]
