"""The quick way through a JSON request ends where the exact way does."""

import json
import os
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.errors import ModelpackError
from modelpack.schema import ColumnSpec, DataType, Schema, Signature, Table, _compiled
from modelpack.schema import compile as compile_module
from serving.codecs import Payload, _fast, _numbers
from serving.codecs._fast import FastJson
from serving.codecs.json import JsonCodec
from serving.settings import Coerce
from tests.modelpack.schema.test_cases import SCHEMAS, body_of
from tests.serving.codecs.bodies import SIGNATURES, body
from tests.shared import shared

CASES = int(os.environ.get("FAST_CASES", "250"))
"""Bodies for each signature and each way."""

NUMERIC = [
    "numbers",
    "doubles",
    "singles",
    "one",
    "labels",
    "punctuated",
    "tensor",
    "whole tensor",
    "named tensor",
]
NEEDS_SIMDJSON = pytest.mark.skipif(_numbers._simdjson is None, reason="simdjson is not installed")
WAYS = [pytest.param("numbers", marks=NEEDS_SIMDJSON), "cells"]


class SteppedAside(Exception):
    """The quick way gave no answer."""


def step_aside(content: bytes) -> Payload:
    raise SteppedAside


def quick(signature: Signature, way: str, coerce: Coerce = "lossless") -> Callable[[bytes], Payload]:
    """What decodes on one of the quick ways alone, and raises SteppedAside where it has no answer."""
    decoder = FastJson(signature, coerce=coerce, depth_limit=64, exact=step_aside)
    if way == "cells":
        decoder._numbers = None
    else:
        decoder._readers = {}
        decoder._least = 0
    return decoder.decode


def exact(signature: Signature, coerce: Coerce = "lossless") -> Callable[[bytes], Payload]:
    codec = JsonCodec(coerce=coerce, depth_limit=64)
    return lambda content: codec.decode_exactly(content, signature)


def outcome(decode: Callable[[bytes], Payload], content: bytes) -> Any:
    try:
        return decode(content)
    except ModelpackError as error:
        return type(error).__name__, str(error)


def facts(value: Any) -> Any:
    """Everything about *value* that a model could tell: types, order, dtypes, and every bit."""
    if isinstance(value, Payload):
        return facts(value.data), facts(value.params), value.rows
    if isinstance(value, Table):
        matrix = outcome(lambda _: value.matrix(), b"")  # type: ignore[arg-type, return-value]  # any result will do
        return "table", value.rows, [(name, facts(one)) for name, one in value.columns.items()], facts(matrix)
    if isinstance(value, np.ma.MaskedArray):
        return "masked", facts(value.filled()), facts(np.ma.getmaskarray(value))
    if isinstance(value, np.ndarray):
        content = [facts(one) for one in value.tolist()] if value.dtype.kind == "O" else value.tobytes()
        return "array", str(value.dtype), value.shape, content
    if isinstance(value, dict):
        return "dict", [(key, facts(one)) for key, one in value.items()]
    if isinstance(value, list | tuple):
        return type(value).__name__, [facts(one) for one in value]
    return type(value).__name__, repr(value)


def differences(
    signature: Signature, way: str, coerce: Coerce, contents: list[bytes]
) -> tuple[list[bytes], Counter[str]]:
    """The bodies on which the two ways part, and how the quick one ended."""
    read, wanted = quick(signature, way, coerce), exact(signature, coerce)
    parted: list[bytes] = []
    ends: Counter[str] = Counter()
    for content in contents:
        try:
            met = outcome(read, content)
        except SteppedAside:
            ends["aside"] += 1
            continue
        ends["read" if isinstance(met, Payload) else "refused"] += 1
        if facts(met) != facts(outcome(wanted, content)):
            parted.append(content)
    return parted, ends


@pytest.mark.parametrize("coerce", ["lossless", "mlflow"])
@pytest.mark.parametrize(
    ("name", "way"),
    [pytest.param(name, "cells") for name in sorted(SIGNATURES)]
    + [pytest.param(name, "numbers", marks=NEEDS_SIMDJSON) for name in NUMERIC],
)
def test_requests_by_chance_are_read_as_the_exact_way_reads_them(name: str, way: str, coerce: Coerce) -> None:
    seed = int(os.environ.get("FAST_SEED", "20260101"))
    print(f"seed {seed}, {CASES} bodies")
    chance = random.Random(f"{seed} {name} {way} {coerce}")
    contents = [body(chance, SIGNATURES[name]) for _ in range(CASES)]
    parted, ends = differences(SIGNATURES[name], way, coerce, contents)
    print(dict(ends))
    assert parted == []


