"""What is asked under load: the rows of a model's input example, as many in a request as are wanted."""

from collections.abc import Mapping
from typing import Any

import orjson

from modelpack.schema import Signature
from serving.errors import NothingToAsk

_MOST = 32
"""Different requests of one size; more would not find more."""

_TABLES = ("dataframe_split", "dataframe_records", "instances", "inputs")


def bodies(example: Any, signature: Signature, rows: int) -> list[bytes]:
    """Bodies of *rows* rows each, made of *example*, a body of ``/invocations`` that is parsed already.

    Each begins at another row of the example, whose rows are repeated as need be. Raises NothingToAsk
    where there is no example, or none that has rows.
    """
    name = next((name for name in _TABLES if isinstance(example, dict) and name in example), None)
    if name is None:
        raise NothingToAsk("the model has no input example to ask; save it with input_example=…")
    if any(spec.shape[:1] != (-1,) for spec in (signature.inputs.tensors if signature.inputs else ())):
        raise NothingToAsk("the model takes tensors of one fixed size, which cannot be cut into rows")
    given = _rows_of(example[name])
    if not given:
        raise NothingToAsk("the input example has no rows; save the model with one that has")
    return [
        orjson.dumps({**example, name: _cut(example[name], first, rows)})
        for first in range(min(given, _MOST))
    ]


def _rows_of(value: Any) -> int:
    if isinstance(value, list):
        return len(value)
    if not isinstance(value, Mapping):
        return 0
    if isinstance(value.get("data"), list):
        return len(value["data"])
    lengths = {_rows_of(column) if isinstance(column, list) else 0 for column in value.values()}
    return lengths.pop() if len(lengths) == 1 else 0


def _cut(value: Any, first: int, rows: int) -> Any:
    """*rows* rows of *value* from its row *first* on, in the form that it has."""
    if isinstance(value, list):
        return [value[(first + number) % len(value)] for number in range(rows)]
    if isinstance(value.get("data"), list):
        kept = {name: part for name, part in value.items() if name != "index"}
        return {**kept, "data": _cut(value["data"], first, rows)}
    return {name: _cut(column, first, rows) for name, column in value.items()}
