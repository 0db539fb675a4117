"""A form made from a signature: its fields, and the body for ``/invocations`` that they stand for."""

import json
import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from modelpack.errors import InvalidName, shorten
from modelpack.schema import ColumnSpec, DataType, ParamSpec, Signature

Kind = Literal["text", "whole", "number", "choice", "json"]

MOST_FIELDS: Final = 60
"""Columns beyond which a row is written as one text."""
LARGEST_BODY: Final = 200_000
"""Characters of a body that is shown."""
BODY: Final = "body"

_KINDS: Final[dict[DataType, Kind]] = {
    DataType.boolean: "choice",
    DataType.integer: "whole",
    DataType.long: "whole",
    DataType.float: "number",
    DataType.double: "number",
}
_NOTHING: Final[Any] = object()


@dataclass(frozen=True, slots=True)
class Field:
    """One value of the row, or one param: *id* names it in a form, *name* in the signature."""

    id: str
    name: str
    type: str
    kind: Kind
    value: str
    required: bool
    is_param: bool = False

    def read(self) -> Any:
        """The value that its text stands for. Raises InvalidName for none of its type."""
        text = self.value.strip()
        if not text and not self.required:
            return None
        try:
            return _READERS[self.kind](text if self.kind != "text" else self.value)
        except (ValueError, RecursionError):
            met = shorten(repr(self.value), 60)
            raise InvalidName(
                f"{shorten(repr(self.name), 80)} wants {_WANTED[self.kind]}, not {met}"
            ) from None


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one row and of the params; or, where *fields* are none, one *text* for the whole body."""

    fields: tuple[Field, ...] = ()
    names: tuple[str | int, ...] | None = ()
    text: str = ""

    @property
    def body(self) -> str:
        """What is sent. Raises InvalidName for a field with a value of another type, and for no JSON."""
        if not self.fields:
            try:
                json.loads(self.text)
            except (ValueError, RecursionError):
                raise InvalidName("the body is no JSON; begin with the example") from None
            return self.text
        row = [one.read() for one in self.fields if not one.is_param]
        frame: dict[str, Any] = {} if self.names is None else {"columns": list(self.names)}
        document: dict[str, Any] = {"dataframe_split": {**frame, "data": [row]}}
        params = {one.name: one.read() for one in self.fields if one.is_param and one.value.strip()}
        if params:
            document["params"] = params
        return json.dumps(document, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of sending a form to *server*: a *status* and a *text*, or a *problem*.

    *warning* says that another model answered, *refusal* why this one did not; *took* is in milliseconds.
    """

    server: str = ""
    status: int = 0
    text: str = ""
    problem: str = ""
    warning: str = ""
    refusal: str = ""
    took: float = 0.0


def form_of(signature: Signature | None, example: Any, filled: Mapping[str, str]) -> Form:
    """The form for *signature*, with the first row of *example* in it, or with what was *filled* in."""
    inputs = signature.inputs if signature else None
    if signature is None or inputs is None or inputs.is_tensor or len(inputs.specs) > MOST_FIELDS:
        usual = json.dumps(example, indent=1, ensure_ascii=False) if example is not None else '{"inputs": []}'
        return Form(text=filled.get(BODY, usual if len(usual) <= LARGEST_BODY else '{"inputs": []}'))
    row = _first_row(example)
    fields = [
        _column(place, name, column, row, filled)
        for place, (name, column) in enumerate(zip(inputs.names, inputs.columns, strict=True))
    ]
    fields += [_param(place, one, filled) for place, one in enumerate(signature.params)]
    return Form(tuple(fields), tuple(inputs.names) if inputs.is_named else None)


def curl_line(form: Form) -> str:
    """The line for a terminal that sends what *form* holds."""
    return (
        "curl http://127.0.0.1:5001/invocations -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(_shown(form))}"
    )


def python_lines(form: Form) -> str:
    """The lines of Python that send what *form* holds."""
    return (
        "import json, urllib.request\n"
        f"body = json.dumps({_python(form)})\n"
        'request = urllib.request.Request("http://127.0.0.1:5001/invocations", body.encode(),\n'
        '                                 {"Content-Type": "application/json"})\n'
        "print(json.load(urllib.request.urlopen(request)))"
    )


def _shown(form: Form) -> str:
    try:
        return form.body
    except InvalidName:
        return '{"inputs": []}'


def _python(form: Form) -> str:
    return repr(json.loads(_shown(form)))


def _first_row(example: Any) -> Mapping[Any, Any]:
    """The first row of an example for ``/invocations``, by name and by place."""
    if not isinstance(example, dict):
        return {}
    frame = example.get("dataframe_split")
    if isinstance(frame, dict) and isinstance(frame.get("data"), list) and frame["data"]:
        row = frame["data"][0]
        if isinstance(row, list):
            columns = frame.get("columns")
            named = dict(zip(columns, row, strict=False)) if isinstance(columns, list) else {}
            return {**dict(enumerate(row)), **named}
    records = example.get("dataframe_records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        return records[0]
    return {}


def _column(
    place: int, name: str | int, column: ColumnSpec, row: Mapping[Any, Any], filled: Mapping[str, str]
) -> Field:
    kind: Kind = "json"
    if isinstance(column.type, DataType):
        kind = _KINDS.get(column.type, "text")
    known = row.get(name, row.get(str(name), _NOTHING))
    identity = f"input.{place}"
    value = filled.get(identity, _text(known, kind))
    return Field(identity, str(name), str(column.type), kind, value, column.required)


def _param(place: int, param: ParamSpec, filled: Mapping[str, str]) -> Field:
    kind: Kind = "json"
    if param.shape is None and isinstance(param.type, DataType):
        kind = _KINDS.get(param.type, "text")
    told = str(param.type) if param.shape is None else f"list of {param.type}"
    identity = f"param.{place}"
    value = filled.get(identity, _text(param.to_json()["default"], kind))
    return Field(identity, param.name, told, kind, value, required=False, is_param=True)


def _text(value: Any, kind: Kind) -> str:
    if value is _NOTHING or value is None:
        return "" if kind != "json" or value is _NOTHING else "null"
    if kind == "json":
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _number(text: str) -> float | int:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return int(text) if text.lstrip("+-").isdecimal() else value


_READERS: Final[dict[Kind, Any]] = {
    "text": str,
    "whole": int,
    "number": _number,
    "choice": lambda text: text == "true",
    "json": json.loads,
}
_WANTED: Final[dict[Kind, str]] = {
    "text": "text",
    "whole": "a whole number",
    "number": "a number",
    "choice": "true or false",
    "json": "JSON",
}
