"""A driver asks, compares, and counts each thing that a server may do."""

import json
import socket
from dataclasses import replace
from typing import Any

import pytest

from serving.bench.driver import Load, Tally, driving, percentile, result_of, same
from serving.errors import BenchmarkFailed
from tests.serving.bench.servers import listening

ROWS = [[[1.0, 2.0]], [[0.1, 0.2], [3.0, 4.0]]]


def _load(port: int, **more: Any) -> Load:
    asked = [{"dataframe_split": {"columns": ["a", "b"], "data": rows}} for rows in ROWS]
    right = [{"predictions": [sum(row) for row in rows]} for rows in ROWS]
    load = Load(
        port=port,
        bodies=[json.dumps(one).encode() for one in asked],
        answers=[json.dumps(one).encode() for one in right],
        concurrency=3,
        seconds=0.4,
    )
    return replace(load, **more)


def _driven(manner: str, after: int = 0, **more: Any) -> Tally:
    with listening(manner, after) as port, driving(_load(port, **more)) as driver:
        return result_of(driver, seconds=60)


def test_right_answers_are_counted_and_timed() -> None:
    tally = _driven("right", warm=0.1)
    assert tally.right > tally.timed > 0
    assert (tally.wrong, tally.statuses, tally.broken, tally.refused) == (0, {}, 0, 0)
    assert tally.seconds >= 0.4
    assert tally.rate > 0
    assert tally.p50 is not None
    assert tally.p99 is not None
    assert 0 < tally.p50 <= tally.p99
    assert tally.busy > 0


def test_the_last_digits_of_a_number_may_differ() -> None:
    tally = _driven("nearly")
    assert tally.right > 0
    assert tally.wrong == 0


def test_an_answer_that_turns_wrong_is_found_among_right_ones() -> None:
    tally = _driven("wrong", after=20)
    assert tally.right == 20
    assert tally.wrong > 0
    assert "predictions" in tally.wrong_answer


def test_what_is_no_json_is_wrong() -> None:
    tally = _driven("nonsense", after=5)
    assert tally.right == 5
    assert tally.wrong_answer == "nonsense"


@pytest.mark.parametrize(("manner", "status"), [("turns away", "503"), ("fails", "500")])
def test_other_statuses_are_counted_by_number(manner: str, status: str) -> None:
    tally = _driven(manner, after=10)
    assert tally.right == 10
    assert set(tally.statuses) == {status}
    assert tally.wrong == 0


def test_a_request_that_is_never_answered_is_broken_off() -> None:
    tally = _driven("breaks", after=10)
    assert tally.right == 10
    assert tally.broken > 0


def test_nobody_is_waited_for_longer_than_there_is_patience() -> None:
    tally = _driven("hangs", after=10, patience=0.2)
    assert tally.right == 10
    assert tally.broken == 3


def test_a_server_that_closes_each_connection_loses_nobody() -> None:
    tally = _driven("closes")
    assert tally.right > 3
    assert (tally.broken, tally.refused) == (0, 0)


def test_a_server_that_is_not_there_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with driving(_load(port)) as driver:
        tally = result_of(driver, seconds=60)
    assert tally.right == 0
    assert tally.refused > 0
    assert tally.p50 is None


def test_a_driver_that_dies_is_no_measurement() -> None:
    with listening("right") as port, driving(_load(port, seconds=60.0)) as driver:
        driver.terminate()
        with pytest.raises(BenchmarkFailed, match="ended with code -15"):
            result_of(driver, seconds=60)


def test_a_driver_that_does_not_end_is_no_measurement_and_ends_with_the_block() -> None:
    with listening("right") as port, driving(_load(port, seconds=60.0)) as driver:
        with pytest.raises(BenchmarkFailed, match=r"not done after 0\.1 s"):
            result_of(driver, seconds=0.1)
        assert driver.poll() is None
    assert driver.poll() is not None


@pytest.mark.parametrize(
    ("got", "wanted", "is_same"),
    [
        (1.0000001, 1.0, True),
        (1.00001, 1.0, False),
        (1, 1.0, True),
        (True, 1.0, False),
        (1, 1, True),
        (True, 1, False),
        (None, None, True),
        (None, 0.0, False),
        ("No", "No", True),
        ("No", "Yes", False),
        ([1.0], [1.0, 2.0], False),
        ({"a": [0.5]}, {"a": [0.5]}, True),
        ({"a": 1}, {"b": 1}, False),
    ],
)
def test_values_are_the_same_but_for_the_last_digits(got: Any, wanted: Any, is_same: bool) -> None:
    assert same({"predictions": [got]}, {"predictions": [wanted]}) is is_same


def test_percentiles_are_values_that_were_met() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (percentile(values, 50), percentile(values, 99), percentile([], 50)) == (50.0, 99.0, None)
