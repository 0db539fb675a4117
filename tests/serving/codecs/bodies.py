"""Request bodies by chance: mostly right, written in many ways, and often wrong in one place."""

import json
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from modelpack.schema import ColumnSpec, DataType, ParamSpec, Schema, Signature, TensorSpec

_D = DataType

SIGNATURES: dict[str, Signature] = {
    "numbers": Signature(
        inputs=Schema(
            tuple(
                ColumnSpec(type_, name)
                for name, type_ in {
                    "age": _D.long,
                    "income": _D.double,
                    "n": _D.integer,
                    "x": _D.double,
                }.items()
            )
        )
    ),
    "doubles": Signature(inputs=Schema(tuple(ColumnSpec(_D.double, name) for name in "ab"))),
    "singles": Signature(
        inputs=Schema((ColumnSpec(_D.float, "f"), ColumnSpec(_D.double, "d"), ColumnSpec(_D.float, "g")))
    ),
    "one": Signature(inputs=Schema((ColumnSpec(_D.long, "only"),))),
    "labels": Signature(inputs=Schema((ColumnSpec(_D.double, 0), ColumnSpec(_D.long, 1)))),
    "punctuated": Signature(inputs=Schema((ColumnSpec(_D.double, "a,b"), ColumnSpec(_D.double, 'c:[d]"{')))),
    "all": Signature(
        inputs=Schema(tuple(ColumnSpec(type_, type_.value) for type_ in _D)),
        params=(ParamSpec("level", _D.double, 0.5), ParamSpec("tags", _D.string, ["x"], (-1,))),
    ),
    "optional": Signature(
        inputs=Schema(
            (
                ColumnSpec(_D.string, "s", required=False),
                ColumnSpec(_D.long, "k", required=False),
                ColumnSpec(_D.double, "d"),
                ColumnSpec(_D.boolean, "b", required=False),
            )
        )
    ),
    "texts": Signature(inputs=Schema(tuple(ColumnSpec(_D.string, name) for name in ("é", "q", "data")))),
    "unnamed": Signature(inputs=Schema((ColumnSpec(_D.double), ColumnSpec(_D.long)))),
    "tensor": Signature(inputs=Schema((TensorSpec(np.dtype("float64"), (-1, 3)),))),
    "whole tensor": Signature(inputs=Schema((TensorSpec(np.dtype("int32"), (-1, 2)),))),
    "flat tensor": Signature(inputs=Schema((TensorSpec(np.dtype("float32"), (-1,)),))),
    "cube": Signature(inputs=Schema((TensorSpec(np.dtype("int64"), (-1, 2, -1), "cube"),))),
    "named tensor": Signature(inputs=Schema((TensorSpec(np.dtype("float32"), (2, -1), "x"),))),
    "nothing": Signature(),
}

WHOLE = ["0", "-0", "1", "-1", "7", "42", "2147483647", "-2147483648", "16777216", "4503599627370496"]
ODD_WHOLE = [
    "2147483648", "-2147483649", "16777217", "9007199254740991", "9007199254740992", "9007199254740993",
    "-9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551615",
    "18446744073709551616", "18446744073709551617", "-9223372036854775809", "1" + "0" * 30,
    "9" * 310, "1" * 5000, "123456789012345678", "1234567890123456789",
]  # fmt: skip
REAL = ["0.5", "-0.0", "0.1", "1.0", "2.0", "-3.0", "1e3", "1E-5", "2.5e+1", "0.30000000000000004", "1.5"]
ODD_REAL = [
    "1e400", "-1e400", "1e308", "5e-324", "1e-400", "3.5e38", "1e39", "9007199254740993.0", "1e22",
    "1.8446744073709552e19", "18446744073709551616.0", "0.00123456789012345678901", "16777217.0",
    "4294967296.5", "123456789.123456789",
]  # fmt: skip
NOT_JSON = [
    "NaN", "Infinity", "-Infinity", "01", "+1", "1.", ".5", "1e", "0x1", "-", "nul", "True", "'a'", "1 2", "",
    '"\\ud800"', '"\\x"', '"\x01"', "[1,]", "1_000",
]  # fmt: skip
FOREIGN = [
    "null",
    "true",
    "false",
    '"1"',
    '""',
    "[]",
    "[1]",
    "{}",
    '{"a": 1}',
    "[[[[[1]]]]]",
    '{"a": {"a": [null]}}',
]
TEXTS = [
    "",
    "Yes",
    "a:b",
    "[",
    "{",
    "}",
    "]",
    ",",
    '"',
    "\\",
    'x\\"y',
    "\\\\",
    "é",
    "日本",
    "😀",
    "null",
    "true",
    "1",
]
MOMENTS = ["2024-01-31", "2024-01-31T12:00:00", "2024-01-31 12:00:00.5", "2024-01-31T12:00:00+02:00"]
ODD_MOMENTS = ["2024-02-30", "yesterday", "1500-01-01", "2024-1-1", "", "1706702400"]
BYTES = ["aGk=", "", "AAAA"]


