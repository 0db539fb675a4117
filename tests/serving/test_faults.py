"""Faults around a server: logs that nobody reads, users without a home, more callers than it can serve."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.serving import kit
from tests.serving.kit import ServerProcess, serving, split

ONE_AND_TWO = pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.long)])


def magic(models: Path, *more: str) -> tuple[str, ...]:
    return ("-m", str(models / "magic"), "--trust", "pickle", *more)


def check_many(server: ServerProcess, count: int) -> None:
    started = time.monotonic()
    for number in range(count):
        assert server.score(split([number, 1])) == (200, {"predictions": [number + 1]})
    assert time.monotonic() - started < 30


@ONE_AND_TWO
def test_a_log_that_nobody_reads_delays_nobody(models: Path, tmp_path: Path, workers: str) -> None:
    out, into = os.pipe()
    try:
        with serving(tmp_path, *magic(models, "-w", workers), stdout=into) as server:
            os.close(into)
            into = -1
            # The pipe holds 64 KiB; a line is about 250 bytes.
            check_many(server, 600)
            assert server.stop() == 0
    finally:
        os.close(out)
        if into >= 0:
            os.close(into)


@ONE_AND_TWO
def test_a_log_whose_reader_is_gone_stops_nobody(models: Path, tmp_path: Path, workers: str) -> None:
    reader = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    with serving(tmp_path, *magic(models, "-w", workers), stdout=reader.stdin) as server:
        assert reader.stdin is not None
        reader.stdin.close()
        check_many(server, 5)
        reader.kill()
        reader.wait()
        check_many(server, 20)
        assert server.stop() == 0


@ONE_AND_TWO
def test_closed_streams_are_not_mistaken_for_sockets(models: Path, tmp_path: Path, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    closed = ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *kit.SERVE]
    process = subprocess.Popen([*closed, *magic(models, "-w", workers, "-p", str(port))])
    server = ServerProcess(process, tmp_path)
    server.port = port
    try:
        deadline = time.monotonic() + 60
        while not answers(server):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        check_many(server, 20)
        assert server.stop() == 0
    finally:
        process.kill()
        process.wait()


def answers(server: ServerProcess) -> bool:
    try:
        return server.status("/ready") == 200
    except OSError:
        return False


def test_events_that_nobody_reads_delay_nobody(models: Path, tmp_path: Path) -> None:
    out, into = os.pipe()
    try:
        with serving(tmp_path, *magic(models, "-p", "0"), stderr=into, wait=False) as server:
            os.close(into)
            into = -1
            while b" at http" not in (said := os.read(out, 1 << 16)):
                continue
            server.port = int(said.partition(b"127.0.0.1:")[2].split()[0])
            # Each of these puts a traceback of some 2 KB into the pipe of 64 KiB.
            for _ in range(100):
                assert server.score(split([-3, 0]))[0] == 500
            assert server.stop() == 0
    finally:
        os.close(out)
        if into >= 0:
            os.close(into)


@ONE_AND_TWO
def test_nothing_that_a_server_writes_can_be_written_by_others(
    models: Path, tmp_path: Path, workers: str
) -> None:
    place = tmp_path / "work"
    place.mkdir()
    home = tmp_path / "home"
    with serving(
        tmp_path, *magic(models, "-w", workers), cwd=place, umask=0, environ={"HOME": str(place)}
    ) as server:
        check_many(server, 3)
        assert server.stop() == 0
    written = [path for folder in (place, home) for path in folder.rglob("*")]
    assert [path for path in written if stat.S_IMODE(path.stat().st_mode) & 0o022] == []
    assert list(place.iterdir()) == []


READ_ONLY = """
mount --make-rprivate / && mount -o remount,bind,ro / && mount -o remount,bind,ro /dev/shm &&
exec setpriv --inh-caps=-all --bounding-set=-all --no-new-privs "$@"
"""


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="only root can have a read-only file system"
)
@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.long)])
def test_it_serves_where_nothing_can_be_written_and_nobody_has_a_home(
    models: Path, tmp_path: Path, workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit, "SERVE", ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", *kit.SERVE])
    environ = {"HOME": "/nowhere", "MODELPACK_HOME": "/nowhere/either", "TMPDIR": "/nowhere"}
    arguments = magic(models, "-w", workers)
    with serving(tmp_path, *arguments, environ=environ, umask=0o077, cwd="/") as server:
        listed = Path(f"/proc/{server.pid}/mounts").read_text()
        assert " / " in listed
        assert (
            [line for line in listed.splitlines() if line.split()[1] == "/"][-1].split()[3].startswith("ro")
        )
        check_many(server, 3)
        assert server.stop() == 0


@ONE_AND_TWO
def test_more_callers_than_it_can_serve_get_a_quick_no_and_the_others_their_answers(
    models: Path, tmp_path: Path, workers: str
) -> None:
    limits = ("--max-concurrency", "4", "--threads", "2")
    with serving(tmp_path, *magic(models, "-w", workers, *limits)) as server:
        time.sleep(1)
        alone = rate_of(server, callers=2, seconds=2)
        crowded = rate_of(server, callers=40, seconds=4)
        started = time.monotonic()
        assert server.score(split([-1, 0.02])) == (200, {"predictions": [-0.98]})
        assert time.monotonic() - started < 1, "well again at once"
        assert server.stop() == 0
    most = max(crowded.refusals) * 1e3
    print(f"alone {alone.statuses}, crowded {crowded.statuses}, a no took {most:.0f} ms at most")
    assert set(crowded.statuses) == {200, 503}
    assert crowded.wrong == 0
    assert crowded.statuses[503] > 100
    assert crowded.statuses[200] / 4 > 0.5 * alone.statuses[200] / 2
    middle = sorted(crowded.refusals)[len(crowded.refusals) // 2]
    assert middle < 0.25
    assert crowded.retry_after == {"1"}


class Rate:
    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.refusals: list[float] = []
        self.retry_after: set[str] = set()
        self.wrong = 0


def rate_of(server: ServerProcess, *, callers: int, seconds: float) -> Rate:
    """What *callers* who ask again and again get from a model that takes 20 ms."""
    rate, lock, end = Rate(), threading.Lock(), time.monotonic() + seconds
    body = json.dumps(split([-1, 0.02]))

    def ask() -> None:
        while time.monotonic() < end:
            started = time.perf_counter()
            status, headers, content = server.call("POST", "/invocations", body)
            with lock:
                rate.statuses[status] += 1
                if status == 503:
                    rate.refusals.append(time.perf_counter() - started)
                    rate.retry_after.add(headers["retry-after"])
                else:
                    rate.wrong += json.loads(content) != {"predictions": [-0.98]}
            if status == 503:
                time.sleep(0.02)

    threads = [threading.Thread(target=ask) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rate


def test_a_model_that_hangs_holds_its_thread_and_nothing_else(models: Path, tmp_path: Path) -> None:
    limits = ("--timeout", "0.5", "--threads", "2", "--drain", "1", "--linger", "0")
    with serving(tmp_path, *magic(models, *limits)) as server:
        statuses = [server.score(split([-1, 20]))[0] for _ in range(3)]
        assert statuses == [504, 504, 503], "the third finds no thread left"
        assert server.status("/health") == 200
        started = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - started < 5, "a thread that hangs does not keep the process"