NUMBERS_AS_JSON = st.one_of(
    st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.integers(-(2**66), 2**66).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        [
            str(sign * 2**power + more)
            for sign in (1, -1)
            for power in (24, 31, 53, 63, 64)
            for more in (-1, 0, 1)
        ]
    ),
)


@pytest.mark.parametrize("way", WAYS)
@given(numbers=st.lists(st.lists(NUMBERS_AS_JSON, min_size=4, max_size=4), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_every_number_arrives_as_it_does_on_the_exact_way(way: str, numbers: list[list[str]]) -> None:
    rows = ",".join(f"[{','.join(row)}]" for row in numbers)
    content = f'{{"dataframe_split":{{"columns":["age","income","n","x"],"data":[{rows}]}}}}'.encode()
    for name in ("numbers", "four singles"):
        parted, _ = differences(FOURS[name], way, "lossless", [content])
        assert parted == []


FOURS = {
    "numbers": SIGNATURES["numbers"],
    "four singles": Signature(
        inputs=Schema(tuple(ColumnSpec(DataType.float, name) for name in ("age", "income", "n", "x")))
    ),
}


@pytest.mark.parametrize("coerce", ["lossless", "mlflow"])
@pytest.mark.parametrize("way", WAYS)
def test_every_scoring_case_is_read_as_the_exact_way_reads_it(way: str, coerce: Coerce) -> None:
    cases = json.loads(shared("cases/scoring.json").read_text())["cases"]
    bodies = {case["id"]: (case["model"], body_of(case)) for case in cases if case["model"] in SCHEMAS}
    tried = 0
    for name, schema in SCHEMAS.items():
        contents = [text.encode() for model, text in bodies.values() if model == name and text is not None]
        parted, _ = differences(Signature(inputs=schema), way, coerce, contents)
        assert parted == []
        tried += len(contents)
    assert tried >= 100


def split_of(columns: list[str], *rows: list[float], **more: Any) -> str:
    return json.dumps({"dataframe_split": {**more, "columns": columns, "data": rows}})


ORDINARY = {
    "dataframe_split": split_of(["age", "income", "n", "x"], [1, 2.5, 3, -4e2]),
    "index": split_of(["age", "income", "n", "x"], [1, 2, 3, 4], [5, 6, 7, 8], index=[0, 1]),
    "other order": split_of(["income", "age", "n", "x"], [2.5, 1, 3, 4.0]),
    "column too much": split_of(["z", "age", "income", "n", "x"], [9, 1, 2, 3, 4]),
    "data first": '{"dataframe_split":{"data":[[1,2,3,4]],"columns":["age","income","n","x"]}}',
}
OF_EACH_TYPE = {
    "boolean": True,
    "integer": 1,
    "long": 2,
    "float": 0.1,
    "double": 0.2,
    "string": "s",
    "binary": "aGk=",
    "datetime": "2024-01-31T12:00:00",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", sorted(ORDINARY))
def test_ordinary_requests_are_read_quickly(name: str, way: str) -> None:
    content = ORDINARY[name].encode()
    signature = SIGNATURES["numbers"]
    assert facts(quick(signature, way)(content)) == facts(exact(signature)(content))


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("numbers", {"dataframe_records": [{"age": 1, "income": None, "n": 3, "x": 4}], "params": None}),
        ("numbers", {"dataframe_records": [{"z": "a:b", "age": 1, "income": 0.5, "n": 3, "x": 4}]}),
        ("numbers", {"inputs": {"age": [1, 2], "income": [0.5, 1], "n": [3, 4], "x": [4, 5]}}),
        ("numbers", {"instances": [{"age": 2**63 - 1, "income": 0.5, "n": 3, "x": 4}]}),
        ("texts", {"dataframe_split": {"columns": ["é", "q", "data"], "data": [["[", "a:b", '\\"']]}}),
        ("optional", {"dataframe_split": {"columns": ["d", "s"], "data": [[1, None], [2, "x"]]}}),
        ("cube", {"inputs": [[[1, 2, 3], [4, 5, 6]]]}),
        ("named tensor", {"inputs": {"x": [[1, 2, 3.5], [4, 5, 6]]}}),
        ("all", {"dataframe_records": [OF_EACH_TYPE], "params": {"level": 1, "tags": ["a:b"]}}),
    ],
)
def test_other_ordinary_requests_are_read_by_orjson(name: str, request_: dict[str, Any]) -> None:
    signature, content = SIGNATURES[name], json.dumps(request_).encode()
    assert facts(quick(signature, "cells")(content)) == facts(exact(signature)(content))


def framed(columns: str, rows: str, more: str = "") -> bytes:
    return f'{{"dataframe_split": {{"columns": {columns}, "data": {rows}{more}}}}}'.encode()


SAME_FRAME = [
    "[[3, 4]]",
    " [[3, 4], [5, 6]] ",
    "[]",
    "[[]]",
    "[3]",
    "{}",
    "null",
    "7",
    '[[3, "4"]]',
    "[[3, null]]",
    "[[3, [4]]]",
    "[[3, 4, 5]]",
    "[[3, 9007199254740993]]",
    "[[3, 1e999]]",
    "[[3, 4]",
    "[[3, 4]]]",
    '[[3, 4]], "data": [[5, 6]]',
    '[[3, 4]], "index": [0]',
    '[[3, 4]], "other": [0]',
    '[[3, 4]]}, "params": {',
    '[[3, 4]], "columns": ["b", "a"]',
    "",
]


@pytest.mark.parametrize("rows", SAME_FRAME)
def test_rows_in_a_frame_seen_before_are_read_as_the_exact_way_reads_them(rows: str) -> None:
    signature = SIGNATURES["doubles"]
    decoder = FastJson(signature, coerce="lossless", depth_limit=64, exact=exact(signature))
    decoder._numbers = None
    seen = framed('["a", "b"]', "[[1, 2]]")
    assert isinstance(outcome(decoder.decode, seen), Payload)
    assert decoder._frame is not None
    assert decoder._frame.read(seen) is not None
    content = framed('["a", "b"]', rows)
    assert facts(outcome(decoder.decode, content)) == facts(outcome(exact(signature), content))
    for ending in (content[:-1], content + b" ", content + b"}", content.replace(b"[[", b"[\xff[")):
        assert facts(outcome(decoder.decode, ending)) == facts(outcome(exact(signature), ending))


@pytest.mark.parametrize(
    "content",
    [
        framed('["a", "b", "c"]', "[[1, 2, 3]]"),
        framed('["a", "b"]', "[[1, 2]]", ', "index": [0]'),
        framed('["a", "b"]', "[[1, 2]]").replace(b"}}", b'}, "params": {}}'),
        b'{"dataframe_split": {"data": [[1, 2]], "columns": ["a", "b"]}}',
        framed('["a", "b", "\\"data\\":"]', "[[1, 2, 3]]"),
    ],
)
def test_a_frame_is_kept_only_if_all_but_the_rows_is_known(content: bytes) -> None:
    signature = SIGNATURES["doubles"]
    decoder = FastJson(signature, coerce="lossless", depth_limit=64, exact=step_aside)
    decoder._numbers = None
    decoder.decode(content)
    assert decoder._frame is not None
    assert decoder._frame.read(content) is None


def test_frames_that_take_turns_are_soon_left_alone() -> None:
    decoder = FastJson(SIGNATURES["doubles"], coerce="lossless", depth_limit=64, exact=step_aside)
    contents = [framed('["a", "b"]', "[[1, 2]]"), framed('["b",  "a"]', "[[1, 2]]")]
    for _ in range(_fast._TRIES):
        for content in contents:
            assert facts(decoder.decode(content)) == facts(exact(SIGNATURES["doubles"])(content))
    assert decoder._frame is not None
    assert decoder._frame._tries == 0


def test_a_small_body_of_numbers_skips_the_reader_for_large_ones() -> None:
    decoder = FastJson(SIGNATURES["numbers"], coerce="lossless", depth_limit=64, exact=step_aside)
    decoder._numbers = lambda content: pytest.fail("too small")
    assert decoder.decode(ORDINARY["dataframe_split"].encode()).rows == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_table_of_numbers_has_its_matrix_at_hand(way: str) -> None:
    content = b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2.5], [3, 4]]}}'
    table = quick(SIGNATURES["doubles"], way)(content).data
    assert table.matrix() is table.matrix()
    assert table.matrix().flags.c_contiguous
    assert table.matrix().flags.writeable
    assert table.matrix().tolist() == [[1.0, 2.5], [3.0, 4.0]]