def body(chance: random.Random, signature: Signature) -> bytes:
    """A request, right or wrong, for a model of *signature*."""
    text = _request(chance, signature)
    if chance.random() < 0.03:
        cut = chance.randrange(len(text) + 1)
        text = (
            text[:cut]
            + chance.choice(['"', "\\", "]", "}", "{", "[", ",", ":", "0", "-", " ", "\x00"])
            + text[cut:]
        )
    content = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.01:
        content = b"\xef\xbb\xbf" + content
    if chance.random() < 0.01:
        content = content[: chance.randrange(len(content) + 1)]
    if chance.random() < 0.01:
        content = content.replace(b"1", b"\xff", 1)
    return content


def _request(chance: random.Random, signature: Signature) -> str:
    pairs = [_form(chance, signature)]
    if chance.random() < (0.5 if signature.params else 0.1):
        pairs.append(("params", _params(chance)))
    if chance.random() < 0.03:
        pairs.append((chance.choice(["signature_name", "inputs", "params", "x"]), _junk(chance)))
    if chance.random() < 0.02:
        pairs.append(_form(chance, signature))
    return _object(chance, pairs)


def _form(chance: random.Random, signature: Signature) -> tuple[str, str]:
    schema = signature.inputs
    if schema is not None and schema.is_tensor:
        return _tensor(chance, schema)
    if schema is None:
        schema = SIGNATURES["numbers"].inputs
    assert schema is not None
    form = chance.choice(["dataframe_split"] * 5 + ["dataframe_records"] * 3 + ["inputs", "instances"])
    return form, _columns(chance, schema, form)


def _columns(chance: random.Random, schema: Schema, form: str) -> str:
    specs = [*schema.columns]
    if chance.random() < 0.25:
        chance.shuffle(specs)
    if chance.random() < 0.15:
        specs.insert(chance.randrange(len(specs) + 1), ColumnSpec(chance.choice([*_D]), chance.choice("zya")))
    if chance.random() < 0.1:
        specs.pop(chance.randrange(len(specs)))
    names = [place if spec.name is None else spec.name for place, spec in enumerate(specs)]
    odd = 0.0 if chance.random() < 0.6 else 0.05
    rows = [[_cell(chance, spec, odd) for spec in specs] for _ in range(_count(chance))]
    if rows and chance.random() < 0.04:
        _break(chance, rows)
    if form == "dataframe_split":
        return _split(chance, rows, names)
    if form == "inputs" and chance.random() < 0.6:
        columns = list(zip(*rows, strict=True)) if len({len(row) for row in rows}) == 1 else []
        one = len(rows) == 1 and chance.random() < 0.5
        cells = [column[0] if one else _list(chance, column) for column in columns]
        return _object(chance, list(zip(map(str, names), cells, strict=False)))
    if form == "instances" and chance.random() < 0.2:
        return _list(chance, [_list(chance, row) for row in rows])
    records = []
    for row in rows:
        pairs = list(zip(map(str, names), row, strict=False))
        if chance.random() < 0.1:
            chance.shuffle(pairs)
        records.append(_object(chance, pairs))
    return _list(chance, records)


def _count(chance: random.Random) -> int:
    return chance.choice([0, 1, 1, 1, 1, 2, 3, 5, 9, 40] if chance.random() < 0.9 else [150])


def _break(chance: random.Random, rows: list[list[str]]) -> None:
    row = chance.choice(rows)
    match chance.randrange(4):
        case 0 if row:
            row.pop()
        case 1:
            row.append("1")
        case 2:
            # As many numbers as there should be, in rows of other lengths.
            other = chance.choice(rows)
            row.append(other.pop() if other else "1")
        case _:
            rows.append(["[1, 2]"])


def _split(chance: random.Random, rows: list[list[str]], names: Sequence[str | int]) -> str:
    pairs = [
        ("columns", _list(chance, [_name(chance, name) for name in names])),
        ("data", _list(chance, [_list(chance, row) for row in rows])),
    ]
    if chance.random() < 0.2:
        labels = [
            chance.choice([str(number), f'"{number}"' if chance.random() < 0.2 else "3"])
            for number in range(len(rows))
        ]
        if chance.random() < 0.1:
            labels.append(chance.choice(["1", "[1]", "{}", "null", '"[,]"']))
        pairs.append(("index", chance.choice([_list(chance, labels)] * 9 + ["null"])))
    if chance.random() < 0.3:
        chance.shuffle(pairs)
    if chance.random() < 0.05:
        pairs.pop(0)
    if chance.random() < 0.03:
        pairs.append(
            (chance.choice(["columns", "data", "dtypes"]), chance.choice(["[]", "null", "[[1, 2]]", "1"]))
        )
    return _object(chance, pairs)


