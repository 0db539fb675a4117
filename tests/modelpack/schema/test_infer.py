"""Inference: MLflow's types, and better ones where it gives up."""

import warnings
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from modelpack.errors import InvalidSchema
from modelpack.schema import (
    AnyType,
    Array,
    ColumnSpec,
    ColumnType,
    DataType,
    Object,
    ParamSpec,
    Property,
    Schema,
    SignatureWarning,
    Table,
    TensorSpec,
    enforce,
    infer_signature,
)

NAN = float("nan")
DAY, NOON = date(2024, 1, 2), datetime(2024, 1, 2, 12)  # noqa: DTZ001 - columns know no zone


def inferred(data: Any) -> Schema:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SignatureWarning)
        schema = infer_signature(data).inputs
    assert schema is not None
    return schema


def objects(*values: object) -> pd.Series:
    return pd.Series(list(values), dtype=object)


SERIES: list[tuple[str, pd.Series, ColumnType, bool]] = [
    ("bool", pd.Series([True]), DataType.boolean, True),
    *((dtype, pd.Series([1], dtype=dtype), DataType.integer, True) for dtype in ("int8", "int32", "uint16")),
    *((dtype, pd.Series([1], dtype=dtype), DataType.long, True) for dtype in ("int64", "uint32")),
    *((dtype, pd.Series([1.5], dtype=dtype), DataType.float, True) for dtype in ("float16", "float32")),
    ("float64", pd.Series([1.5]), DataType.double, True),
    ("float64 with NaN", pd.Series([1.5, NAN]), DataType.double, False),
    ("datetime64", pd.Series(pd.to_datetime(["2024-01-01"])), DataType.datetime, True),
    ("NaT", pd.Series([pd.Timestamp("2024-01-01"), pd.NaT]), DataType.datetime, False),
    ("zone", pd.Series(pd.to_datetime(["2024-01-01"]).tz_localize("UTC")), DataType.datetime, True),
    ("text", pd.Series(["x"]), DataType.string, True),
    ("text with None", pd.Series(["x", None]), DataType.string, False),
    ("object text", objects("x", NAN), DataType.string, False),
    ("StringDtype", pd.Series(["x", None], dtype="string"), DataType.string, False),
    ("category", pd.Series(["x"], dtype="category"), DataType.string, True),
    ("category of numbers", pd.Series([1, 2], dtype="category"), DataType.long, True),
    ("Int64", pd.Series([1, 2], dtype="Int64"), DataType.long, True),
    ("Int64 with NA", pd.Series([1, None], dtype="Int64"), DataType.long, False),
    ("Int8 with NA", pd.Series([1, None], dtype="Int8"), DataType.integer, False),
    ("UInt32 with NA", pd.Series([1, None], dtype="UInt32"), DataType.long, False),
    ("boolean with NA", pd.Series([True, None], dtype="boolean"), DataType.boolean, False),
    ("Float64 with NA", pd.Series([1.5, None], dtype="Float64"), DataType.double, False),
    ("Float32", pd.Series([1.5], dtype="Float32"), DataType.float, True),
    ("sparse", pd.Series(pd.arrays.SparseArray([0.0, 1.0])), DataType.double, True),
    ("bytes", objects(b"x", bytearray(b"y")), DataType.binary, True),
    ("ints and None", objects(1, None), DataType.double, False),
    ("ints", objects(1, 2), DataType.long, True),
    ("ints and floats", objects(1, 2.5), DataType.double, True),
    ("bools and None", objects(True, None), DataType.boolean, False),
    ("dates", objects(DAY), DataType.datetime, True),
    ("moments", objects(NOON, pd.NaT), DataType.datetime, False),
    ("nothing but None", objects(None, None), AnyType(), False),
    ("lists", objects([1, 2], [3]), Array(DataType.long), True),
    ("arrays", objects(np.array([1.5], dtype="float32")), Array(DataType.float), True),
    ("lists of lists", objects([[1], [2]], [[3]]), Array(Array(DataType.long)), True),
    ("an empty list", objects([], ["x"]), Array(DataType.string), True),
    ("lists with None", objects(["x", None]), Array(DataType.string), False),
    ("doubles with NaN in lists", objects([1.5, NAN]), Array(DataType.double), True),
    (
        "objects",
        objects({"x": 1, "y": "s"}, {"x": 2}),
        Object((Property("x", DataType.long), Property("y", DataType.string, required=False))),
        True,
    ),
    (
        "objects and None",
        objects({"x": 1}, None),
        Object((Property("x", DataType.long, required=False),)),
        False,
    ),
    (
        "a member that is None once",
        objects({"x": None}, {"x": 1}),
        Object((Property("x", DataType.long, required=False),)),
        True,
    ),
    (
        "lists of objects",
        objects([{"x": 1}, {"z": 1.5}]),
        Array(
            Object(
                (Property("x", DataType.long, required=False), Property("z", DataType.double, required=False))
            )
        ),
        True,
    ),
    ("no rows", pd.Series([], dtype=object), DataType.string, True),
    ("no rows of numbers", pd.Series([], dtype="float64"), DataType.double, True),
]


