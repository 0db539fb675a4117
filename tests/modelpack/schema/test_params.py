"""Parameters: declared with defaults, and callers held to them."""

import logging
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from modelpack.errors import InvalidSchema, SchemaMismatch
from modelpack.schema import Array, DataType, Object, ParamSpec, Property, enforce_params

NOON = datetime(2024, 1, 2, 12)  # noqa: DTZ001 - moments of signatures know no zone
OBJECT = Object((Property("k", DataType.long), Property("f", DataType.double, required=False)))


@pytest.mark.parametrize(
    ("type_", "value", "read"),
    [
        (DataType.boolean, True, True),
        (DataType.boolean, np.True_, True),
        (DataType.integer, 2**31 - 1, 2**31 - 1),
        (DataType.integer, np.int64(5), 5),
        (DataType.long, 2.0, 2),
        (DataType.long, np.uint8(7), 7),
        (DataType.float, 0.1, 0.1),
        (DataType.float, 3, 3.0),
        (DataType.float, np.float32(0.5), 0.5),
        (DataType.double, 1, 1.0),
        (DataType.double, 1e300, 1e300),
        (DataType.string, "é", "é"),
        (DataType.string, np.str_("x"), "x"),
        (DataType.datetime, "2024-01-02", date(2024, 1, 2)),
        (DataType.datetime, "2024-01-02T12:00:00", NOON),
        (DataType.datetime, "2024-01-02 12:00:00", NOON),
        (DataType.datetime, "2024-01-02T14:00:00+02:00", NOON),
        (DataType.datetime, NOON, NOON),
        (DataType.datetime, NOON.replace(tzinfo=UTC), NOON),
        (DataType.datetime, datetime(2024, 1, 2, 14, tzinfo=timezone(timedelta(hours=2))), NOON),
        (DataType.datetime, date(2024, 1, 2), date(2024, 1, 2)),
        (DataType.datetime, np.datetime64("2024-01-02T12"), NOON),
        (DataType.datetime, np.datetime64("2024-01-02"), date(2024, 1, 2)),
        (DataType.datetime, np.datetime64("2024-01-02T12:00:00", "ns"), NOON),
        (OBJECT, {"k": 1, "f": 2.5}, {"k": 1, "f": 2.5}),
        *((type_, None, None) for type_ in DataType if type_ is not DataType.binary),
    ],
)
def test_values_of_the_type_arrive_as_pythons_own(type_: DataType | Object, value: Any, read: Any) -> None:
    given = enforce_params({"p": value}, [ParamSpec("p", type_, None)])
    assert given == {"p": read}
    assert type(given["p"]) is type(read)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (DataType.boolean, 1),
        (DataType.boolean, "true"),
        (DataType.integer, True),
        (DataType.integer, 2**31),
        (DataType.integer, "1"),
        (DataType.long, 1.5),
        (DataType.long, 2**63),
        (DataType.long, float("nan")),
        (DataType.long, [1]),
        (DataType.float, 1e39),
        (DataType.float, True),
        (DataType.double, "1.5"),
        (DataType.double, 2**53 + 1),
        (DataType.double, 10**400),
        (DataType.string, 1),
        (DataType.string, b"x"),
        (DataType.string, "\ud800"),
        (DataType.datetime, "1"),
        (DataType.datetime, "yesterday"),
        (DataType.datetime, 20240102),
        (DataType.datetime, np.datetime64("NaT")),
        (DataType.datetime, np.datetime64(1, "ns")),
        (OBJECT, {"k": "1"}),
        (OBJECT, {"k": 1, "z": 1}),
        (OBJECT, {}),
        (OBJECT, [1]),
    ],
)
def test_values_outside_the_type_are_refused_by_name(type_: DataType | Object, value: Any) -> None:
    with pytest.raises(SchemaMismatch, match="param 'p'") as caught:
        enforce_params({"p": value}, [ParamSpec("p", type_, None)])
    assert len(str(caught.value)) <= 300


LIST = ParamSpec("p", DataType.long, [1, 2], (-1,))


@pytest.mark.parametrize("value", [[3], (3,), np.array([3]), [3.0]])
def test_a_list_is_read_element_by_element(value: Any) -> None:
    assert enforce_params({"p": value}, [LIST]) == {"p": [3]}


@pytest.mark.parametrize("value", [3, "3", None, [[3]], ["3"], [True], {"a": 1}, np.zeros((2, 2))])
def test_a_list_must_be_one_and_hold_the_type(value: Any) -> None:
    with pytest.raises(SchemaMismatch, match="param 'p'"):
        enforce_params({"p": value}, [LIST])


@pytest.mark.parametrize("given", [None, {}])
def test_what_is_not_given_has_its_default(given: dict[str, Any] | None) -> None:
    specs = [LIST, ParamSpec("q", DataType.string, "x")]
    assert enforce_params(given, specs) == {"p": [1, 2], "q": "x"}


def test_a_caller_cannot_change_a_default() -> None:
    enforce_params(None, [LIST])["p"].append(5)
    assert enforce_params(None, [LIST]) == {"p": [1, 2]}


@pytest.mark.parametrize("specs", [[], [LIST]])
def test_an_unknown_name_is_refused(specs: list[ParamSpec]) -> None:
    with pytest.raises(SchemaMismatch, match="'treshold'"):
        enforce_params({"treshold": 0.5}, specs)


def test_mlflows_leniency_drops_unknown_names_and_logs_them(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert enforce_params({"z": 1, 5: 1}, [LIST], coerce="mlflow") == {"p": [1, 2]}  # type: ignore[dict-item]
    assert [record.message for record in caplog.records] == ["params ignored"]
    assert caplog.records[0].params == ["z", "5"]  # type: ignore[attr-defined]  # given as extra


@pytest.mark.parametrize("given", [5, [1], "p", {5: 1}])
def test_params_are_an_object_with_names(given: Any) -> None:
    with pytest.raises(SchemaMismatch):
        enforce_params(given, [LIST])


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: ParamSpec("p", DataType.binary, None), id="binary"),
        pytest.param(lambda: ParamSpec("p", DataType.long, "x"), id="default of another type"),
        pytest.param(lambda: ParamSpec("p", DataType.long, [1]), id="list for a single value"),
        pytest.param(lambda: ParamSpec("p", DataType.long, 1, (-1,)), id="single value for a list"),
        pytest.param(lambda: ParamSpec("p", DataType.long, [1], (1,)), id="fixed length"),
        pytest.param(lambda: ParamSpec("p", OBJECT, [{"k": 1}], (-1,)), id="list of objects"),
        pytest.param(lambda: ParamSpec.from_json({"name": "p", "type": "long"}), id="no default"),
        pytest.param(lambda: ParamSpec.from_json(5), id="no object"),
        pytest.param(lambda: ParamSpec.from_json({"name": "p", "default": 1}), id="no type"),
        pytest.param(
            lambda: ParamSpec.from_json({"name": "p", "default": 1, "type": "long", "shape": 5}),
            id="odd shape",
        ),
        pytest.param(
            lambda: ParamSpec.from_json(
                {"name": "p", "default": [1], "type": "array", "items": {"type": "long"}}
            ),
            id="an array",
        ),
    ],
)
def test_declarations_that_no_value_fits_are_refused(make: Any) -> None:
    with pytest.raises(InvalidSchema):
        make()


def test_objects_are_handed_on_as_they_came() -> None:
    type_ = Object((Property("k", Array(DataType.double)),))
    given = {"k": [1, 2]}
    read = enforce_params({"p": given}, [ParamSpec("p", type_, None)])["p"]
    assert read == given
    assert type(read["k"][0]) is int
    assert read is not given
