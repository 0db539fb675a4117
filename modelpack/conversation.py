"""One request's two directions, and a refusal that its sender hears while the body is still to come."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
"""ASGI's own words for what they are; no framework is needed to say them."""

_SMALL: Final = 1 << 16
_LINGERING_SECONDS: Final = 2.0
_LINGERING_BYTES: Final = 16 << 20


class Conversation:
    """What goes to and fro for one request, and how far each direction has come."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.started = False
        self._heard_all = False

    async def receive(self) -> Message:
        """The next message of the caller's."""
        message = await self._receive()
        self._heard_all = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send *message* on."""
        self.started = True
        await self._send(message)

    async def refuse(
        self, status: int, body: bytes, headers: Mapping[str, str], *, closes: bool, waits: bool = True
    ) -> None:
        """Answer *body*, which is JSON; then hear the sender out for a moment, if some is still to come.

        Closing a socket with unread bytes resets it, and the sender would lose the answer with it. *closes*
        says that the connection ends here.
        """
        length = self._length_to_come()
        # Whoever asks first whether to send the body will not send it now.
        unsent = bool(self._header(b"expect"))
        told = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *((name.lower().encode(), value.encode()) for name, value in headers.items()),
        ]
        if closes or length > _SMALL or (length and unsent):
            told.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": status, "headers": told})
        await self.send({"type": "http.response.body", "body": body, "more_body": True})
        if length and waits and not unsent:
            await self._hear_out()
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    def _length_to_come(self) -> float:
        """How much of the body is unread at most; 0 when nothing is."""
        if self._heard_all:
            return 0
        if self._header(b"transfer-encoding"):
            return math.inf
        lengths = self._header(b"content-length")
        return int(lengths[0]) if lengths and lengths[0].isdigit() else 0

    def _header(self, name: bytes) -> list[bytes]:
        return [value for key, value in self._scope["headers"] if key == name]

    async def _hear_out(self) -> None:
        heard = 0
        try:
            async with asyncio.timeout(_LINGERING_SECONDS):
                while not self._heard_all and heard < _LINGERING_BYTES:
                    heard += len((await self.receive()).get("body", b""))
        except TimeoutError:
            return