@pytest.mark.parametrize(
    ("series", "type_", "required"), [one[1:] for one in SERIES], ids=[one[0] for one in SERIES]
)
def test_the_column_of_a_frame_has_a_type(series: pd.Series, type_: ColumnType, required: bool) -> None:
    assert inferred(pd.DataFrame({"a": series})) == Schema((ColumnSpec(type_, "a", required),))


@pytest.mark.parametrize("series", [one[1] for one in SERIES], ids=[one[0] for one in SERIES])
def test_a_column_is_taken_by_the_type_inferred_from_it(series: pd.Series) -> None:
    frame = pd.DataFrame({"a": series})
    table = enforce(frame, inferred(frame))
    assert isinstance(table, Table)
    assert table.rows == len(frame)
    assert table.frame()["a"].isna().tolist() == frame["a"].isna().tolist()


UNTYPABLE = {
    "uint64": pd.Series([1], dtype="uint64"),
    "complex": pd.Series([1j]),
    "timedelta": pd.Series(pd.to_timedelta([1])),
    "period": pd.Series(pd.period_range("2024", periods=1)),
    "decimal": objects(Decimal("1.5")),
    "mixed": objects(1, "x"),
    "beyond 64 bits": objects(2**70),
    "objects of several kinds": objects({"x": 1}, {"x": "s"}),
    "keys that are no text": objects({1: 2}),
    "a class of one's own": objects(object()),
    "whole numbers no double holds, beside doubles": objects([2**53 + 1, 0.5]),
}


@pytest.mark.parametrize("series", UNTYPABLE.values(), ids=UNTYPABLE)
def test_what_has_no_type_is_any_with_a_warning_and_spoils_no_other_column(series: pd.Series) -> None:
    frame = pd.DataFrame({"odd": series, "fine": ["x"] * len(series)})
    with pytest.warns(SignatureWarning, match="'odd'"):
        schema = infer_signature(frame).inputs
    assert schema == Schema((ColumnSpec(AnyType(), "odd"), ColumnSpec(DataType.string, "fine")))


def test_whole_numbers_of_an_input_warn_that_they_cannot_be_missing() -> None:
    frame = pd.DataFrame({"a": [1], "b": [1.5], "c": pd.Series([1], dtype="int8")})
    with pytest.warns(SignatureWarning, match="missing values: 'a', 'c'"):
        infer_signature(frame)


@pytest.mark.parametrize("column", [pd.Series([1, None], dtype="Int64"), pd.Series([1.5]), pd.Series(["x"])])
def test_columns_that_can_be_missing_warn_of_nothing(column: pd.Series) -> None:
    infer_signature(pd.DataFrame({"a": column}))


def test_whole_numbers_of_an_output_warn_of_nothing() -> None:
    infer_signature(pd.DataFrame({"a": [1.5]}), pd.DataFrame({"y": [1]}))


