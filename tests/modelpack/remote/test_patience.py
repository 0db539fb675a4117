"""Tries, pauses and an end, told by a clock of the test's own."""

import pytest

from modelpack.errors import InvalidUri, StoreUnavailable
from modelpack.remote.patience import Passing, Patience, if_undone


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def patience(self, total: float = 60.0) -> Patience:
        return Patience(total=total, clock=lambda: self.now, sleep=self.sleep, chance=lambda: 1.0)


def test_pauses_double_up_to_the_longest() -> None:
    clock = Clock()
    attempts = clock.patience().start()
    for _ in range(8):
        attempts.pause(Passing("no"))
    assert clock.pauses == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10])


def test_a_pause_is_drawn_from_its_upper_half() -> None:
    clock = Clock()
    patience = Patience(clock=lambda: clock.now, sleep=clock.sleep, chance=lambda: 0.0)
    patience.start().pause(Passing("no"))
    assert clock.pauses == pytest.approx([0.1])


def test_what_the_other_side_asks_for_is_granted() -> None:
    clock = Clock()
    clock.patience().start().pause(Passing("busy", after=7))
    assert clock.pauses == [7]


def test_after_something_arrived_the_next_pause_is_short_again() -> None:
    clock = Clock()
    attempts = clock.patience().start()
    attempts.pause(Passing("no"))
    attempts.pause(Passing("no"))
    attempts.moved()
    attempts.pause(Passing("no"))
    assert clock.pauses == pytest.approx([0.2, 0.4, 0.2])


def test_the_end_comes_in_time_and_says_what_was_met() -> None:
    clock = Clock()

    def fail() -> None:
        raise Passing("the server answered 503" + "x" * 400)

    with pytest.raises(StoreUnavailable, match=r"answered 503.*; given up after 5 s") as caught:
        clock.patience(total=5).insist(fail)
    assert clock.now <= 5
    assert len(str(caught.value)) <= 300
    assert not isinstance(caught.value, Passing)


def test_what_must_not_be_done_twice_is_tried_again_only_where_nothing_was_done() -> None:
    clock = Clock()
    failures = [Passing("not reached", undone=True), Passing("broke off")]

    def fail() -> None:
        raise failures.pop(0)

    with pytest.raises(Passing, match="broke off"):
        clock.patience().insist(fail, if_undone)
    assert len(clock.pauses) == 1


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf"])
def test_a_variable_that_is_no_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(InvalidUri, match="SECONDS"):
        Patience.read({"SECONDS": text}, "SECONDS", 1)


def test_a_variable_tells_the_seconds() -> None:
    assert Patience.read({"SECONDS": "2.5"}, "SECONDS", 1).total == 2.5
    assert Patience.read({}, "SECONDS", 1).total == 1
