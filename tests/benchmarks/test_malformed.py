"""Requests that are no HTTP: a strict server ends them, and a lax one is found out."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.benchmarks.malformed import CASES, Outcome, ask_all, outcome_of

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def _saying(answer: bytes, *, closes: bool) -> Iterator[int]:
    """The port of a server that says the same to everyone, and hangs up or does not."""
    loop = asyncio.new_event_loop()
    writers = []

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.read(1)
        writer.write(answer)
        await writer.drain()
        if closes:
            writer.close()

    server = loop.run_until_complete(asyncio.start_server(say, "127.0.0.1", 0, backlog=128))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:

        async def close() -> None:
            server.close()
            for writer in writers:
                writer.close()
            await asyncio.sleep(0.05)

        asyncio.run_coroutine_threadsafe(close(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.parametrize(
    ("answer", "closes", "outcome"),
    [
        (_ANSWER, True, "answered"),
        (_ANSWER, False, "answered"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", True, "refused"),
        (b"HTTP/1.1 505 Version\r\n\r\n", True, "refused"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, "held"),
        (b"HTTP/1.1 500 Oh\r\n\r\n", True, "failed"),
        (b"HTTP/1.1 400 No\r\n\r\n" + _ANSWER, True, "answered"),
        (b"", True, "closed"),
        (b"", False, "held"),
    ],
)
def test_an_end_has_a_name(answer: bytes, closes: bool, outcome: Outcome) -> None:
    with _saying(answer, closes=closes) as port:
        assert outcome_of(port, b"GET / HTTP/1.1\r\n\r\n", deadline=0.5) == outcome


def test_a_server_that_answers_everything_is_found_lax_and_one_that_answers_nothing_broken() -> None:
    with _saying(_ANSWER, closes=True) as port:
        lax = ask_all(port, [case for case in CASES if case.data], deadline=2)
    assert all(met.is_right == ("answered" in met.case.may) for met in lax)
    with _saying(b"", closes=True) as port:
        broken = ask_all(port, [case for case in CASES if case.data], deadline=2)
    assert [met.case.name for met in broken if not met.is_right] == [
        case.name for case in CASES if case.name.startswith("ordinary")
    ]


def test_cases_have_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.may for case in CASES)
