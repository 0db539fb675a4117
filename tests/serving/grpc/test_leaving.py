"""SIGTERM: no call over gRPC that was begun is left without its answer."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from tests.serving.grpc.kit import calling, number, pair
from tests.serving.kit import ServerProcess, Tally, serving
from tests.serving.run.test_leaving import settle

ONE_AND_TWO = pytest.mark.parametrize("workers", [pytest.param("1", marks=pytest.mark.long), "2"])


def arguments(models: Path, workers: str, *more: str) -> tuple[str, ...]:
    return ("-m", str(models / "magic"), "--trust", "pickle", "-w", workers, "--grpc-port", "0", *more)


class Load:
    """Callers who each ask over a connection of their own, wait for the answer, and ask again.

    UNAVAILABLE is *refused* where no connection could be made and *turned away* where the server said so;
    everything else but the right number is *lost* or *wrong*.
    """

    def __init__(self, port: int, callers: int) -> None:
        self._port = port
        self._halt = threading.Event()
        self.tallies = [Tally() for _ in range(callers)]
        self._threads = [
            threading.Thread(target=self._ask, args=(tally, seed)) for seed, tally in enumerate(self.tallies)
        ]

    def start(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> Tally:
        self._halt.set()
        total = Tally()
        for thread, tally in zip(self._threads, self.tallies, strict=True):
            thread.join(60)
            total.add(tally)
        return total

    @property
    def answered(self) -> int:
        return sum(tally.answered for tally in self.tallies)

    def _ask(self, tally: Tally, seed: int) -> None:
        chance = np.random.default_rng(seed)
        with calling(self._port, initial_reconnect_backoff_ms=50, max_reconnect_backoff_ms=100) as caller:
            while not self._halt.is_set():
                left, right = chance.integers(0, 1000, 2).tolist()
                try:
                    answer = number(caller.ask("ModelInfer", pair(left, right)))
                except grpc.RpcError as error:
                    _count(tally, error)
                    time.sleep(0.02)
                    continue
                tally.answered += answer == left + right
                tally.wrong += answer != left + right


def _count(tally: Tally, error: Any) -> None:
    if error.code() is not grpc.StatusCode.UNAVAILABLE:
        tally.lost.append(repr(error))
    elif "failed to connect" in error.details():
        tally.refused += 1
    elif "shutting down" in error.details():
        tally.turned_away += 1
    else:
        tally.lost.append(repr(error))


@ONE_AND_TWO
@pytest.mark.parametrize("repetition", [0, pytest.param(1, marks=pytest.mark.long)])
def test_under_load_nobody_is_lost(models: Path, tmp_path: Path, workers: str, repetition: int) -> None:
    with serving(tmp_path, *arguments(models, workers)) as server:
        settle(server, workers)
        load = Load(server.grpc_port, 8).start()
        try:
            time.sleep(1.0)
            before = load.answered
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(35) == 0
        finally:
            tally = load.stop()
    assert before > 10
    assert tally.answered > before, "while it lingered"
    assert tally.refused > 0, "in the end there was nobody to ask"
    assert (tally.wrong, tally.lost) == (0, [])
    print(
        f"{repetition}: answered {tally.answered}, turned away {tally.turned_away}, refused {tally.refused}"
    )


@ONE_AND_TWO
def test_the_same_load_sees_what_is_lost_when_a_server_is_killed(
    models: Path, tmp_path: Path, workers: str
) -> None:
    with serving(tmp_path, *arguments(models, workers)) as server:
        settle(server, workers)
        load = Load(server.grpc_port, 8).start()
        time.sleep(1.0)
        for _ in range(20):
            # In the middle of calls that take their time.
            with calling(server.grpc_port) as caller:
                caller.start("ModelInfer", pair(-1, 0.01))
        kill(server)
        tally = load.stop()
    assert tally.answered > 10
    assert len(tally.lost) > 0


def kill(server: ServerProcess) -> None:
    for pid in [*server.children(), server.pid]:
        os.kill(pid, signal.SIGKILL)
    server.process.wait(10)


@ONE_AND_TWO
def test_what_runs_is_answered_and_meanwhile_nobody_new_is_let_in(
    models: Path, tmp_path: Path, workers: str
) -> None:
    with (
        serving(tmp_path, *arguments(models, workers, "--linger", "0.3")) as server,
        calling(server.grpc_port) as caller,
    ):
        settle(server, workers)
        slow = caller.start("ModelInfer", pair(-1, 3))
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        assert caller.ask("ServerReady").ready is False
        assert caller.ask("ServerLive").live is True
        time.sleep(0.7)
        assert server.process.poll() is None
        assert caller.refused("ModelInfer", pair(1, 2))[0] == "UNAVAILABLE"
        assert number(slow.result()) == 2.0
        assert server.process.wait(20) == 0


@ONE_AND_TWO
def test_a_prediction_longer_than_the_drain_does_not_hold_the_server(
    models: Path, tmp_path: Path, workers: str
) -> None:
    how = arguments(models, workers, "--linger", "0", "--drain", "1")
    with serving(tmp_path, *how) as server, calling(server.grpc_port) as caller:
        settle(server, workers)
        slow = caller.start("ModelInfer", pair(-1, 30))
        time.sleep(0.5)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 8
        assert slow.exception() is not None


def test_replacing_all_workers_loses_nobody(models: Path, tmp_path: Path) -> None:
    with serving(tmp_path, *arguments(models, "2", "--linger", "0.5")) as server:
        settle(server, "2")
        before = set(server.children())
        load = Load(server.grpc_port, 4).start()
        try:
            time.sleep(0.5)
            server.process.send_signal(signal.SIGHUP)
            settle(server, "4")
            deadline = time.monotonic() + 30
            while before & set(server.children()):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            so_far = load.answered
            time.sleep(0.5)
        finally:
            tally = load.stop()
        assert tally.answered > so_far
        assert (tally.wrong, tally.turned_away, tally.refused, tally.lost) == (0, 0, 0, [])
        assert server.stop() == 0


def test_connections_are_spread_over_all_workers(models: Path, tmp_path: Path) -> None:
    with serving(tmp_path, *arguments(models, "2")) as server:
        settle(server, "2")
        answered = set()
        for _ in range(40):
            with calling(server.grpc_port) as caller:
                answered.add(number(caller.ask("ModelInfer", pair(-5, 0))))
        assert answered == set(map(float, server.children()))
