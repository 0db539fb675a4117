"""A refusal reaches its sender, whatever the sender has still to say."""

import asyncio
from typing import Any

import pytest

from modelpack.conversation import Conversation


def refused(*headers: tuple[bytes, bytes], body: list[bytes], waits: bool = True) -> tuple[list[Any], int]:
    """What was sent to someone who is refused before a byte was read, and how many pieces were heard."""
    pieces, sent = list(body), []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        sent.append(message)

    talk = Conversation({"headers": list(headers)}, receive, send)
    asyncio.run(talk.refuse(400, b"{}", {"Retry-After": "1"}, closes=False, waits=waits))
    assert talk.started
    return sent, len(body) - len(pieces)


@pytest.mark.parametrize(
    ("headers", "heard", "closes"),
    [
        pytest.param([(b"content-length", b"4")], 2, False, id="a small rest"),
        pytest.param([(b"content-length", b"100000")], 2, True, id="a large rest"),
        pytest.param([(b"transfer-encoding", b"chunked")], 2, True, id="an endless rest"),
        pytest.param([(b"content-length", b"4"), (b"expect", b"100-continue")], 0, True, id="not sent"),
        pytest.param([(b"content-length", b"many")], 0, False, id="no number"),
        pytest.param([], 0, False, id="no body"),
    ],
)
def test_the_rest_of_a_body_is_heard_before_the_answer_ends(
    headers: list[tuple[bytes, bytes]], heard: int, closes: bool
) -> None:
    sent, met = refused(*headers, body=[b"ab", b"cd"])
    assert met == heard
    assert [one.get("more_body") for one in sent] == [None, True, False]
    assert ((b"connection", b"close") in sent[0]["headers"]) is closes
    assert (b"retry-after", b"1") in sent[0]["headers"]


def test_whoever_is_too_slow_is_not_waited_for() -> None:
    assert refused((b"content-length", b"4"), body=[b"ab", b"cd"], waits=False)[1] == 0
