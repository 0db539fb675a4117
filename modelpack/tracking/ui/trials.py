"""A form made from a signature: its fields, and the body for ``/invocations`` that they stand for."""

import json
import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from modelpack.errors import InvalidName, shorten
from modelpack.schema import Signature
from modelpack.schema.form import NOTHING, Kind
from modelpack.schema.form import Field as Begun
from modelpack.schema.form import form_of as begin

BODY: Final = "body"


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
    names: tuple[str, ...] | None = ()
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
    begun = begin(signature or Signature(), example)
    if not begun.columns:
        return Form(text=filled.get(BODY, begun.body))
    fields = [
        _field(f"{kind}.{place}", one, filled, is_param=kind == "param")
        for kind, found in (("input", begun.columns), ("param", begun.params))
        for place, one in enumerate(found)
    ]
    return Form(tuple(fields), begun.names)


def _field(identity: str, one: Begun, filled: Mapping[str, str], *, is_param: bool) -> Field:
    value = filled.get(identity, one.text)
    return Field(identity, one.name, one.type, one.kind, value, one.required, is_param)


def curl_line(form: Form, server: str) -> str:
    """The line for a terminal that sends what *form* holds to *server*."""
    return (
        f"curl {shlex.quote(server)}/invocations -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(_shown(form))}"
    )


def python_lines(form: Form, server: str) -> str:
    """The lines of Python that send what *form* holds to *server*."""
    return (
        "import json, urllib.request\n"
        f"body = json.dumps({_python(form)})\n"
        f"request = urllib.request.Request({server + '/invocations'!r}, body.encode(),\n"
        '                                 {"Content-Type": "application/json"})\n'
        "print(json.load(urllib.request.urlopen(request)))"
    )


def _shown(form: Form) -> str:
    try:
        return form.body
    except InvalidName:
        return NOTHING


def _python(form: Form) -> str:
    return repr(json.loads(_shown(form)))


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
