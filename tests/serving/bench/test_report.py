"""What a measurement says: cells, and the one reason not to trust a server."""

from typing import Any

import pytest

from serving.bench.driver import Tally
from serving.bench.measure import Result
from serving.bench.report import HEADINGS, cells, fault, plain


def _result(**more: Any) -> Result:
    given = {
        "right": 1100,
        "timed": 1000,
        "seconds": 2.0,
        "p50": 0.001,
        "p95": 0.004,
        "p99": 0.0123456,
        "busy": 0.5,
    }
    return Result(
        engine="native",
        rows=100,
        concurrency=16,
        tally=Tally(**{**given, **more}),
        start=1.234,
        memory=50 << 20,
    )


def test_a_line_has_a_cell_for_each_heading() -> None:
    assert len(cells(_result())) == len(HEADINGS)
    assert cells(_result()) == (
        *("native", "100", "16", "500", "50,000", "1.00", "12.35", "1.23", "50", "none"),
    )


def test_a_driver_without_time_to_spare_puts_a_star_behind_the_rate() -> None:
    assert cells(_result(busy=0.95))[3] == "500*"


def test_what_was_met_but_right_answers_is_in_the_line() -> None:
    met = _result(wrong=3, statuses={"503": 7, "500": 1}, broken=2, refused=4)
    assert cells(met)[-1] == "3 wrong, 1 x 500, 7 x 503, 2 broken off, 4 not connected"


def test_a_load_without_an_answer_has_no_times() -> None:
    assert cells(_result(timed=0, p50=None, p99=None))[3:7] == ("0", "0", "-", "-")


@pytest.mark.parametrize(
    ("met", "hint"),
    [
        ({"wrong": 3, "wrong_answer": '{"predictions": [7]}'}, "3 of 1103 answers differ"),
        ({"statuses": {"500": 2}}, "2 x 500"),
        ({"broken": 2}, "2 broken off"),
        ({"refused": 2}, "2 not connected"),
        ({"timed": 0}, "no answer came in time"),
    ],
)
def test_a_server_is_not_trusted_for_a_reason_that_is_said(met: dict[str, Any], hint: str) -> None:
    assert hint in fault([_result(), _result(**met)])
    assert "native engine, 100 rows, 16 at a time" in fault([_result(**met)])


def test_being_turned_away_is_no_fault() -> None:
    assert fault([_result(), _result(statuses={"503": 9})]) == ""


def test_programs_get_seconds_and_bytes() -> None:
    told = plain(_result())
    assert (told["requests_per_second"], told["memory"]) == (500.0, 50 << 20)
    assert (told["p50"], told["p95"], told["p99"]) == (0.001, 0.004, 0.0123456)
