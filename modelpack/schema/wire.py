"""Values from a request held to a schema: what a JSON parser gives, and the cells of a CSV file."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from modelpack.errors import SchemaMismatch
from modelpack.schema._frame_tensors import frame_tensors
from modelpack.schema._frames import Frame, hold, plain
from modelpack.schema._plain import plain_value
from modelpack.schema._refusal import describe
from modelpack.schema._shapes import from_records, from_rows, from_value
from modelpack.schema._tensors import read_tensors
from modelpack.schema.enforce import ModelInput, is_open
from modelpack.schema.rules import Coerce, Rules
from modelpack.schema.signature import Schema


def table_from_rows(
    rows: Sequence[Sequence[Any]],
    names: Sequence[str] | None,
    schema: Schema | None,
    *,
    coerce: Coerce = "lossless",
) -> ModelInput:
    """``dataframe_split``: *rows* under *names*, straight from the JSON parser.

    Gives a Table, or tensors where *schema* declares them. Raises SchemaMismatch.
    """
    return _frame(from_rows(rows, names), schema, Rules("json", coerce))


def table_from_records(
    records: Sequence[Mapping[str, Any]], schema: Schema | None, *, coerce: Coerce = "lossless"
) -> ModelInput:
    """``dataframe_records``: a list of objects, straight from the JSON parser.

    Gives a Table, or tensors where *schema* declares them. Raises SchemaMismatch.
    """
    rules = Rules("json", coerce)
    specs = schema.columns if schema is not None else ()
    return _frame(from_records(records, specs, rules), schema, rules)


def table_from_text(
    rows: Sequence[Sequence[str]],
    names: Sequence[str] | None,
    schema: Schema | None,
    *,
    coerce: Coerce = "lossless",
) -> ModelInput:
    """CSV: *rows* of text cells under *names*.

    An empty cell is a missing value; in a required text column it is the empty text. Without a schema,
    columns of nothing but numbers are numbers, the rest stays text. Raises SchemaMismatch.
    """
    return _frame(from_rows(rows, names), schema, Rules("text", coerce))


def tensors_from_json(value: Any, schema: Schema | None, *, coerce: Coerce = "lossless") -> ModelInput:
    """Nested JSON lists as an array, an object of them as a dict of arrays; raises SchemaMismatch."""
    if schema is None or not schema.is_tensor:
        return inputs_from_json(value, schema, coerce=coerce)
    return read_tensors(value, schema.tensors, Rules("json", coerce))


def inputs_from_json(value: Any, schema: Schema | None, *, coerce: Coerce = "lossless") -> ModelInput:
    """``inputs``, the column form: lists, an object of lists, objects, or one value.

    Gives a Table for a schema of columns, an array or a dict of arrays for tensors; without a schema arrays
    of what came, and lists of objects as they are. Raises SchemaMismatch.
    """
    rules = Rules("json", coerce)
    if schema is None or is_open(schema):
        return plain_value(value)
    if schema.is_tensor:
        return read_tensors(value, schema.tensors, rules)
    return hold(from_value(value, schema, rules), schema.columns, rules)


def instances_from_json(value: Any, schema: Schema | None, *, coerce: Coerce = "lossless") -> ModelInput:
    """``instances``, the row form: a list of rows, or of objects that name a value of each input.

    Gives the same as ``inputs_from_json``. Raises SchemaMismatch, also for inputs of several lengths.
    """
    if isinstance(value, list) and value and isinstance(value[0], dict):
        if schema is None or is_open(schema):
            value = _by_name(value, list(value[0]))
        elif schema.is_tensor and schema.is_named:
            value = _by_name(value, [str(name) for name in schema.names])
    data = inputs_from_json(value, schema, coerce=coerce)
    _check_lengths(data)
    return data


def _by_name(rows: list[Any], names: list[str]) -> dict[str, list[Any]]:
    gathered: dict[str, list[Any]] = {name: [] for name in names}
    for row, one in enumerate(rows):
        if not isinstance(one, dict):
            raise SchemaMismatch("instances", wanted="an object, as the first is", got=describe(one), row=row)
        for name in names:
            if name not in one:
                raise SchemaMismatch(
                    wanted="a value", got="nothing (the name is absent)", row=row, column=name
                )
            gathered[name].append(one[name])
    return gathered


def _check_lengths(data: ModelInput) -> None:
    if not isinstance(data, dict):
        return
    lengths = {name: len(one) for name, one in data.items() if isinstance(one, np.ndarray) and one.ndim}
    if len(set(lengths.values())) > 1:
        first, *others = lengths
        odd = next(name for name in others if lengths[name] != lengths[first])
        raise SchemaMismatch(column=odd, wanted=f"{lengths[first]} instances", got=str(lengths[odd]))


def _frame(frame: Frame, schema: Schema | None, rules: Rules) -> ModelInput:
    if schema is None or is_open(schema):
        return plain(frame, rules)
    if schema.is_tensor:
        return frame_tensors(frame, schema.tensors, rules)
    return hold(frame, schema.columns, rules)
