"""Every request has a name, its caller's or ours, and every answer bears it."""

import random
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import contract
from serving.middleware.state import begin, header

_GRAMMAR = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")
_NAME = contract.REQUEST_ID.lower().encode()


class RequestId:
    """Takes the caller's ``X-Request-Id`` where it keeps to a harmless grammar, and makes one otherwise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = choose_request_id(header(scope, _NAME))
        begin(scope, request_id)

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (_NAME, request_id.encode())]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, named)


def choose_request_id(given: list[bytes]) -> str:
    """The one *given*, where it keeps to the grammar, or a new one."""
    if len(given) == 1 and _GRAMMAR.fullmatch(given[0]):
        return given[0].decode()
    return new_request_id()


def new_request_id() -> str:
    """A name for a request that brought none: 32 hexadecimal digits."""
    return f"{random.getrandbits(128):032x}"
