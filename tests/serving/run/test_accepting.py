"""Workers that listen on one socket share those who come."""

import asyncio
import contextlib
import errno
import os
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from serving.run import accepting as subject
from serving.run.accepting import Acceptor
from serving.run.roster import Door, Roster
from tests.serving.kit import ServerProcess, serving


class Greeter(asyncio.Protocol):
    """Says hello."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"hello")
        transport.close()


def listening(kind: type[socket.socket] = socket.socket) -> socket.socket:
    listener = kind(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    return listener


async def greeting(listener: socket.socket) -> bytes:
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()
        await writer.wait_closed()


def play(
    scene: Callable[[Acceptor], Awaitable[None]], listener: socket.socket, door: Door | None = None
) -> None:
    async def within() -> None:
        acceptor = Acceptor(listener, Greeter, door=door or Door(), backlog=16)
        try:
            await scene(acceptor)
        finally:
            acceptor.close()
            listener.close()

    asyncio.run(within())


def test_whoever_comes_is_taken() -> None:
    listener = listening()

    async def scene(acceptor: Acceptor) -> None:
        assert await asyncio.gather(*(greeting(listener) for _ in range(5))) == [b"hello"] * 5
        acceptor.hurry()
        assert await asyncio.gather(*(greeting(listener) for _ in range(5))) == [b"hello"] * 5

    play(scene, listener)


def test_a_worker_with_more_connections_lets_the_others_go_first_but_not_for_ever() -> None:
    roster, listener = Roster(), listening()
    roster.enter(1)
    roster.enter(2)
    roster.count(1, 3)
    door = Door(roster, 1)

    async def scene(acceptor: Acceptor) -> None:
        del acceptor
        assert door.is_ahead
        started = time.monotonic()
        assert await greeting(listener) == b"hello"
        assert time.monotonic() - started >= subject._COURTESY

    play(scene, listener, door)


def test_nobody_is_ahead_of_one_who_left_or_of_himself() -> None:
    roster = Roster()
    first, second = Door(roster, 1), Door(roster, 2)
    first.open()
    first.count(5)
    assert not first.is_ahead
    second.open()
    assert first.is_ahead
    assert not second.is_ahead
    second.count(5)
    assert not first.is_ahead
    second.count(4)
    assert first.is_ahead
    second.close()
    assert not first.is_ahead
    second.open()
    roster.ended(2)
    assert not first.is_ahead
    assert not Door().is_ahead


def test_without_a_free_descriptor_it_rests_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(subject, "_REST", 0.05)
    failures = [errno.EMFILE, errno.ENFILE]

    class Exhausted(socket.socket):
        def accept(self) -> tuple[socket.socket, object]:
            if failures:
                number = failures.pop()
                raise OSError(number, os.strerror(number))
            return super().accept()

    listener = listening(Exhausted)

    async def scene(acceptor: Acceptor) -> None:
        del acceptor
        assert await greeting(listener) == b"hello"

    play(scene, listener)
    assert [record.getMessage() for record in caplog.records] == ["no more connections can be taken"] * 2


def test_after_it_is_closed_nobody_is_taken() -> None:
    listener = listening()

    async def scene(acceptor: Acceptor) -> None:
        assert await greeting(listener) == b"hello"
        acceptor.close()
        acceptor.close()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(greeting(listener), 0.2)

    play(scene, listener)


def test_callers_who_come_together_and_stay_are_shared_out(models: Path, tmp_path: Path) -> None:
    with serving(tmp_path, "-m", str(models / "tensor"), "-w", "2") as server:
        deadline = time.monotonic() + 20
        while server.events.count('"event":"model loaded"') < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        # A machine with much to do may let one process sleep through it once.
        shares = next(filter(_is_fair, (_shares(server) for _ in range(5))), None)
    assert shares is not None


def _shares(server: ServerProcess) -> list[int]:
    """How many of twenty new connections each process has taken."""
    before = [sockets(pid) for pid in server.children()]
    callers = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    time.sleep(0.5)
    shares = [sockets(pid) - there for pid, there in zip(server.children(), before, strict=True)]
    for caller in callers:
        caller.close()
    time.sleep(0.5)
    print("shares", shares)
    return shares


def _is_fair(shares: Sequence[int]) -> bool:
    return sum(shares) == 20 and min(shares) >= 5


def sockets(pid: int) -> int:
    """How many sockets the process *pid* has open."""
    found = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += str(descriptor.readlink()).startswith("socket:")
    return found