def test_a_warning_points_at_the_caller() -> None:
    with pytest.warns(SignatureWarning) as caught:
        infer_signature([1, 2])
    assert caught[0].filename == __file__


TENSORS: list[tuple[str, Any, list[TensorSpec]]] = [
    ("matrix", np.zeros((2, 3), dtype="float32"), [TensorSpec(np.dtype("float32"), (-1, 3))]),
    ("vector", np.zeros(4), [TensorSpec(np.dtype("float64"), (-1,))]),
    ("no rows", np.zeros((0, 3)), [TensorSpec(np.dtype("float64"), (-1, 3))]),
    ("text", np.array([["ab"]]), [TensorSpec(np.dtype("str"), (-1, 1))]),
    ("objects", np.array([None]), [TensorSpec(np.dtype("object"), (-1,))]),
    ("csr", scipy.sparse.csr_matrix(np.eye(3)), [TensorSpec(np.dtype("float64"), (-1, 3))]),
    ("csc array", scipy.sparse.csc_array(np.eye(3)), [TensorSpec(np.dtype("float64"), (-1, 3))]),
    (
        "dict",
        {"a": np.zeros((2, 3)), "b": np.zeros(2, dtype="int32")},
        [TensorSpec(np.dtype("float64"), (-1, 3), "a"), TensorSpec(np.dtype("int32"), (-1,), "b")],
    ),
]


@pytest.mark.parametrize(("data", "specs"), [one[1:] for one in TENSORS], ids=[one[0] for one in TENSORS])
def test_arrays_are_tensors_of_any_number_of_rows(data: Any, specs: list[TensorSpec]) -> None:
    schema = inferred(data)
    assert schema == Schema(tuple(specs))
    enforce(data, schema)


COLUMNS: list[tuple[str, Any, list[ColumnSpec]]] = [
    ("whole number", 1, [ColumnSpec(DataType.long)]),
    ("text", "x", [ColumnSpec(DataType.string)]),
    ("boolean", True, [ColumnSpec(DataType.boolean)]),
    ("bytes", b"x", [ColumnSpec(DataType.binary)]),
    ("moment", NOON, [ColumnSpec(DataType.datetime)]),
    ("numpy scalar", np.float32(1), [ColumnSpec(DataType.float)]),
    ("array of no dimensions", np.array(1.5), [ColumnSpec(DataType.double)]),
    ("empty list", [], [ColumnSpec(DataType.string)]),
    ("list", [1, 2], [ColumnSpec(DataType.long)]),
    ("list of two kinds of number", [1, 2.5], [ColumnSpec(DataType.double)]),
    ("tuple", (1.5, 2.5), [ColumnSpec(DataType.double)]),
    ("list of lists", [[1, 2], [3]], [ColumnSpec(Array(DataType.long))]),
    ("list of nothing", [None], [ColumnSpec(AnyType())]),
    ("doubles and NaN", pd.Series([1.5, NAN]), [ColumnSpec(DataType.double)]),
    ("series", pd.Series(["x"], name="s"), [ColumnSpec(DataType.string, "s")]),
    ("frame without names", pd.DataFrame([[1.5, 2.5]]), [ColumnSpec(DataType.double, n) for n in (0, 1)]),
    (
        "labels of two levels",
        pd.DataFrame({("a", "b"): [1.5]}),
        [ColumnSpec(DataType.double, "('a', 'b')")],
    ),
    (
        "dict",
        {"a": 1, "b": ["x"], "c": None, "d": {"e": 1.5}},
        [
            ColumnSpec(DataType.long, "a"),
            ColumnSpec(Array(DataType.string), "b"),
            ColumnSpec(AnyType(), "c", required=False),
            ColumnSpec(Object((Property("e", DataType.double),)), "d"),
        ],
    ),
    (
        "dict of numpy scalars",
        {"a": np.int32(1), "b": np.bool_(True)},
        [ColumnSpec(DataType.integer, "a"), ColumnSpec(DataType.boolean, "b")],
    ),
    ("dict of series", {"a": pd.Series([1.5])}, [ColumnSpec(DataType.double, "a")]),
    (
        "records",
        [{"a": 1, "b": "x"}, {"a": 2}],
        [ColumnSpec(DataType.long, "a"), ColumnSpec(DataType.string, "b", required=False)],
    ),
    ("records with None", [{"a": None}, {"a": 1.5}], [ColumnSpec(DataType.double, "a", required=False)]),
]


