"""The whole body of a request."""

from starlette.types import Receive


async def whole(receive: Receive) -> bytes:
    """All that *receive* has to give, in one piece."""
    # One buffer: a body may come in a million pieces, and each of them would be an object.
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)
