"""The quick way through a JSON request, taken where it is sure to end where the exact way does."""

import re
from collections.abc import Callable
from itertools import chain
from typing import Any, TypeAlias

import orjson

from modelpack.schema import Signature, Table, enforce_params
from modelpack.schema.compile import ColumnDecoder, TensorDecoder, compile_schema
from serving.codecs import Payload, _numbers, count_rows
from serving.settings import Coerce

_DEEPEST = 4
"""Levels that a body read here may have; a limit below this is left to the exact way."""

_ROUNDED_FROM = 2**63
"""orjson makes floats of whole numbers from here on, of positive ones from twice as much."""

_DATA = re.compile(rb'"data"[ \t\r\n]*:[ \t\r\n]*')
_TAIL = b"}}"
_LONGEST_HEAD = 8 << 10

_TRIES = 64
"""How often a head is learned anew. Callers who write differently would take turns for ever."""

_Found: TypeAlias = tuple[Any, int, int, int]
"""What was read, and how many keys, lists and objects the text of it has, if nothing of it was lost."""

_Reader: TypeAlias = Callable[[Any], _Found | None]


class FastJson:
    """Decodes requests to a model of one *signature*.

    *exact* decodes any request, and says of a bad one what is wrong with it. What comes from here is always
    what *exact* would have given. There are two quicker ways, and each steps aside in any doubt:

    1. Bodies of nothing but numbers, without a Python object for each of them (``serving.codecs._numbers``).
    2. Bodies that orjson reads, where its reading can have lost and changed nothing.
    """

    def __init__(
        self, signature: Signature, *, coerce: Coerce, depth_limit: int, exact: Callable[[bytes], Payload]
    ) -> None:
        self.signature = signature
        self._coerce = coerce
        self._exact = exact
        decoder = compile_schema(signature.inputs, coerce=coerce) if depth_limit >= _DEEPEST else None
        self._numbers = _numbers.reader(decoder)
        self._least = _numbers.WORTH_IT
        self._readers = _readers(decoder)
        self._frame = _Frame(decoder) if isinstance(decoder, ColumnDecoder) else None

    def decode(self, body: bytes) -> Payload:
        """What *exact* gives for *body*; raises what it raises."""
        if self._numbers is not None and len(body) >= self._least:
            data = self._numbers(body)
            if data is not None:
                return Payload(data, self._params(None), count_rows(data))
        payload = self._decode(body) if self._readers else None
        return self._exact(body) if payload is None else payload

    def _decode(self, body: bytes) -> Payload | None:
        table = self._frame.read(body) if self._frame is not None else None
        if table is not None:
            return Payload(table, self._params(None), table.rows)
        try:
            request = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        if type(request) is not dict:
            return None
        params, pairs, lists, objects = None, len(request), 0, 1
        if pairs > 1:
            given = _plain_params(request.pop("params", None))
            if given is None:
                return None
            params, pairs, lists, objects = given[0], pairs + given[1], given[2], 1 + given[3]
        if len(request) != 1:
            return None
        [(form, value)] = request.items()
        reader = self._readers.get(form)
        found = None if reader is None else reader(value)
        if found is None or not _is_all(body, pairs + found[1], lists + found[2], objects + found[3]):
            return None
        if self._frame is not None and form == "dataframe_split":
            self._frame.learn(body, value)
        return Payload(found[0], self._params(params), count_rows(found[0]))

    def _params(self, given: dict[str, Any] | None) -> dict[str, Any]:
        if given is None and not self.signature.params:
            return {}
        return enforce_params(given, self.signature.params, coerce=self._coerce)


def _is_all(body: bytes, pairs: int, lists: int, objects: int) -> bool:
    """Whether *body*, which is JSON, has so many keys, lists and objects, and no more.

    Of a key that stands twice orjson keeps one; but each has its colon. And what lies deeper than anybody
    looked has its brackets.
    """
    if body.count(b":") == pairs and body.count(b"[") == lists and body.count(b"{") == objects:
        return True
    # Some stand in strings. Escaped backslashes go first: what is left before a quote then tells whether
    # that ends its string.
    bare = body.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in body else body
    outside = b"".join(bare.split(b'"')[::2])
    return (outside.count(b":"), outside.count(b"["), outside.count(b"{")) == (pairs, lists, objects)


def _plain_params(params: Any) -> _Found | None:
    """*params* when they are nothing, or plain values and lists of such."""
    if params is None:
        return None, 0, 0, 0
    if type(params) is not dict:
        return None
    lists = [value for value in params.values() if type(value) is list]
    for value in chain(params.values(), *lists):
        if type(value) is dict or (type(value) is float and not -_ROUNDED_FROM < value < _ROUNDED_FROM):
            return None
    return params, len(params), len(lists), 1