@pytest.mark.parametrize(("data", "specs"), [one[1:] for one in COLUMNS], ids=[one[0] for one in COLUMNS])
def test_other_values_are_columns_that_take_them_back(data: Any, specs: list[ColumnSpec]) -> None:
    schema = inferred(data)
    assert schema == Schema(tuple(specs))
    enforce(data, schema)


OPEN = Schema((ColumnSpec(AnyType()),))


@pytest.mark.parametrize(
    "data",
    [
        {},
        {1: 2},
        [{}],
        {1, 2},
        object(),
        2**70,
        [1, "x"],
        pd.DataFrame(index=[0]),
        np.zeros(1, dtype="f4,f4"),
    ],
    ids=lambda data: type(data).__name__,
)
def test_what_cannot_be_described_at_all_is_any_with_a_warning(data: Any) -> None:
    with pytest.warns(SignatureWarning, match="any"):
        assert infer_signature(data).inputs == OPEN
    assert enforce(data, OPEN) is data


def test_an_unnamed_column_cannot_say_that_values_are_missing() -> None:
    with pytest.warns(SignatureWarning, match="name it"):
        assert infer_signature(["x", None]).inputs == Schema((ColumnSpec(DataType.string),))


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidSchema, match="'a'"):
        infer_signature(pd.DataFrame([[1.5, 2.5]], columns=["a", "a"]))


def test_absent_parts_promise_nothing() -> None:
    signature = infer_signature(None)
    assert (signature.inputs, signature.outputs, signature.params) == (None, None, ())


PARAMS: list[tuple[Any, ParamSpec]] = [
    (1, ParamSpec("p", DataType.long, 1)),
    (1.5, ParamSpec("p", DataType.double, 1.5)),
    (True, ParamSpec("p", DataType.boolean, True)),
    ("x", ParamSpec("p", DataType.string, "x")),
    (NOON, ParamSpec("p", DataType.datetime, NOON)),
    (DAY, ParamSpec("p", DataType.datetime, DAY)),
    (np.int32(1), ParamSpec("p", DataType.integer, 1)),
    (np.float32(0.5), ParamSpec("p", DataType.float, 0.5)),
    ([1, 2], ParamSpec("p", DataType.long, [1, 2], (-1,))),
    ([1, 2.5], ParamSpec("p", DataType.double, [1.0, 2.5], (-1,))),
    (("a",), ParamSpec("p", DataType.string, ["a"], (-1,))),
    (np.array([1.5]), ParamSpec("p", DataType.double, [1.5], (-1,))),
    ({"k": 1}, ParamSpec("p", Object((Property("k", DataType.long),)), {"k": 1})),
]


@pytest.mark.parametrize(("value", "spec"), PARAMS, ids=lambda value: str(value)[:30])
def test_params_have_the_type_of_their_default(value: Any, spec: ParamSpec) -> None:
    assert infer_signature(None, params={"p": value}).params == (spec,)


def test_nan_is_a_number_as_a_default() -> None:
    single, listed = infer_signature(None, params={"p": NAN, "q": [NAN]}).params
    assert (single.type, listed.type, listed.shape) == (DataType.double, DataType.double, (-1,))


@pytest.mark.parametrize(
    "value", [None, b"x", [], [[1]], [1, "a"], 2**70, [{"a": 1}], object(), {}], ids=lambda v: str(v)[:20]
)
def test_params_without_a_type_are_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidSchema, match="'p'"):
        infer_signature(None, params={"p": value})


def test_params_are_an_object() -> None:
    with pytest.raises(InvalidSchema):
        infer_signature(None, params=[1])  # type: ignore[arg-type]  # on purpose
