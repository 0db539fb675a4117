"""The shapes in which columns come: rows, records, objects, arrays, pandas frames, single values."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelpack.errors import SchemaMismatch
from modelpack.schema._arrays import Cells
from modelpack.schema._frames import Frame
from modelpack.schema._pandas import is_pandas, series_cells
from modelpack.schema._refusal import describe
from modelpack.schema._tensors import is_sparse
from modelpack.schema.columns import ColumnSpec
from modelpack.schema.dtypes import AnyType, Array, ColumnType, Map, Object
from modelpack.schema.rules import Rules
from modelpack.schema.signature import Schema
from modelpack.schema.table import Table


def from_rows(rows: object, names: object = None) -> Frame:
    """Rows of cells, all of one length: lists or tuples. Raises SchemaMismatch."""
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
        # Python prints no number of more than 4,300 digits, and no column is called so.
        odd = isinstance(name, bool) or (isinstance(name, int) and abs(name) >= 2**63)
        if odd or not isinstance(name, str | int):
            raise SchemaMismatch("columns", wanted="names", got=describe(name))
    return list(names)


def from_records(records: object, specs: Sequence[ColumnSpec], rules: Rules) -> Frame:
    """Objects of names and cells; of the names those in *specs*, if these have any. Raises SchemaMismatch.

    A name that some of them lack is a missing cell where its column is optional (or MLflow's leniency is
    asked for), and refused where it is required, so that no row's fate hangs on its neighbours.
    """
    if not isinstance(records, list | tuple):
        raise SchemaMismatch("data", wanted="a list of objects", got=describe(records))
    for row, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise SchemaMismatch(
                "data", wanted="an object of names and values", got=describe(record), row=row
            )
    known = {str(spec.name): spec for spec in specs if spec.name is not None}
    if not records:
        return Frame([name for spec in specs if (name := spec.name) is not None], [()] * len(known), 0)
    names: list[str | int] = []
    columns: list[Cells] = []
    for key in dict.fromkeys(key for record in records for key in record):
        spec = known.get(str(key))
        if spec is not None or not known:
            names.append(_name(key))
            columns.append(_gather(records, key, spec, rules))
    return Frame(names, columns, len(records))


def _name(key: object) -> str | int:
    return key if isinstance(key, str | int) and not isinstance(key, bool) else str(key)


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
    """Whatever may stand for the columns of *schema*; raises SchemaMismatch.

    From Python a Table, DataFrame, Series, array or sparse matrix; from anywhere lists, objects, one value.
    """
    if rules.source == "python" and (frame := _from_python(value)) is not None:
        return frame
    if isinstance(value, Mapping):
        return _from_object(value, schema.columns, rules)
    if isinstance(value, list) or (isinstance(value, tuple) and rules.source == "python"):
        return _from_list(value, schema, rules)
    return Frame(_only_name(schema), [[value]], 1)


def _from_python(value: Any) -> Frame | None:
    if isinstance(value, Table):
        return from_table(value)
    if is_pandas(value, "DataFrame"):
        return from_dataframe(value)
    if is_pandas(value, "Series"):
        return Frame([0 if value.name is None else _name(value.name)], [series_cells(value)], len(value))
    if is_sparse(value):
        return _from_array(value.toarray())
    return _from_array(value) if isinstance(value, np.ndarray) else None


def from_table(table: Table) -> Frame:
    """A Table, which may have been held to another schema."""
    return Frame(list(table.columns), list(table.columns.values()), table.rows)


def from_dataframe(frame: Any) -> Frame:
    """A pandas DataFrame; a column label that is neither text nor a whole number goes by its text."""
    names = [int(name) if isinstance(name, np.integer) else _name(name) for name in frame.columns]
    columns = [series_cells(frame.iloc[:, place]) for place in range(len(names))]
    return Frame(names, columns, len(frame))


def _from_array(array: np.ndarray) -> Frame:
    if array.ndim > 2 or array.dtype.names is not None:
        raise SchemaMismatch(wanted="an array of rows and columns", got=describe(array))
    if array.ndim == 0:
        return Frame([0], [[array[()]]], 1)
    columns = [array] if array.ndim == 1 else [array[:, place] for place in range(array.shape[1])]
    return Frame(range(len(columns)), [_cells(column) for column in columns], len(array))


def _from_object(value: Mapping[Any, Any], specs: Sequence[ColumnSpec], rules: Rules) -> Frame:
    """One row, or a list of cells for each name."""
    for key in value:
        if not isinstance(key, str | int) or isinstance(key, bool):
            raise SchemaMismatch("columns", wanted="names", got=describe(key))
    keys = list(value) if specs[0].name is None else [spec.name for spec in specs]
    types = {str(key): spec.type for key, spec in zip(keys, specs, strict=False)}
    kept = {key: cells for key, cells in value.items() if str(key) in types}
    if _is_one_row(kept, types, rules):
        return Frame(list(kept), [[cells] for cells in kept.values()], 1)
    for key, cells in kept.items():
        if not _is_list(cells, rules):
            wanted = "a list, as the other columns are"
            raise SchemaMismatch(column=str(key), wanted=wanted, got=describe(cells))
    first, *others = kept
    rows = len(kept[first])
    for key in others:
        if len(kept[key]) != rows:
            raise SchemaMismatch(column=str(key), wanted=f"{rows} values", got=str(len(kept[key])))
    return Frame(list(kept), [_cells(cells) for cells in kept.values()], rows)


def _is_one_row(kept: Mapping[Any, Any], types: Mapping[str, ColumnType], rules: Rules) -> bool:
    if any(is_pandas(cells, "Series") for cells in kept.values()):
        return False
    if any(isinstance(type_, Array | Object | Map) for type_ in types.values()):
        # As MLflow reads it: a list may be a cell.
        return True
    # A list in a column of the type any may be one cell, or the column: the others tell.
    telling = [cells for key, cells in kept.items() if not isinstance(types[str(key)], AnyType)]
    return not any(_is_list(cells, rules) for cells in telling or kept.values())


def _is_list(value: Any, rules: Rules) -> bool:
    if isinstance(value, list):
        return True
    if rules.source != "python":
        return False
    sized = isinstance(value, tuple) or (isinstance(value, np.ndarray) and value.ndim > 0)
    return sized or is_pandas(value, "Series")


def _cells(value: Any) -> Cells:
    if is_pandas(value, "Series"):
        value = series_cells(value)
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind != "O":
        return value
    return value if isinstance(value, list) else list(value)


def _from_list(value: Sequence[Any], schema: Schema, rules: Rules) -> Frame:
    if not value:
        return Frame(schema.names, [()] * len(schema.specs), 0)
    lone = schema.columns[0].type if len(schema.columns) == 1 else None
    takes_objects = isinstance(lone, Object | Map | AnyType) and not schema.is_named
    if all(isinstance(one, Mapping) for one in value) and not takes_objects:
        return from_records(value, schema.columns, rules)
    lists = (list,) if rules.on_the_wire else (list, tuple, np.ndarray)
    if all(isinstance(one, lists) for one in value) and not isinstance(lone, Array | AnyType):
        return from_rows([list(one) for one in value])
    return Frame(_only_name(schema), [value], len(value))


def _only_name(schema: Schema) -> list[str | int]:
    """The name for cells that came without one: there is no doubt only where the schema has one column."""
    return schema.names if len(schema.names) == 1 else [0]
