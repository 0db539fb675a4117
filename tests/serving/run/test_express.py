"""The short way answers as the long one does, and sooner; what is not ordinary takes the long one."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from modelpack.logs import Lines
from serving.app import create_app
from serving.codecs.json import JsonCodec
from serving.dataplane import INLINE_BYTES, DataPlane
from serving.models import Served, find, load
from serving.run import express as subject
from serving.run.express import Express, ExpressProtocol
from serving.run.process import plane_of
from serving.settings import Settings
from serving.tracing import Tracing
from serving.workers import Workers
from tests.serving.kit import add, served, split
from tests.serving.test_cases import body_of, cases, read

BODY = json.dumps(split([1, 2])).encode()
HEAD = "POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


class KeptLines(Lines):
    """Lines that go to a list."""

    def __init__(self) -> None:
        super().__init__(2)
        self.kept: list[dict[str, Any]] = []

    def put(self, line: object) -> None:
        self.kept.append(json.loads(str(line)))


@dataclass
class World:
    """A server in this event loop. *long* counts the requests that reached the application."""

    plane: DataPlane
    lines: KeptLines
    express: Express
    state: ServerState
    port: int = 0
    long: int = 0
    connections: list[ExpressProtocol] = field(default_factory=list)
    callers: "list[Caller]" = field(default_factory=list)

    async def open(self) -> "Caller":
        caller = Caller(*await asyncio.open_connection("127.0.0.1", self.port))
        self.callers.append(caller)
        return caller

    async def close(self) -> None:
        for caller in self.callers:
            caller.writer.close()
            with contextlib.suppress(OSError):
                await caller.writer.wait_closed()


@dataclass
class Caller:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        self.send(data)
        return await self.hear()

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def hear(self) -> tuple[int, dict[str, str], bytes]:
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        length = int(read(head)[1]["content-length"])
        return read(head + await asyncio.wait_for(self.reader.readexactly(length), 10))

    async def is_closed(self, seconds: float) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(1), seconds) == b""
        except TimeoutError:
            return False


def request(body: bytes = BODY, head: str = HEAD) -> bytes:
    return head.encode("latin-1") + b"Content-Length: %d\r\n\r\n" % len(body) + body


def play(
    scene: Callable[[World], Awaitable[None]],
    model: Served | None = None,
    *,
    is_quick: bool = True,
    tracing: Tracing | None = None,
    **settings: Any,
) -> World:
    """Run *scene* with a server of *model*, whose calls stay on the event loop if it *is_quick*."""
    model = model or served()
    model.lane.quick, model.lane.quick_rows = model.lane.predict, 100 if is_quick else 0
    chosen = Settings(**settings)
    kept: list[World] = []

    async def within() -> None:
        workers = Workers(1)
        lines, plane = KeptLines(), plane_of(model, chosen, workers)
        app = create_app(plane, chosen, lines, tracing)
        state = ServerState()
        world = World(plane, lines, Express(plane, lines, tracing), state)
        kept.append(world)

        async def counting(scope: Any, receive: Any, send: Any) -> None:
            world.long += 1
            await app(scope, receive, send)

        class Connection(ExpressProtocol):
            express = world.express

            def __init__(self) -> None:
                config = uvicorn.Config(
                    counting,
                    lifespan="off",
                    interface="asgi3",
                    log_config=None,
                    timeout_keep_alive=chosen.keep_alive,  # type: ignore[arg-type]  # as in serving.run.server
                )
                super().__init__(config, state, {})
                world.connections.append(self)

        server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
        world.port = server.sockets[0].getsockname()[1]
        try:
            await scene(world)
        finally:
            server.close()
            await world.close()
            for connection in [*state.connections]:
                connection.shutdown()
            workers.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(within())
    return kept[0]


def plain(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, dict[str, str], Any]:
    """*answer* without what is different each time."""
    status, headers, body = answer
    document = json.loads(body) if body else None
    if isinstance(document, dict):
        document.pop("request_id", None)
    return status, {**headers, "x-request-id": "", "date": "", "content-length": ""}, document


async def until(claim: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("is_quick", [True, False], ids=["at once", "in a thread"])
def test_a_head_that_was_answered_once_is_not_judged_again(is_quick: bool) -> None:
    async def scene(world: World) -> None:
        caller = await world.open()
        first = await caller.ask(request())
        assert world.long == 1
        for number in range(5):
            again = await caller.ask(request(json.dumps(split([number, 2])).encode()))
            assert plain(again)[:2] == plain(first)[:2]
            assert json.loads(again[2]) == {"predictions": [number + 2.0]}
            assert again[1]["x-request-id"] != first[1]["x-request-id"]
        other = await world.open()
        assert (await other.ask(request()))[2] == first[2]
        assert world.long == 1

    world = play(scene, is_quick=is_quick)
    lines = world.lines.kept
    assert len(lines) == 7
    assert all([*line] == [*lines[0]] for line in lines)
    same = ("event", "method", "path", "status", "rows", "bytes_in", "bytes_out")
    assert {tuple(line[name] for name in same) for line in lines} == {
        ("request", "POST", "/invocations", 200, 1, len(BODY), len(b'{"predictions":[3.0]}'))
    }
    assert len({line["request_id"] for line in lines}) == 7
    assert world.state.total_requests == 7


def test_every_body_gets_the_same_answer_on_both_ways(models: Path) -> None:
    model = load(find(str(models / "cols")), Settings(trust=("pickle",)), {})
    row = [1, 1, 1, "a", True, "2020-01-01T00:00:00", "AA=="]
    good = json.dumps(split(row, columns=tuple("abicdtx"))).encode()
    seen = [0, 0]

    async def scene(world: World) -> None:
        for case in cases():
            body = body_of(case)
            if (case["model"], case["method"], case["path"]) != ("cols", "POST", "/invocations"):
                continue
            if len(body) > INLINE_BYTES or "Expect" in case["headers"]:
                continue
            head = "".join(f"{name}: {value}\r\n" for name, value in case["headers"].items())
            head = f"{case['method']} /invocations HTTP/1.1\r\nHost: localhost\r\n{head}"
            one, other = await world.open(), await world.open()
            filler, body = good.ljust(len(body)), body.ljust(len(good))
            long = await one.ask(request(body, head))
            # The same head, taught by a body that is right.
            await other.ask(request(filler, head))
            before = world.long
            short = await other.ask(request(body, head))
            seen[world.long > before] += 1
            assert plain(short) == plain(long), case["id"]

    play(scene, model, is_quick=False)
    print(f"{seen[0]} bodies on the short way, {seen[1]} on the long one")
    assert seen[0] > 15
    assert sum(seen) > 80


def test_requests_of_several_callers_that_are_there_together_share_a_call() -> None:
    sizes = list[int]()

    def predict(data: Any, params: Mapping[str, Any]) -> Any:
        sizes.append(data.rows)
        return add(data, params)

    async def scene(world: World) -> None:
        callers = [await world.open() for _ in range(8)]
        for caller in callers:
            await caller.ask(request())
        sizes.clear()
        # All are sent before the server's loop comes to read.
        for number, caller in enumerate(callers):
            caller.send(request(BODY.replace(b"1", b"%d" % number)))
        answers = [await caller.hear() for caller in callers]
        assert [answer[2] for answer in answers] == [
            b'{"predictions":[%d.0]}' % (number + 2) for number in range(8)
        ]
        assert len(sizes) < sum(sizes) == 8

    play(scene, served(predict))


NEVER = {
    "another path": HEAD.replace("/invocations", "/invocations?x=1"),
    "a request id": HEAD + "X-Request-Id: mine\r\n",
    "a last request": HEAD + "Connection: close\r\n",
    "a packed body": HEAD + "Content-Encoding: identity\r\n",
    "a sender who asks first": HEAD + "Expect: 100-continue\r\n",
    "another protocol": HEAD + "Connection: Upgrade\r\nUpgrade: websocket\r\n",
    "HTTP/1.0": HEAD.replace("HTTP/1.1", "HTTP/1.0"),
    "another host": HEAD.replace("localhost", "example.org"),
    "another media type": HEAD.replace("application/json", "application/xml"),
    "a long head": HEAD + f"X-Filler: {'x' * 3000}\r\n",
    "an empty line before": "\r\n" + HEAD,
}


@pytest.mark.parametrize("head", NEVER.values(), ids=NEVER.keys())
def test_what_is_not_ordinary_is_judged_every_time(head: str) -> None:
    async def scene(world: World) -> None:
        for _ in range(3):
            caller = await world.open()
            caller.send(request(head=head))
            assert await asyncio.wait_for(caller.reader.read(1), 5)
        assert world.long == 3

    play(scene)


def test_a_head_is_told_by_all_its_bytes() -> None:
    variants = [HEAD, HEAD.replace("Host", "host"), HEAD + "X-Other: 1\r\n", HEAD + "X-Other: 2\r\n"]

    async def scene(world: World) -> None:
        caller = await world.open()
        for variant in variants:
            await caller.ask(request(head=variant))
        assert world.long == len(variants)
        assert (await caller.ask(request(head=HEAD.replace("localhost", "evil.host"))))[0] == 403

    play(scene)


def test_what_the_short_way_cannot_read_gets_the_applications_answer() -> None:
    async def scene(world: World) -> None:
        caller = await world.open()
        await caller.ask(request())
        broken = BODY.replace(b"[[1, 2]]", b"[[1, x]]")
        assert (await caller.ask(request(broken)))[0] == 400
        text = BODY.replace(b"[[1, 2]]", b'[["",2]]')
        status, _, body = await caller.ask(request(text))
        assert (status, json.loads(body)["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        assert world.long == 3
        assert (await caller.ask(request()))[0] == 200
        assert world.long == 3

    assert [line["status"] for line in play(scene).lines.kept] == [200, 400, 400, 200]


def test_requests_that_do_not_come_as_one_piece_take_the_long_way() -> None:
    async def scene(world: World) -> None:
        caller = await world.open()
        await caller.ask(request())
        caller.send(request() + request())
        assert (await caller.hear())[0] == (await caller.hear())[0] == 200
        assert world.long == 3
        caller.send(request()[:60])
        await asyncio.sleep(0.05)
        caller.send(request()[60:])
        assert (await caller.hear())[0] == 200
        caller.send(request()[:-3])
        await asyncio.sleep(0.05)
        caller.send(request()[-3:])
        assert (await caller.hear())[0] == 200
        assert world.long == 5
        assert (await caller.ask(request()))[0] == 200
        assert world.long == 5

    play(scene)


def gated(gate: threading.Event, seen: list[float]) -> Served:
    """A model that answers once *gate* is open, and says what it was asked."""

    def predict(data: Any, params: Mapping[str, Any]) -> Any:
        seen.extend(data.columns["a"].tolist())
        assert gate.wait(10)
        return add(data, params)

    return served(predict)


def test_what_comes_while_one_is_answered_is_answered_after_it() -> None:
    gate, seen = threading.Event(), list[float]()

    async def scene(world: World) -> None:
        caller = await world.open()
        gate.set()
        await caller.ask(request())
        gate.clear()
        caller.send(request(BODY.replace(b"1", b"5")))
        await until(lambda: 5.0 in seen)
        caller.send(request(BODY.replace(b"1", b"6")))
        await asyncio.sleep(0.05)
        caller.send(request(BODY.replace(b"1", b"7")))
        await asyncio.sleep(0.05)
        gate.set()
        bodies = [(await caller.hear())[2] for _ in range(3)]
        assert bodies == [b'{"predictions":[%d.0]}' % number for number in (7, 8, 9)]

    play(scene, gated(gate, seen), is_quick=False)


def test_whoever_hangs_up_while_he_waits_is_not_computed() -> None:
    gate, seen = threading.Event(), list[float]()

    async def scene(world: World) -> None:
        gate.set()
        callers = [await world.open() for _ in range(4)]
        for caller in callers:
            await caller.ask(request())
        gate.clear()
        seen.clear()
        for number, caller in enumerate(callers):
            caller.send(request(BODY.replace(b"1", b"%d" % (number + 5))))
            await until(lambda wanted=number + 1: world.plane.batcher.inside == wanted)  # type: ignore[misc]
        callers[1].writer.close()
        callers[2].writer.close()
        await until(lambda: world.plane.batcher.inside == 2)
        gate.set()
        assert (await callers[0].hear())[0] == (await callers[3].hear())[0] == 200
        assert sorted({*seen}) == [5.0, 8.0]

    world = play(scene, gated(gate, seen), is_quick=False)
    assert sorted(line["status"] for line in world.lines.kept) == [200] * 6 + [499] * 2


def test_a_model_that_fails_blames_the_same_on_both_ways() -> None:
    def predict(data: Any, params: Mapping[str, Any]) -> Any:
        if data.columns["a"][0] == 7:
            raise ValueError("seven is not for me")
        return add(data, params)

    async def scene(world: World) -> None:
        bad = request(BODY.replace(b"1", b"7"))
        caller = await world.open()
        long = await caller.ask(bad)
        await caller.ask(request())
        before = world.long
        short = await caller.ask(bad)
        assert world.long == before
        assert plain(short) == plain(long)
        assert short[0] == 400

    play(scene, served(predict), is_quick=False)


def test_a_full_house_says_so_on_the_short_way_too() -> None:
    gate, seen = threading.Event(), list[float]()

    async def scene(world: World) -> None:
        gate.set()
        callers = [await world.open() for _ in range(3)]
        for caller in callers:
            await caller.ask(request())
        gate.clear()
        for number, caller in enumerate(callers[:2]):
            caller.send(request())
            await until(lambda wanted=number + 1: world.plane.batcher.inside == wanted)  # type: ignore[misc]
        status, headers, _ = await callers[2].ask(request())
        assert (status, "retry-after" in headers) == (503, True)
        gate.set()
        assert (await callers[0].hear())[0] == (await callers[1].hear())[0] == 200

    play(scene, gated(gate, seen), is_quick=False, concurrency=2)


def test_an_idle_connection_is_closed_in_time_and_a_used_one_is_not() -> None:
    async def scene(world: World) -> None:
        caller = await world.open()
        for _ in range(8):
            assert (await caller.ask(request()))[0] == 200
            await asyncio.sleep(0.1)
        assert world.long == 1
        started = time.monotonic()
        assert await caller.is_closed(5)
        assert time.monotonic() - started < 3

    play(scene, keep_alive=0.5)


def test_on_the_way_out_every_answer_says_that_it_is_the_last() -> None:
    gate, seen = threading.Event(), list[float]()

    async def scene(world: World) -> None:
        gate.set()
        callers = [await world.open() for _ in range(2)]
        for caller in callers:
            await caller.ask(request())
        gate.clear()
        callers[0].send(request())
        await until(lambda: world.plane.batcher.inside == 1)
        world.plane.leave()
        for connection in world.connections:
            if not connection.transport.is_closing() and connection is not world.connections[1]:
                connection.shutdown()
        callers[1].send(request())
        await until(lambda: world.plane.batcher.inside == 2)
        gate.set()
        for caller in callers:
            status, headers, _ = await caller.hear()
            assert (status, headers["connection"]) == (200, "close")
            assert await caller.is_closed(5)

    play(scene, gated(gate, seen), is_quick=False)


def test_when_the_runner_gives_up_waiting_the_caller_is_told() -> None:
    gate, seen = threading.Event(), list[float]()

    async def scene(world: World) -> None:
        gate.set()
        caller = await world.open()
        await caller.ask(request())
        gate.clear()
        caller.send(request())
        await until(lambda: world.plane.batcher.inside == 1)
        for task in world.state.tasks:
            task.cancel()
        status, headers, _ = await caller.hear()
        assert (status, headers["connection"]) == (503, "close")
        assert await caller.is_closed(5)
        gate.set()

    play(scene, gated(gate, seen), is_quick=False)


def test_it_remembers_a_bounded_number_of_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_MOST_HEADS", 3)

    async def scene(world: World) -> None:
        caller = await world.open()
        for number in range(10):
            await caller.ask(request(head=HEAD + f"X-Number: {number}\r\n"))
        assert world.long == 10
        await caller.ask(request(head=HEAD + "X-Number: 9\r\n"))
        assert world.long == 10
        assert len(world.express._tickets) == 3

    play(scene)


def test_control_a_head_learned_without_looking_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_is_usual", lambda *_: True)

    async def scene(world: World) -> None:
        caller = await world.open()
        for _ in range(3):
            await caller.ask(request(head=HEAD + "X-Request-Id: mine\r\n"))
        assert world.long == 1, "the caller's own request id was lost"

    play(scene)


def test_a_codec_by_itself_is_what_the_ticket_holds() -> None:
    async def scene(world: World) -> None:
        caller = await world.open()
        await caller.ask(request())
        (ticket,) = world.express._tickets.values()
        assert type(ticket.codec) is JsonCodec
        assert ticket.length == len(BODY)

    play(scene)
