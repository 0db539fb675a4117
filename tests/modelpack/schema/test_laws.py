"""The law of the package, tried on made-up values: what arrives is what was sent, or it is refused."""

import base64
import contextlib
import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelpack.errors import SchemaMismatch
from modelpack.schema import (
    AnyType,
    Array,
    Coerce,
    ColumnSpec,
    ColumnType,
    DataType,
    Map,
    Object,
    Property,
    Schema,
    Signature,
    Table,
    TensorSpec,
    enforce,
)
from modelpack.schema._exact import convert
from modelpack.schema.wire import (
    inputs_from_json,
    instances_from_json,
    table_from_records,
    table_from_rows,
    table_from_text,
    tensors_from_json,
)

EDGES = [0, 1, -1, 2**24 + 1, 2**31, -(2**31) - 1, 2**53, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**30]
NUMBERS = st.one_of(
    st.sampled_from(EDGES),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([float(edge) for edge in EDGES] + [0.1, 3.5e38, 1e308, 5e-324]),
)
TEXTS = st.one_of(
    st.text(st.characters(), max_size=12),
    st.sampled_from(
        ["", "1", "true", "aGk=", "aGl=", "2024-01-01", "2024-01-01T00:00:00.5+01:00", "null", "NaN"]
    ),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["a", "b", "x"]) | TEXTS, inner, max_size=4),
    ),
    max_leaves=12,
)
SCALARS = st.sampled_from(DataType)
TYPES: st.SearchStrategy[ColumnType] = st.recursive(
    st.one_of(SCALARS, st.just(AnyType())),
    lambda inner: st.one_of(
        st.builds(Array, inner),
        st.builds(Map, inner),
        st.builds(
            lambda one, other, required: Object((Property("a", one, required), Property("b", other))),
            inner,
            inner,
            st.booleans(),
        ),
    ),
    max_leaves=4,
)
run = settings(max_examples=120, deadline=None, print_blob=True)


def same(sent: Any, got: Any, type_: ColumnType) -> bool:
    """Whether *got*, of *type_*, means what the JSON value *sent* means."""
    if sent is None:
        return got is None or (isinstance(got, float) and math.isnan(got)) or bool(np.isnat(got))
    match type_:
        case AnyType():
            return type(got) is type(sent) and got == sent
        case DataType():
            return same_scalar(sent, got, type_)
        case Array():
            return len(sent) == len(got) and all(
                same(*pair, type_.items) for pair in zip(sent, got, strict=True)
            )
        case Map():
            return sent.keys() == got.keys() and all(
                same(sent[name], got[name], type_.values) for name in sent
            )
        case Object():
            types = {one.name: one.type for one in type_.properties}
            return sent.keys() == got.keys() and all(
                same(sent[name], got[name], types[name]) for name in sent
            )


def same_scalar(sent: Any, got: Any, type_: DataType) -> bool:
    if type_ is DataType.boolean:
        return got is sent
    if type_ in (DataType.integer, DataType.long, DataType.double):
        return not isinstance(sent, bool) and isinstance(sent, int | float) and sent == got
    if type_ is DataType.float:
        near = float(np.float32(sent)) if isinstance(sent, float) else sent
        return not isinstance(sent, bool) and not isinstance(sent, str) and near == got
    if type_ is DataType.string:
        return type(got) is str and got == sent
    if type_ is DataType.binary:
        return type(got) is bytes and base64.b64encode(got).decode() == sent.replace("\n", "").replace(
            "\r", ""
        )
    zone = sent[10:].partition("+")[1] or sent[10:].partition("-")[1] or "Z" in sent
    return bool(zone) or bool(np.datetime64(sent.replace(",", "."), "ns") == got)


def cell(data: Any) -> Any:
    assert isinstance(data, Table)
    column = data.columns["a"]
    if isinstance(column, np.ma.MaskedArray):
        return column.tolist()[0]
    value = column[0]
    return value.item() if isinstance(value, np.generic) and value.dtype.kind != "M" else value


@run
@given(value=JSON, type_=TYPES, required=st.booleans())
def test_any_json_value_for_any_type_is_refused_or_arrives_unchanged(
    value: Any, type_: ColumnType, required: bool
) -> None:
    schema = Schema((ColumnSpec(type_, "a", required),))
    try:
        data = table_from_rows([[value]], ["a"], schema)
    except SchemaMismatch:
        return
    assert same(value, cell(data), type_) or value is None


