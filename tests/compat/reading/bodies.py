"""What is asked of a model over HTTP, made from its own data: ordinary bodies, and odd ones."""

import base64
import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from modelpack.schema import ColumnSpec, DataType, ParamSpec, Schema, Signature

JSON, CSV = "application/json", "text/csv"
ANSWERS = (
    "number", "nothing", "texts", "nested", "numpy", "nan", "infinity", "moment", "bytes", "series",
    "named-series", "frame", "moments-frame", "moments-array", "booleans", "single", "long", "cube",
    "objects", "tuple", "keys", "empty", "empty-frame",
)  # fmt: skip


@dataclass(frozen=True)
class Body:
    """A request to ``/invocations``; *name* is what is odd about it, *family* what it is one of."""

    name: str
    content: bytes
    media_type: str | None = JSON
    family: str = ""


def ordinary(data: Any, params: Any, signature: Signature | None) -> list[Body]:
    """The forms in which *data* can be sent, params with the first."""
    if isinstance(data, pd.DataFrame):
        made = list(_frames(data, signature))
    else:
        data = _dense(data)
        value = jsonable(data)
        made = [_json("inputs", {"inputs": value})]
        if isinstance(data, np.ndarray):
            made.append(_json("instances", {"instances": value}))
        if isinstance(data, dict) and all(isinstance(one, np.ndarray) for one in data.values()):
            made.append(_json("instances", {"instances": _rows_of(value)}))
    if params is not None:
        first = json.loads(made[0].content)
        made[0] = _json(f"{made[0].name} with params", {**first, "params": params})
    return _family("the data as they are", made)


def malformed(data: Any, signature: Signature | None) -> list[Body]:
    """Bodies that are wrong whatever the model is, made of *data*."""
    return _family("malformed", _malformed(json.loads(ordinary(data, None, signature)[0].content)))


def odd(data: Any, signature: Signature | None) -> list[Body]:
    """Bodies that are wrong, unusual or lossy for a model that takes *data*."""
    data = _dense(data)
    plain = json.loads(ordinary(data, None, signature)[0].content)
    made = _family("params", _params(plain, signature))
    inputs = signature.inputs if signature else None
    if isinstance(data, pd.DataFrame):
        made += _family("odd tables", _odd_tables(data))
        if inputs is not None and not inputs.is_tensor:
            made += _family("odd cells", _odd_columns(data, inputs))
    elif isinstance(data, np.ndarray):
        made += _family("odd arrays", _odd_arrays(data))
    elif inputs is not None and inputs.is_tensor:
        made += _family("odd arrays", _odd_named(plain["inputs"]))
    return made


def answers() -> list[Body]:
    """For the model ``python-answers``: a request for each of its kinds of answers."""
    return _family(
        "kinds of answers",
        (
            _json(f"an answer: {kind}", {"dataframe_split": {"columns": ["kind"], "data": [[kind]]}})
            for kind in ANSWERS
        ),
    )


def jsonable(value: Any) -> Any:
    """*value* as a caller would write it in JSON."""
    if isinstance(value, pd.DataFrame):
        return [[jsonable(cell) for cell in row] for row in value.astype(object).to_numpy().tolist()]
    if isinstance(value, np.ndarray | np.generic):
        return jsonable(value.tolist())
    if isinstance(value, dict):
        return {str(key): jsonable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(one) for one in value]
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def _family(family: str, made: Iterable[Body]) -> list[Body]:
    return [replace(body, family=family) for body in made]


def _dense(data: Any) -> Any:
    """A sparse matrix as an array: HTTP knows no other."""
    return data.toarray() if hasattr(data, "toarray") else data


def _json(name: str, value: Any) -> Body:
    return Body(name, json.dumps(value).encode())


def _names(frame: pd.DataFrame) -> list[Any]:
    names: list[Any] = list(frame.columns)
    return [name if isinstance(name, str) else int(name) for name in names]


