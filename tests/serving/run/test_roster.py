"""What workers and their master tell each other."""

from concurrent.futures import ThreadPoolExecutor

from serving.run.roster import TRIES, Door, Once, Roster


def test_a_right_is_used_once_whoever_tries() -> None:
    once = Once()
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: once.claim(), range(64)))
    assert claims.count(True) == 1


def test_the_last_to_leave_knows_it() -> None:
    roster = Roster()
    doors = [Door(roster, number) for number in (1, 2, 3)]
    for door in doors:
        door.open()
    assert [door.close() for door in doors] == [False, False, True]


def test_a_worker_that_was_killed_is_not_waited_for() -> None:
    roster = Roster()
    for number in (1, 2):
        roster.enter(number)
    roster.ended(1)
    assert roster.leave(2)


def test_one_server_alone_is_always_the_last() -> None:
    door = Door()
    door.open()
    assert (door.all_leave, door.close()) == (True, True)


def test_all_leave_when_the_master_says_so() -> None:
    roster = Roster()
    door = Door(roster, 1)
    assert not door.all_leave
    roster.dismiss()
    assert door.all_leave


def test_it_is_hopeless_when_workers_end_in_a_row_before_they_are_ready() -> None:
    roster = Roster()
    for number in range(TRIES):
        assert not roster.hopeless
        roster.ended(number)
    assert roster.hopeless


def test_it_is_not_hopeless_while_one_serves_or_when_one_did() -> None:
    roster = Roster()
    roster.enter(100)
    for number in range(TRIES):
        roster.ended(number)
    assert not roster.hopeless
    roster.ended(100)
    assert not roster.hopeless, "it had been ready: the count begins anew"