@run
@given(values=st.lists(JSON, max_size=6), type_=TYPES, required=st.booleans())
def test_a_column_is_what_its_cells_are_one_by_one(
    values: list[Any], type_: ColumnType, required: bool
) -> None:
    """The quick ways for many values give what the slow way for one gives, and refuse what it refuses."""
    schema = Schema((ColumnSpec(type_, "a", required),))

    def alone(value: Any) -> Any:
        try:
            return cell(table_from_rows([[value]], ["a"], schema))
        except SchemaMismatch:
            return SchemaMismatch

    apart = [alone(value) for value in values]
    try:
        data = table_from_rows([[value] for value in values], ["a"], schema)
    except SchemaMismatch as error:
        assert error.row == apart.index(SchemaMismatch)  # noqa: PT017 - refusal is one of two right ends
        return
    assert SchemaMismatch not in apart
    if not isinstance(type_, AnyType):
        assert isinstance(data, Table)
        together = data.columns["a"].tolist()
        alike = np.array(apart, dtype=type_.numpy).tolist() if type_ is DataType.datetime else apart
        assert repr(together) == repr(alike)


@run
@given(value=JSON, type_=TYPES)
def test_python_values_are_refused_or_arrive_unchanged(value: Any, type_: ColumnType) -> None:
    schema = Schema((ColumnSpec(type_, "a"),))
    try:
        data = enforce([{"a": value}], schema)
    except SchemaMismatch:
        return
    got = cell(data)
    if isinstance(type_, DataType) and value is not None:
        assert got == value
        assert isinstance(got, bool) == isinstance(value, bool)
        assert isinstance(got, str) == isinstance(value, str)


GIVEN_GARBAGE: dict[str, Schema | None] = {
    "columns": Schema(
        (ColumnSpec(DataType.long, "a"), ColumnSpec(Array(DataType.long), "b", required=False))
    ),
    "unnamed columns": Schema((ColumnSpec(DataType.long), ColumnSpec(DataType.string))),
    "tensor": Schema((TensorSpec(np.dtype("float64"), (-1, 2)),)),
    "tensors": Schema(
        (TensorSpec(np.dtype("float64"), (-1,), "a"), TensorSpec(np.dtype("str"), (-1, 1), "b"))
    ),
    "objects": Schema((TensorSpec(np.dtype(object), (-1, -1)),)),
    "text": Schema((ColumnSpec(DataType.string, "a"),)),
    "nothing": None,
}
READERS: dict[str, Callable[[Any, Schema | None, Coerce], Any]] = {
    "rows": lambda value, schema, coerce: table_from_rows(value, ["a", "b"], schema, coerce=coerce),
    "names": lambda value, schema, coerce: table_from_rows([[1, 2]], value, schema, coerce=coerce),
    "text": lambda value, schema, coerce: table_from_text(value, None, schema, coerce=coerce),
    "records": lambda value, schema, coerce: table_from_records(value, schema, coerce=coerce),
    "tensors": lambda value, schema, coerce: tensors_from_json(value, schema, coerce=coerce),
    "inputs": lambda value, schema, coerce: inputs_from_json(value, schema, coerce=coerce),
    "instances": lambda value, schema, coerce: instances_from_json(value, schema, coerce=coerce),
    "python": lambda value, schema, coerce: enforce(value, schema, coerce=coerce),
}


@run
@given(
    value=JSON,
    schema=st.sampled_from(sorted(GIVEN_GARBAGE)),
    reader=st.sampled_from(sorted(READERS)),
    coerce=st.sampled_from(["lossless", "mlflow"]),
)
def test_no_garbage_raises_anything_but_a_mismatch(
    value: Any, schema: str, reader: str, coerce: Coerce
) -> None:
    with contextlib.suppress(SchemaMismatch):
        READERS[reader](value, GIVEN_GARBAGE[schema], coerce)


@run
@given(number=NUMBERS, type_=SCALARS)
def test_a_number_in_csv_means_what_it_means_in_json(number: float, type_: DataType) -> None:
    schema = Schema((ColumnSpec(type_, "a"),))
    if type_ in (DataType.string, DataType.binary, DataType.datetime, DataType.boolean):
        return

    def read(make: Any) -> Any:
        try:
            return cell(make())
        except SchemaMismatch:
            return SchemaMismatch

    text = json.dumps(number)
    if Decimal(text) != Decimal(number) and type_ in (DataType.integer, DataType.long):
        return  # CSV keeps digits that a JSON parser has rounded away
    assert read(lambda: table_from_text([[text]], ["a"], schema)) == read(
        lambda: table_from_rows([[number]], ["a"], schema)
    )