def _readers(decoder: ColumnDecoder | TensorDecoder | None) -> dict[str, _Reader]:
    if isinstance(decoder, ColumnDecoder):
        columns = _Columns(decoder)
        return {
            "dataframe_split": columns.split,
            "dataframe_records": columns.records,
            "instances": columns.records,
            "inputs": columns.inputs,
        }
    if isinstance(decoder, TensorDecoder):
        tensor = _Tensor(decoder)
        return {"instances": tensor.lists, "inputs": tensor.inputs}
    return {}


class _Frame:
    """What stands around the rows of a ``dataframe_split``: a caller writes the same each time.

    Once a body has been read, another one that begins and ends with the same bytes can differ in its rows
    only, if what lies between is a whole JSON value.
    """

    def __init__(self, decoder: ColumnDecoder) -> None:
        self._decoder = decoder
        self._head = b""
        self._names: Any = None
        self._tries = _TRIES

    def read(self, body: bytes) -> Table | None:
        """The table of *body*; None in any doubt."""
        if not self._head or not body.startswith(self._head) or not body.endswith(_TAIL):
            return None
        try:
            rows = orjson.loads(body[len(self._head) : -len(_TAIL)])
        except orjson.JSONDecodeError:
            return None
        return self._decoder.from_rows(rows, self._names) if type(rows) is list else None

    def learn(self, body: bytes, split: Any) -> None:
        """Keep the head of *body*, in which *split* was found, if its rows come last in it."""
        found = _DATA.search(body, 0, _LONGEST_HEAD) if self._tries else None
        if found is None:
            return
        self._tries -= 1
        head = body[: found.end()]
        bare = head + b"[]" + _TAIL
        try:
            rest = orjson.loads(bare)
        except orjson.JSONDecodeError:
            return
        names = split["columns"]
        # A cell that nobody reads could hold anything.
        if not self._decoder.reads_all(names):
            return
        if rest == {"dataframe_split": {"columns": names, "data": []}} and _is_all(bare, 3, 2, 2):
            self._head, self._names = head, names


class _Columns:
    """The forms in which columns come."""

    def __init__(self, decoder: ColumnDecoder) -> None:
        self._decoder = decoder

    def split(self, split: Any) -> _Found | None:
        """An object with rows, names and perhaps labels of the rows."""
        if type(split) is not dict:
            return None
        rows, names, known, lists = split.get("data"), split.get("columns"), 2, 1
        if type(rows) is not list:
            return None
        if type(names) is list:
            lists += 1
        elif names is not None or "columns" not in split:
            return None
        if "index" in split:
            index, known = split["index"], 3
            if type(index) is list and len(index) == len(rows):
                lists += 1
            elif index is not None:
                return None
        if len(split) != known:
            return None
        table = self._decoder.from_rows(rows, names)
        return None if table is None else (table, known, lists + len(rows), 1)

    def records(self, records: Any) -> _Found | None:
        """A list of objects."""
        table = self._decoder.from_records(records) if type(records) is list else None
        return None if table is None else (table, sum(map(len, records)), 1, len(records))

    def inputs(self, inputs: Any) -> _Found | None:
        """An object of lists, one for each column; an object of values, which is one row; or records."""
        if type(inputs) is not dict:
            return self.records(inputs)
        names, parts = [*inputs], [*inputs.values()]
        kinds = set(map(type, parts))
        if kinds != {list}:
            table = None if list in kinds else self._decoder.from_rows([parts], names)
            return None if table is None else (table, len(names), 0, 1)
        if len(set(map(len, parts))) > 1:
            return None
        table = self._decoder.from_rows([*map(list, zip(*parts, strict=True))], names)
        return None if table is None else (table, len(names), len(names), 1)


class _Tensor:
    """The forms in which a tensor comes."""

    def __init__(self, decoder: TensorDecoder) -> None:
        self._decoder = decoder

    def lists(self, value: Any) -> _Found | None:
        """Lists in lists."""
        data = self._decoder.from_lists(value)
        return None if data is None else (data, 0, self._count(value), 0)

    def inputs(self, value: Any) -> _Found | None:
        """Lists in lists, perhaps under the tensor's name."""
        if type(value) is not dict:
            return self.lists(value)
        name = self._decoder.name
        # The name makes one level more.
        if name is None or [*value] != [name] or self._decoder.rank == _DEEPEST - 1:
            return None
        data = self._decoder.from_lists(value[name])
        return None if data is None else (data, 1, self._count(value[name]), 1)

    def _count(self, value: Any) -> int:
        """How many lists *value* consists of, whose parts are all of one length."""
        lists, level = 1, 1
        for _ in range(self._decoder.rank - 1):
            level *= len(value)
            value = value[0]
            lists += level
        return lists