def test_below_four_levels_everything_goes_the_exact_way() -> None:
    decoder = FastJson(SIGNATURES["numbers"], coerce="lossless", depth_limit=3, exact=step_aside)
    with pytest.raises(SteppedAside):
        decoder.decode(ORDINARY["dataframe_split"].encode())


def test_what_the_exact_way_refuses_is_refused_in_its_words() -> None:
    signature = SIGNATURES["numbers"]
    decoder = FastJson(signature, coerce="lossless", depth_limit=64, exact=exact(signature))
    for content in (b"[", b"{}", b'{"dataframe_split": {"columns": ["age"], "data": [[1.5]]}}'):
        met = outcome(decoder.decode, content)
        assert met == outcome(exact(signature), content)
        assert not isinstance(met, Payload)


@NEEDS_SIMDJSON
def test_threads_read_numbers_side_by_side() -> None:
    read = quick(SIGNATURES["doubles"], "numbers")

    def ask(number: int) -> list[list[float]]:
        rows = [[float(number), float(row)] for row in range(200)]
        content = json.dumps({"dataframe_split": {"columns": ["a", "b"], "data": rows}}).encode()
        assert all(read(content).data.matrix().tolist() == rows for _ in range(20))
        return rows

    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(ask, range(40)))) == 40


# That a difference would be seen: each of these breaks one of the checks on purpose.


