"""JSON text that says one thing only."""

import json
import math
import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.codecs import _strict
from serving.errors import InvalidRequest


def parse(text: str | bytes, depth_limit: int = 64) -> Any:
    return _strict.parse(text.encode() if isinstance(text, str) else text, depth_limit=depth_limit)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param('{"a": 1, "a": 2}', "'a' stands twice", id="doubled key"),
        pytest.param(
            '{"x": [{"a": 1, "b": [{"c": 1, "c": 1}]}]}', "'c' stands twice", id="doubled key below"
        ),
        pytest.param('{"a:b": 1, "a:b": 2}', "stands twice", id="doubled key with a colon"),
        pytest.param('{"\\u0061": 1, "a": 2}', "'a' stands twice", id="doubled key written in two ways"),
        pytest.param('{"a": NaN}', "NaN is not JSON", id="NaN"),
        pytest.param('{"a": -Infinity}', "Infinity is not JSON", id="infinity"),
        pytest.param('{"a": 1e999}', "too large", id="overflow by exponent"),
        pytest.param('{"a": -' + "9" * 310 + ".0}", "too large", id="overflow by digits"),
        pytest.param('{"a": ' + "1" * 5000 + "}", "not JSON", id="endless integer"),
        pytest.param("", "not JSON", id="nothing"),
        pytest.param("   \n", "not JSON", id="spaces"),
        pytest.param('{"a":[1,],}', "line 1, column", id="trailing comma"),
        pytest.param('{"a":1}x', "not JSON", id="garbage behind"),
        pytest.param('{"a":"\x01"}', "not JSON", id="control character"),
        pytest.param('{"a"\x00:[1]}', "not JSON", id="NUL"),
        pytest.param(b'{"a": "\xff"}', "not UTF-8", id="no UTF-8"),
        pytest.param('{"a": 1}'.encode("utf-32"), "not UTF-8", id="UTF-32"),
    ],
)
def test_text_with_more_than_one_meaning_is_refused(text: str | bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason) as caught:
        parse(text)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "42",
        "null",
        '"text"',
        '{"a": [1, 2.5, -0, -0.0, true, null, "x:y", "[{", "\\"]"]}',
        '{"a": 18446744073709551616, "b": -9223372036854775809, "c": 123456789012345678}',
        '{"a": 1e-999, "b": 1e308, "c": 0.1234567890123456789012345}',
        '{"rows": [{"a": 1, "b": "2024-01-01T00:00:00"}, {"a": 2, "b": "x"}]}',
        '{"a": "\\ud83d\\ude00", "b": "\\u202e"}',
        '{"a": {"b": {"c": {"d": {"e": {"f": [[[[[[1]]]]]]}}}}}}',
        '{"__proto__": {"x": 1}}',
        '{"a": "\\\\", "b": "[", "c": "\\\\\\""}',
    ],
)
def test_plain_text_is_read_as_the_standard_library_reads_it(text: str) -> None:
    value = parse(text)
    assert value == json.loads(text)
    assert repr(value) == repr(json.loads(text)), "types and signs of zero too"


def test_large_integers_are_not_rounded() -> None:
    assert parse('{"a": [18446744073709551617]}') == {"a": [2**64 + 1]}


def test_a_lone_surrogate_reaches_the_schema_which_can_name_its_column() -> None:
    assert parse('{"a": "\\ud800"}') == {"a": "\ud800"}


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("depth", [65, 200, 1_000, 100_000, 3_000_000])
@pytest.mark.parametrize("pattern", ["lists", "objects", "unclosed"])
def test_depth_has_a_limit_and_costs_nothing(depth: int, pattern: str) -> None:
    texts = {
        "lists": "[" * depth + "]" * depth,
        "objects": '{"a":' * min(depth, 200_000) + "1" + "}" * min(depth, 200_000),
        "unclosed": "[" * depth,
    }
    started = time.perf_counter()
    with pytest.raises(InvalidRequest):
        parse(texts[pattern])
    assert time.perf_counter() - started < 1.0


def test_the_depth_limit_is_exact() -> None:
    assert parse("[" * 64 + "]" * 64)
    with pytest.raises(InvalidRequest, match="more than 64 levels"):
        parse("[" * 65 + "]" * 65)
    assert parse('{"a": {"b": [1]}}', depth_limit=3)
    with pytest.raises(InvalidRequest, match="more than 2 levels"):
        parse('{"a": {"b": [[1]]}, "c": [[[1]]], "d": [[[[2]]]]}', depth_limit=2)


def test_brackets_in_strings_are_not_depth() -> None:
    text = json.dumps({"a": "[" * 5000, "b": '\\"[{' * 500, "c": ["]}" * 100]})
    assert parse(text) == json.loads(text)


def test_many_doubled_keys_do_not_cost_the_square_of_their_number() -> None:
    text = "{" + ",".join(f'"k{number}": 1' for number in range(200_000)) + ', "k199999": 2}'
    started = time.perf_counter()
    with pytest.raises(InvalidRequest, match="k199999"):
        parse(text)
    assert time.perf_counter() - started < 2.0


def reference(text: str) -> Any:
    """What strictness means, said in the plainest way."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("twice")
        return dict(pairs)

    def refuse(name: str) -> Any:
        raise ValueError(name)

    def finite(text: str) -> float:
        if not math.isfinite(float(text)):
            raise ValueError(text)
        return float(text)

    return json.loads(text, object_pairs_hook=unique, parse_constant=refuse, parse_float=finite)


numbers = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        ["-0", "-0.0", "1e5", "1E-7", "1e999", "NaN", "0.10000000000000000555", "1" * 25, "01", "1."]
    ),
)
strings = st.one_of(
    st.text(max_size=6).map(json.dumps), st.sampled_from(['"a"', '"b"', '"a:"', '"[{"', '"\\\\"'])
)
texts = st.recursive(
    st.one_of(numbers, strings, st.sampled_from(["true", "false", "null"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda parts: "[" + ", ".join(parts) + "]"),
        st.lists(st.tuples(strings, inner), max_size=4).map(
            lambda pairs: "{" + ",".join(f"{key}:{value}" for key, value in pairs) + "}"
        ),
    ),
    max_leaves=12,
)


@given(texts)
@settings(max_examples=500, deadline=None)
def test_every_text_is_read_exactly_or_refused(text: str) -> None:
    try:
        wanted = repr(reference(text))
    except ValueError:
        wanted = "refused"
    try:
        got = repr(parse(text))
    except InvalidRequest:
        got = "refused"
    assert got == wanted


def test_damaged_text_is_never_anything_but_refused_or_exact() -> None:
    seed = 20_240_131
    print("seed", seed)
    chance = random.Random(seed)
    whole = (
        b'{"dataframe_split": {"columns": ["a", "b:c"], "data": [[1.5, -2], [1e3, null]]}, "p": {"x": "\\n"}}'
    )
    for _ in range(3000):
        body = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            body[chance.randrange(len(body))] = chance.choice(b'[]{}",:0123456789eE.-+ \\ntrue\x00\xff')
        try:
            wanted = repr(reference(bytes(body).decode()))
        except ValueError:
            wanted = "refused"
        try:
            got = repr(parse(bytes(body)))
        except InvalidRequest:
            got = "refused"
        assert got == wanted, bytes(body)
