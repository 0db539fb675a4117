"""Arrow's reader of CSV is asked only where it says what the exact one says."""

import subprocess
import sys
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpack.errors import SchemaMismatch
from modelpack.schema import DataType, Signature, Table, wire
from serving.codecs import _csv_fast, csv
from serving.errors import InvalidRequest
from tests.serving.codecs.v2 import columns

FRAME = columns(
    ("a", DataType.double, True),
    ("b", DataType.long, True),
    ("c", DataType.string, True),
    ("i", DataType.integer, False),
)
ROW = b"0.5,1,x,2,more\n"


def quickly(body: bytes, signature: Signature = FRAME) -> Table | None:
    """What the quick way makes of *body*, however small it is."""
    with patch.object(_csv_fast, "LEAST", 0):
        return _csv_fast.read_ordinary(body, signature.inputs)


def exactly(body: bytes, signature: Signature = FRAME) -> Any:
    """What the exact way makes of *body*: a Table, or the refusal."""
    try:
        names, rows = csv._read(body)
        return wire.table_from_text(rows, names, signature.inputs)
    except (InvalidRequest, SchemaMismatch) as error:
        return str(error)


def check_same(body: bytes, signature: Signature = FRAME) -> bool:
    """That the quick way says the same as the exact one, or nothing; answers whether it said something."""
    quick, exact = quickly(body, signature), exactly(body, signature)
    if quick is None:
        return False
    assert isinstance(exact, Table), exact
    assert (quick.rows, list(quick.columns)) == (exact.rows, list(exact.columns))
    for name, values in quick.columns.items():
        assert values.dtype == exact.columns[name].dtype
        assert [*map(type, values.tolist())] == [*map(type, exact.columns[name].tolist())]
        if values.dtype.kind == "f":
            assert values.tobytes() == exact.columns[name].tobytes()
        else:
            assert values.tolist() == exact.columns[name].tolist()
    return True


DIGITS = "0 -0.0 0.1 1e5 1E-05 -12 123456789012345 2.2250738585072011e-99 0.30000000000000004 -0e1 5e-09"
LONG = "1.7976931348623157e30 99999999999999999e99 12345678901234567.5 1.000000000000000111022302462515"


@pytest.mark.parametrize("text", [*DIGITS.split(), *LONG.split()])
def test_numbers_are_those_of_the_exact_reader_to_the_last_bit(text: str) -> None:
    assert check_same(f"a\n{text}\n".encode(), columns(("a", DataType.double, True)))


@pytest.mark.parametrize(
    "text", ["x", "NaN", "null", "None", "1", "1.50", " x ", "é", "日本", "#N/A", "true", "'"]
)
def test_texts_stay_what_they_are(text: str) -> None:
    assert check_same(f"c\n{text}\n{text}".encode(), columns(("c", DataType.string, True)))