def of_doubles(rows: str) -> bytes:
    return f'{{"dataframe_split": {{"columns": ["a", "b"], "data": {rows}}}}}'.encode()


DOUBLED = b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]], "data": [[3, 4]]}}'
DEEP = of_doubles("[[1, 2, " + "[" * 70 + "]" * 70 + "]]").replace(b'"b"]', b'"b", "c"]')


@pytest.mark.parametrize("content", [DOUBLED, DEEP])
def test_control_what_orjson_drops_would_be_seen(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert differences(SIGNATURES["doubles"], "cells", "lossless", [content]) == ([], {"aside": 1})
    monkeypatch.setattr(_fast, "_is_all", lambda *facts: True)
    assert differences(SIGNATURES["doubles"], "cells", "lossless", [content])[0] == [content]


def test_control_a_cell_that_nobody_reads_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [of_doubles("[[1, 2, 3]]").replace(b'"b"]', b'"b", "c"]'), DEEP]
    assert differences(SIGNATURES["doubles"], "cells", "lossless", contents)[0] == []
    monkeypatch.setattr(compile_module.ColumnDecoder, "reads_all", lambda *names: True)
    assert differences(SIGNATURES["doubles"], "cells", "lossless", contents)[0] == [DEEP]


@pytest.mark.parametrize("number", [2**53 + 1, -(2**63) - 1, 2**64 + 1])
def test_control_a_rounded_integer_would_be_seen(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    content = of_doubles(f"[[{number}, 0.5]]")
    assert differences(SIGNATURES["doubles"], "cells", "lossless", [content]) == ([], {"aside": 1})
    monkeypatch.setattr(compile_module, "_are_below", lambda limit, values: True)
    assert differences(SIGNATURES["doubles"], "cells", "lossless", [content])[0] == [content]


@pytest.mark.parametrize("number", ["1.5", "-0.0"])
def test_control_a_number_outside_its_type_would_be_seen(
    number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = f'{{"dataframe_records": [{{"age": {number}, "income": 1, "n": 1, "x": 1}}]}}'.encode()
    assert differences(SIGNATURES["numbers"], "cells", "lossless", [content])[0] == []
    monkeypatch.setattr(_compiled, "are_within", lambda cells, bounds: True)
    assert differences(SIGNATURES["numbers"], "cells", "lossless", [content])[0] == [content]


@NEEDS_SIMDJSON
@pytest.mark.parametrize("rows", ["[[1], [2, 3, 4]]", "[[1, 2, 3], 4]", "[[1, [2]]]", "[[[1, 2]]]"])
def test_control_rows_of_other_lengths_would_be_seen(rows: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = of_doubles(rows)
    assert differences(SIGNATURES["doubles"], "numbers", "lossless", [content]) == ([], {"aside": 1})
    monkeypatch.setattr(_numbers, "_are_shaped", lambda *facts: True)
    assert differences(SIGNATURES["doubles"], "numbers", "lossless", [content])[0] == [content]