DTYPES = [
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
]
DTYPES += ["longdouble", "bool", "datetime64[s]", "datetime64[us]", "datetime64[ns]", "datetime64[D]"]


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    if dtype.kind == "b":
        return np.array(draw(st.lists(st.booleans(), max_size=4)), dtype=dtype)
    if dtype.kind in "iu":
        bounds: Any = np.iinfo(dtype)
        near = [
            int(bounds.min),
            int(bounds.max),
            *(edge for edge in EDGES if bounds.min <= edge <= bounds.max),
        ]
        whole = st.one_of(st.sampled_from(near), st.integers(int(bounds.min), int(bounds.max)))
        return np.array(draw(st.lists(whole, max_size=4)), dtype=dtype)
    if dtype.kind == "M":
        moments = st.one_of(st.integers(-(2**62), 2**62), st.integers(-(2**33), 2**33), st.just(-(2**63)))
        return np.array(draw(st.lists(moments, max_size=4)), dtype="int64").view(dtype)
    with np.errstate(over="ignore"):
        reals = st.floats(width=16) | st.floats(width=64) | st.sampled_from([float(edge) for edge in EDGES])
        return np.array(draw(st.lists(reals, max_size=4)), dtype="float64").astype(dtype)


@run
@given(values=arrays(), dtype=st.sampled_from(DTYPES).map(np.dtype))
def test_a_dtype_is_changed_only_if_every_value_stays_equal(values: np.ndarray, dtype: np.dtype[Any]) -> None:
    changed = convert(values, dtype)
    if changed is None:
        return
    assert changed.dtype == dtype
    assert {values.dtype.kind, dtype.kind} <= set("iuf") or values.dtype.kind == dtype.kind
    for before, after in zip(values, changed, strict=True):
        if dtype.kind == "M":
            assert exact_moment(before) == exact_moment(after)
        elif np.isfinite(before):
            assert exact_number(before) == exact_number(after)
        else:
            assert str(float(before)) == str(float(after))


def exact_number(value: Any) -> tuple[int, int]:
    numerator, denominator = value.as_integer_ratio() if value.dtype.kind == "f" else (int(value), 1)
    return int(numerator), int(denominator)


def exact_moment(value: np.datetime64) -> int | None:
    """Nanoseconds, counted by Python's endless integers."""
    unit, step = np.datetime_data(value.dtype)
    each = {"D": 86_400 * 10**9, "s": 10**9, "us": 1000, "ns": 1}[unit]
    return None if np.isnat(value) else int(value.view("int64")) * each * step


@run
@given(values=arrays(), dtype=st.sampled_from([one for one in DTYPES if one != "longdouble"]).map(np.dtype))
def test_a_tensor_is_refused_or_arrives_unchanged(values: np.ndarray, dtype: np.dtype[Any]) -> None:
    schema = Schema((TensorSpec(dtype, (-1,)),))
    try:
        read = enforce(values, schema)
    except SchemaMismatch:
        assert convert(values, dtype) is None
        return
    np.testing.assert_array_equal(read, convert(values, dtype))


@run
@given(values=arrays(), type_=SCALARS)
def test_an_array_for_a_column_is_refused_or_arrives_unchanged(values: np.ndarray, type_: DataType) -> None:
    schema = Schema((ColumnSpec(type_),))
    gap = values.dtype.kind == "M" and np.isnat(values).any()
    try:
        table = enforce(values, schema)
    except SchemaMismatch:
        assert convert(values, type_.numpy) is None or gap
        return
    assert isinstance(table, Table)
    if gap and type_ is not DataType.datetime:
        assert np.isnan(table.columns[0]).all()  # NaT is a missing value, and nothing else is there
        return
    np.testing.assert_array_equal(table.columns[0], convert(values, type_.numpy))


@run
@given(types=st.lists(TYPES, min_size=1, max_size=4), required=st.booleans(), names=st.booleans())
def test_any_signature_is_read_back_as_it_was_written(
    types: list[ColumnType], required: bool, names: bool
) -> None:
    specs = tuple(
        ColumnSpec(type_, f"c{place}" if names else None, required or not names)
        for place, type_ in enumerate(types)
    )
    signature = Signature(inputs=Schema(specs), outputs=Schema(specs))
    assert Signature.from_dict(signature.to_dict()) == signature
    assert Signature.from_dict(json.dumps(signature.to_dict())).to_dict() == signature.to_dict()


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"])
def test_moments_of_every_unit_are_converted_or_refused_never_wrapped(unit: str) -> None:
    for count in (0, 1, -1, 290, -290, 10**6, 10**12, 10**17, 9 * 10**18, -(9 * 10**18)):
        value = np.array([count], dtype="int64").view(f"datetime64[{unit}]")
        read = convert(value, np.dtype("datetime64[ns]"))
        if read is not None:
            assert read.astype(value.dtype)[0] == value[0]
            assert abs(int(read.astype("datetime64[Y]").astype(int)[0])) < 300