@pytest.mark.parametrize(
    "body",
    [
        b"a,b,c,i\n0.5,1,x\n",
        b"a,b,c,i\n0.5,1,x,2,3\n",
        b"a,b,c,i\n0.5,,x,2\n",
        b"a,b,c,i\n0.5,1,,2\n",
        b'a,b,c,i\n0.5,1,"x",2\n',
        b"a,b,c,i\r\n0.5,1,x,2\r\n",
        b"a,b,c,i\n0.5,1,x,2\n\n",
        b"a,b,c,i\n\n0.5,1,x,2\n",
        b"a,b,c,i\n0.5,1.0,x,2\n",
        b"a,b,c,i\n0.5,1,x,2147483648\n",
        b"a,b,c,i\n0.5,1234567890123456789,x,2\n",
        b"a,b,c,i\n01,1,x,2\n",
        b"a,b,c,i\n-0,1,x,2\n",
        b"a,b,c,i\n9007199254740993,1,x,2\n",
        b"a,b,c,i\n+1,1,x,2\n",
        b"a,b,c,i\n1.,1,x,2\n",
        b"a,b,c,i\n.5,1,x,2\n",
        b"a,b,c,i\ninf,1,x,2\n",
        b"a,b,c,i\nnan,1,x,2\n",
        b"a,b,c,i\n1_0,1,x,2\n",
        b"a,b,c,i\n1e999,1,x,2\n",
        b"a,b,c,i\n0.5,1,\xff,2\n",
        b"a,b,c,i,z\n0.5,1,x,2,\xff\n",
        b"a,b,c,i\n0.5,1,x\0,2\n",
        b"\xef\xbb\xbfa,b,c,i\n0.5,1,x,2\n",
        b"a,b,c\n0.5,1,x\n",
        b"a,b,c,i,a\n0.5,1,x,2,3\n",
        b"a,b,c,i,\n0.5,1,x,2,3\n",
        b"a,b,c,i\n",
        b"",
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_exact_reader(body: bytes) -> None:
    assert quickly(body) is None


def test_most_of_these_bodies_are_not_ordinary_for_one_reason_alone() -> None:
    assert check_same(b"a,b,c,i\n0.5,1,x,2\n")
    assert check_same(b"z,i,c,b,a\nmore,2,x,1,0.5")


CELL = st.sampled_from(
    ["", "x", "0", "-1", "2.5", "1e3", "1e-7", "nan", "007", " 1", "é", '"', "1,2", "\r", "\n", "true"]
)
CLEAN = st.tuples(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e90, max_value=1e90).map(repr)
    | st.decimals(-(10**20), 10**20, allow_nan=False).map(str)
    | st.integers(-(2**60), 2**60).map(str),
    st.integers(-(2**58), 2**58).map(str),
    st.text(
        st.characters(codec="utf-8", exclude_characters='",', exclude_categories=["Cc", "Cs"]), min_size=1
    ),
    st.integers(-(2**31), 2**31 - 1).map(str),
)


@given(rows=st.lists(CLEAN, min_size=1, max_size=8), end=st.sampled_from(["", "\n"]))
def test_ordinary_tables_are_the_same_either_way(rows: list[tuple[str, ...]], end: str) -> None:
    body = "a,b,c,i\n" + "\n".join(map(",".join, rows)) + end
    check_same(body.encode())


@given(
    head=st.permutations(["a", "b", "c", "i", "z"]).map(",".join),
    rows=st.lists(st.lists(CELL, min_size=4, max_size=6).map(",".join), max_size=4),
)
def test_no_table_is_another_either_way(head: str, rows: list[str]) -> None:
    check_same("\n".join([head, *rows]).encode())


def test_a_large_body_goes_the_quick_way_and_a_small_one_does_not() -> None:
    code = f"""
import sys
from serving.codecs.csv import CsvCodec
from tests.serving.codecs.test_csv_fast import FRAME, ROW
one = CsvCodec(coerce="lossless", depth_limit=64)
for count in (10, {_csv_fast.LEAST}):
    sys.modules.pop("pyarrow.csv", None)
    one.decode(b"a,b,c,i,z\\n" + ROW * count, FRAME)
    print("pyarrow.csv" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_large_tables_are_the_same_and_may_be_written_to() -> None:
    chance = np.random.default_rng(7)
    print("seed 7")
    lines = [
        f"{real!r},{whole},w{whole % 7},{whole % 1000}"
        for real, whole in zip(
            chance.normal(size=5000).tolist(), chance.integers(0, 2**58, 5000).tolist(), strict=True
        )
    ]
    body = "\n".join(["a,b,c,i", *lines]).encode()
    assert check_same(body)
    table = csv.CsvCodec(coerce="lossless", depth_limit=64).decode(body, FRAME).data
    assert all(values.flags.writeable for values in table.columns.values())


def test_without_pyarrow_the_exact_reader_stays() -> None:
    with patch.dict(sys.modules, {"pyarrow": None}):
        assert quickly(b"a,b,c,i\n0.5,1,x,2\n") is None