def _name(chance: random.Random, name: str | int) -> str:
    if isinstance(name, int) and chance.random() < 0.6:
        return str(name)
    if chance.random() < 0.01:
        return chance.choice(["1", "true", "null", "[]", "1.0", '"age"'])
    return _text(chance, str(name))


def _cell(chance: random.Random, spec: ColumnSpec, odd: float) -> str:
    if chance.random() < odd:
        return chance.choice(chance.choice([ODD_WHOLE, ODD_REAL, FOREIGN, FOREIGN, WHOLE, REAL, NOT_JSON]))
    if not spec.required and chance.random() < 0.2:
        return "null"
    return _right(chance, spec.type)


def _right(chance: random.Random, type_: Any) -> str:
    match type_:
        case _D.boolean:
            return chance.choice(["true", "false"])
        case _D.integer | _D.long:
            return (
                chance.choice([*WHOLE, "2.0", "1e3"])
                if chance.random() < 0.5
                else str(chance.randrange(-999, 999))
            )
        case _D.float | _D.double:
            if chance.random() < 0.02:
                return "null"
            return chance.choice(WHOLE + REAL) if chance.random() < 0.3 else repr(chance.gauss(0, 100))
        case _D.datetime:
            return _text(chance, chance.choice(MOMENTS if chance.random() < 0.97 else ODD_MOMENTS))
        case _D.binary:
            return _text(chance, chance.choice(BYTES if chance.random() < 0.97 else ["a", "====", "aGk"]))
    return _text(
        chance, chance.choice(TEXTS) if chance.random() < 0.5 else chance.choice(["Yes", "No", "DSL"])
    )


def _tensor(chance: random.Random, schema: Schema) -> tuple[str, str]:
    spec = schema.tensors[0]
    shape = [chance.choice([1, 1, 2, 3, 7]) if length == -1 else length for length in spec.shape]
    if chance.random() < 0.1:
        shape[chance.randrange(len(shape))] += chance.choice([1, -1])
    odd = 0.0 if chance.random() < 0.6 else 0.05
    cell = ColumnSpec(_D.long if spec.dtype.kind == "i" else _D.double)
    text = _nested(chance, shape, cell, odd)
    form = chance.choice(["inputs", "inputs", "instances", "dataframe_split"])
    if form == "dataframe_split":
        return form, _object(chance, [("data", text)])
    if spec.name is not None and chance.random() < 0.7:
        text = _object(chance, [(spec.name, text)])
    return form, text


def _nested(chance: random.Random, shape: list[int], cell: ColumnSpec, odd: float) -> str:
    if not shape:
        return _cell(chance, cell, odd)
    length = shape[0] + (chance.choice([1, -1]) if chance.random() < odd / 5 else 0)
    return _list(chance, [_nested(chance, shape[1:], cell, odd) for _ in range(length)])


def _params(chance: random.Random) -> str:
    if chance.random() < 0.1:
        return _junk(chance)
    pairs = []
    if chance.random() < 0.7:
        pairs.append(("level", chance.choice([*WHOLE, *REAL, *ODD_WHOLE, *FOREIGN])))
    if chance.random() < 0.5:
        pairs.append(
            ("tags", _list(chance, [_text(chance, chance.choice(TEXTS)) for _ in range(chance.randrange(3))]))
        )
    if chance.random() < 0.1:
        pairs.append(("more", _junk(chance)))
    return _object(chance, pairs)


def _junk(chance: random.Random) -> str:
    return chance.choice([*FOREIGN, *ODD_WHOLE, *TEXTS_AS_JSON, "[" * 70 + "]" * 70, "[" * 500 + "]" * 500])


TEXTS_AS_JSON = [json.dumps(text) for text in TEXTS]


def _object(chance: random.Random, pairs: Sequence[tuple[str, str]]) -> str:
    pairs = [*pairs]
    if pairs and chance.random() < 0.02:
        # The same key twice, perhaps written in another way.
        pairs.insert(chance.randrange(len(pairs) + 1), chance.choice(pairs))
    parts = [f"{_text(chance, key)}{_space(chance)}:{_space(chance)}{value}" for key, value in pairs]
    return "{" + _space(chance) + f"{_space(chance)},{_space(chance)}".join(parts) + _space(chance) + "}"


def _list(chance: random.Random, values: Sequence[str]) -> str:
    return "[" + _space(chance) + f"{_space(chance)},{_space(chance)}".join(values) + "]"


def _space(chance: random.Random) -> str:
    return "" if chance.random() < 0.8 else chance.choice([" ", "\n", "\t", "\r\n", "  "])


def _text(chance: random.Random, text: str) -> str:
    written = json.dumps(text, ensure_ascii=chance.random() < 0.5)
    if text and chance.random() < 0.02:
        place = chance.randrange(len(text))
        head, tail = json.dumps(text[:place])[:-1], json.dumps(text[place + 1 :])[1:]
        written = f"{head}\\u{ord(text[place]) & 0xFFFF:04x}{tail}"
    return written
