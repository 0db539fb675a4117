"""How bodies are held to their limits, piece by piece."""

import asyncio
import gzip
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from serving.errors import BodyTooLarge, BodyTooSlow, ClientGone, InvalidRequest, Overloaded
from serving.middleware.limits import Limits

Pieces = Sequence[bytes | float | None]


def scope(**headers: str) -> Scope:
    return {
        "type": "http",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }


def sender(pieces: Pieces) -> Receive:
    """Gives the bytes, waits for the numbers, and hangs up at None."""
    waiting = list(pieces)

    async def receive() -> Message:
        piece = waiting.pop(0)
        if isinstance(piece, float):
            await asyncio.sleep(piece)
            piece = waiting.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    return receive


async def no_answer(message: Message) -> None:
    raise AssertionError(message)


def reader(
    heard: list[bytes], wait: Callable[[], Any] | None = None
) -> Callable[[Scope, Receive, Send], Any]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            heard.append(message["body"])
            more = message["more_body"]
        if wait is not None:
            await wait()

    return app


def hear(pieces: Pieces, *, size: int = 1000, seconds: float = 5.0, **headers: str) -> bytes:
    heard: list[bytes] = []
    limits = Limits(reader(heard), size=size, seconds=seconds)
    asyncio.run(limits(scope(**headers), sender(pieces), no_answer))
    return b"".join(heard)


def test_what_fits_comes_through() -> None:
    assert hear([b"a" * 500, b"", b"b" * 500]) == b"a" * 500 + b"b" * 500


@pytest.mark.parametrize("pieces", [[b"a" * 1001], [b"a"] * 1001, [b"a" * 1000, b"b"]])
def test_what_does_not_fit_does_not(pieces: Pieces) -> None:
    with pytest.raises(BodyTooLarge, match="larger than 1000 bytes"):
        hear(pieces)


def test_a_declared_length_is_believed_when_it_is_too_much() -> None:
    with pytest.raises(BodyTooLarge):
        hear([60.0], content_length="1001")


def test_a_body_that_stops_coming_is_given_up() -> None:
    with pytest.raises(BodyTooSlow, match="within 0 s"):
        hear([b"a", 5.0, b"b"], seconds=0.1)


def test_a_body_that_trickles_is_given_up_too() -> None:
    trickle: list[bytes | float | None] = [b"a", 0.02]
    with pytest.raises(BodyTooSlow):
        hear([*trickle * 100, b"end"], seconds=0.2)


def test_a_large_body_has_more_time_than_a_small_one() -> None:
    assert len(hear([b"a" * 2048, 0.3, b"b"], size=10_000, seconds=0.1)) == 2049


def test_a_caller_that_hangs_up_is_gone() -> None:
    with pytest.raises(ClientGone):
        hear([b"a", None])


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_packed_bodies_may_come_in_any_pieces(cut: int) -> None:
    packed = gzip.compress(b"hello " * 100) + gzip.compress(b"world")
    pieces: Pieces = [packed[start : start + cut] for start in range(0, len(packed), cut)]
    assert hear(pieces, content_encoding="gzip") == b"hello " * 100 + b"world"


def test_a_packed_body_is_measured_unpacked() -> None:
    with pytest.raises(BodyTooLarge):
        hear([gzip.compress(b" " * 50_000_000)], size=100_000, content_encoding="gzip")


@pytest.mark.parametrize(
    "body",
    [b"no gzip", gzip.compress(b"hello")[:-3], gzip.compress(b"hello") + b"tail"],
    ids=["not packed", "cut", "tail"],
)
def test_a_body_that_is_not_packed_as_it_says_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="gzip"):
        hear([body], content_encoding="gzip")


def test_all_bodies_together_are_bounded_and_give_their_room_back() -> None:
    async def scene() -> None:
        gate = asyncio.Event()
        limits = Limits(reader([], gate.wait), size=1000, seconds=5)
        held = [asyncio.create_task(limits(scope(), sender([b"a" * 900]), no_answer)) for _ in range(4)]
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded, match="too many large bodies"):
            await limits(scope(), sender([b"a" * 900]), no_answer)
        gate.set()
        await asyncio.gather(*held)
        await limits(scope(), sender([b"a" * 900]), no_answer)

    asyncio.run(scene())