def _frames(frame: pd.DataFrame, signature: Signature | None) -> Iterator[Body]:
    rows, names = jsonable(frame), _names(frame)
    records = [{str(name): cell for name, cell in zip(names, row, strict=True)} for row in rows]
    yield _json("dataframe_split", {"dataframe_split": {"columns": names, "data": rows}})
    yield _json("dataframe_records", {"dataframe_records": records})
    yield _json("instances of objects", {"instances": records})
    yield _json("inputs of objects", {"inputs": records})
    yield _json(
        "inputs by column", {"inputs": {str(n): [row[i] for row in rows] for i, n in enumerate(names)}}
    )
    inputs = signature.inputs if signature else None
    kinds = {spec.type for spec in inputs.specs if isinstance(spec, ColumnSpec)} if inputs else set()
    if all(isinstance(kind, DataType) for kind in kinds):
        yield _csv("CSV", names, rows)


def _csv(name: str, names: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Body:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return Body(name, out.getvalue().encode(), CSV)


def _rows_of(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _malformed(plain: dict[str, Any]) -> Iterator[Body]:
    ((key, value),) = plain.items()
    text = json.dumps(plain)
    yield Body("an empty body", b"")
    yield Body("text that is no JSON", b"{not json")
    yield Body("a body cut short", text[:-2].encode())
    yield Body("bytes that are no UTF-8", b'{"inputs": ["\xff"]}')
    yield Body("a byte order mark", b"\xef\xbb\xbf" + text.encode())
    yield _json("a list as body", [value])
    yield _json("a number as body", 5)
    yield _json("null as body", None)
    yield _json("an empty object", {})
    yield _json("two kinds of input", {"inputs": [1], "instances": [1]})
    yield _json("an unknown key beside", {**plain, "signature_name": "serving_default"})
    yield Body("a key twice", f'{{"{key}": [], {text[1:]}'.encode())
    yield _json("split without data", {"dataframe_split": {"columns": ["a"]}})
    yield _json("split with a foreign key", {"dataframe_split": {"data": [], "rows": 1}})
    yield _json("split as a list", {"dataframe_split": [[1]]})
    yield _json("records as an object", {"dataframe_records": {"a": 1}})
    yield _json("a language model's messages", {"messages": [{"role": "user", "content": "hi"}]})
    yield Body("charset=utf-8", text.encode(), "application/json; charset=utf-8")
    yield Body("charset=UTF-8", text.encode(), "application/json;charset=UTF-8")
    yield Body("another charset", text.encode(), "application/json; charset=latin-1")
    yield Body("another parameter", text.encode(), "application/json; format=pandas-split")
    yield Body("capitals in the media type", text.encode(), "Application/JSON")
    yield Body("another media type", text.encode(), "text/plain")
    yield Body("no media type", text.encode(), None)


def _params(plain: dict[str, Any], signature: Signature | None) -> Iterator[Body]:
    def given(name: str, params: Any) -> Body:
        return _json(name, {**plain, "params": params})

    yield given("params that are null", None)
    yield given("params without a name in them", {})
    yield given("an unknown param", {"unheard_of": 1})
    yield given("params as a list", [1])
    for spec in signature.params if signature else ():
        yield from _param(given, spec)


def _param(given: Any, spec: ParamSpec) -> Iterator[Body]:
    kind = spec.type.value if isinstance(spec.type, DataType) else "object"
    what = f"a param of {kind}{'s' if spec.shape else ''}"
    fitting = {"double": 2.5, "long": 3, "string": "b", "boolean": True}[kind]
    values = {
        "that fits": [fitting, fitting] if spec.shape else fitting,
        "that is null": None,
        "given text": "abc",
        "given a number in quotes": "2",
        "given a whole number": 2,
        "given a fraction": 2.5,
        "given true": True,
        "given a list": [2],
        "given an object": {"a": 1},
    }
    for how, value in values.items():
        yield given(f"{what} {how}", {spec.name: value})


def _odd_tables(frame: pd.DataFrame) -> Iterator[Body]:
    rows, names = jsonable(frame), _names(frame)

    def split(name: str, columns: Any, data: Any, **more: Any) -> Body:
        return _json(name, {"dataframe_split": {"columns": columns, "data": data, **more}})

    yield split("an index", names, rows, index=list(range(len(rows))))
    yield split("an index of texts", names, rows, index=[f"row {number}" for number in range(len(rows))])
    yield split("an index too short", names, rows, index=[0] * (len(rows) + 1))
    yield _json("no names of columns", {"dataframe_split": {"data": rows}})
    yield split("columns in another order", names[::-1], [row[::-1] for row in rows])
    yield split("a column more", [*names, "more"], [[*row, 1] for row in rows])
    yield split("a column less", names[1:], [row[1:] for row in rows])
    yield split("one row", names, rows[:1])
    yield split("no rows", names, [])
    yield _json("no records", {"dataframe_records": []})
    yield split("a row too short", names, [rows[0][:-1], *rows[1:]])
    yield split("a row too long", names, [[*rows[0], 1], *rows[1:]])
    yield split("a name twice", [*names, names[0]], [[*row, row[0]] for row in rows])
    yield split("a row that is no list", names, [5, *rows[1:]])
    records = [{str(name): cell for name, cell in zip(names, row, strict=True)} for row in rows]
    first = {key: cell for key, cell in records[0].items() if key != str(names[0])}
    yield _json("a record without its first cell", {"dataframe_records": [first, *records[1:]]})
    yield _json("a record with a cell more", {"dataframe_records": [{**records[0], "more": 1}, *records[1:]]})
    yield _json(
        "records in another order", {"dataframe_records": [dict(reversed(one.items())) for one in records]}
    )
    yield _json("rows as inputs", {"inputs": rows})
    yield _json("rows as instances", {"instances": rows})
    yield _json("one row as inputs", {"inputs": records[0]})
    yield _csv("CSV in another order", names[::-1], [row[::-1] for row in rows])
    yield _csv("CSV with a column more", [*names, "more"], [[*row, 1] for row in rows])
    yield _csv("CSV with a column less", names[1:], [row[1:] for row in rows])
    yield _csv("CSV without rows", names, [])
    yield _csv("CSV with a row too short", names, [rows[0][:-1], *rows[1:]])
    yield Body("CSV without a line", b"", CSV)


def _odd_columns(frame: pd.DataFrame, schema: Schema) -> Iterator[Body]:
    """A cell of each type as something else."""
    rows, names = jsonable(frame), _names(frame)
    seen: set[DataType] = set()
    for place, spec in enumerate(schema.specs):
        assert isinstance(spec, ColumnSpec)
        if not isinstance(spec.type, DataType) or spec.type in seen or place >= len(names):
            continue
        seen.add(spec.type)
        where = names.index(spec.name) if spec.name in names else place if spec.name is None else None
        if where is None:
            continue
        kind = spec.type.value if spec.required else f"optional {spec.type.value}"
        for how, cell in PROBES[spec.type.value].items():
            changed = [[cell if at == where else old for at, old in enumerate(rows[0])], *rows[1:]]
            yield _json(f"{kind}: {how}", {"dataframe_split": {"columns": names, "data": changed}})
        for how, text in CSV_PROBES[spec.type.value].items():
            changed = [[text if at == where else old for at, old in enumerate(rows[0])], *rows[1:]]
            if all(isinstance(one.type, DataType) for one in schema.specs if isinstance(one, ColumnSpec)):
                yield _csv(f"{kind} in CSV: {how}", names, changed)


_NUMBERS = {
    "null": None,
    "text": "abc",
    "a number in quotes": "7",
    "true": True,
    "a list": [1],
    "an object": {"a": 1},
    "2.0": 2.0,
}
PROBES: Mapping[str, Mapping[str, Any]] = {
    "integer": {**_NUMBERS, "1.5": 1.5, "3000000000": 3000000000},
    "long": {**_NUMBERS, "1.5": 1.5, "beyond 64 bits": 2**63, "2^53 + 1": 2**53 + 1},
    "float": {**_NUMBERS, "a whole number": 3, "1e39": 1e39, "NaN": math.nan, "2^24 + 1": 2**24 + 1},
    "double": {
        **_NUMBERS,
        "a whole number": 3,
        "1.5 in quotes": "1.5",
        "NaN": math.nan,
        "Infinity": math.inf,
        "2^53 + 1": 2**53 + 1,
    },
    "boolean": {
        "null": None,
        "1": 1,
        "0": 0,
        "2": 2,
        "true in quotes": "true",
        "false in quotes": "false",
        "a list": [True],
    },
    "string": {
        "null": None,
        "5": 5,
        "1.5": 1.5,
        "true": True,
        "a list": ["a"],
        "an object": {"a": 1},
        "an empty text": "",
    },
    "binary": {"null": None, "5": 5, "no base64": "!!!", "base64 cut short": "YWJ", "an empty text": ""},
    "datetime": {
        "null": None,
        "a date": "2024-02-29",
        "a zone": "2024-02-29T12:30:00+02:00",
        "Z": "2024-02-29T12:30:00Z",
        "a number": 1700000000000000000,
        "a word": "yesterday",
        "an empty text": "",
        "true": True,
    },
}
CSV_PROBES: Mapping[str, Mapping[str, str]] = {
    "integer": {"nothing": "", "text": "abc", "1.5": "1.5", "3000000000": "3000000000"},
    "long": {"nothing": "", "text": "abc", "1.5": "1.5", "2.0": "2.0", "spaces": " 7 "},
    "float": {"nothing": "", "text": "abc", "NaN": "NaN"},
    "double": {"nothing": "", "text": "abc", "NaN": "NaN", "inf": "inf", "a whole number": "3"},
    "boolean": {"nothing": "", "1": "1", "yes": "yes", "TRUE": "TRUE"},
    "string": {"nothing": "", "NA": "NA", "5": "5"},
    "binary": {},
    "datetime": {},
}


def _odd_arrays(array: "np.ndarray[Any, Any]") -> Iterator[Body]:
    rows = jsonable(array)

    def inputs(name: str, value: Any) -> Body:
        return _json(name, {"inputs": value})

    def cell(name: str, value: Any) -> Body:
        return inputs(f"an array with {name}", _with_first(rows, value))

    yield inputs("an array of one row", rows[:1])
    yield inputs("an empty array", [])
    yield inputs("an array of whole numbers", np.rint(np.nan_to_num(array)).astype(int).tolist())
    yield inputs("an array without its last dimension", jsonable(array.ravel()))
    yield inputs("an array with a column less", [row[:-1] for row in rows])
    yield inputs("an array of unequal rows", [rows[0][:-1], *rows[1:]])
    yield inputs("a number for an array", 1.5)
    yield inputs("an object for an array", {"x": rows})
    yield _json("instances with objects for rows", {"instances": [{"x": row} for row in rows]})
    yield cell("null", None)
    yield cell("NaN", math.nan)
    yield cell("text", "abc")
    yield cell("a number in quotes", "7")
    yield cell("true", True)
    yield cell("1e39", 1e39)
    yield cell("a list deeper", [1.0])
    if array.ndim == 2:
        names = [f"column {number}" for number in range(array.shape[1])]
        yield _json("an array as split", {"dataframe_split": {"data": rows}})
        yield _json("an array as split with names", {"dataframe_split": {"columns": names, "data": rows}})
        yield _csv("an array as CSV", names, rows)


def _with_first(rows: Any, value: Any) -> Any:
    if not isinstance(rows, list):
        return value
    return [_with_first(rows[0], value), *rows[1:]]


def _odd_named(columns: dict[str, Any]) -> Iterator[Body]:
    first, *others = columns
    rest = {name: columns[name] for name in others}
    yield _json("a tensor less", {"inputs": rest})
    yield _json("a tensor more", {"inputs": {**columns, "more": [1]}})
    yield _json("tensors in another order", {"inputs": dict(reversed(columns.items()))})
    yield _json("a list for tensors", {"inputs": columns[first]})
    yield _json("a tensor with one row less", {"inputs": {**rest, first: columns[first][:-1]}})
    yield _json("a tensor with text", {"inputs": {**rest, first: _with_first(columns[first], "abc")}})
    yield _json("a tensor with null", {"inputs": {**rest, first: _with_first(columns[first], None)}})
    yield _json(
        "tensors of whole numbers", {"inputs": {**rest, first: np.rint(columns[first]).astype(int).tolist()}}
    )
    rows = _rows_of(columns)
    yield _json("an instance without a tensor", {"instances": [*rows[:-1], rest and _rows_of(rest)[-1]]})
