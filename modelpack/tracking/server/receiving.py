"""A file on its way in, from a request to the artifact root: whole in its place, or nothing."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from modelpack.tracking.server.bodies import pieces
from modelpack.tracking.server.refusals import BadRequest
from modelpack.tracking.server.roots import Arrival

_TOGETHER = 1 << 20
"""Bytes that are handed on at once: small pieces would cost a change of threads each."""


async def receive(request: Request, arrival: Arrival, *, limit: int) -> int:
    """Let the body of *request*, at most *limit* bytes (0: any number), be *arrival*; answers its size.

    Raises TooLarge, TooSlow, CallerGone, and what Arrival raises; then nothing is left.
    """
    size, held = 0, bytearray()
    try:
        if "content-range" in request.headers:
            raise BadRequest("a file is sent whole, or by a multipart upload: Content-Range is not for PUT")
        async for piece in pieces(request, limit=limit):
            size += len(piece)
            held += piece
            if len(held) >= _TOGETHER:
                await run_in_threadpool(arrival.write, bytes(held))
                held.clear()
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) != size:
            raise BadRequest(f"the body ended after {size} of {int(declared)} bytes; send it again")
        if held:
            await run_in_threadpool(arrival.write, bytes(held))
        await run_in_threadpool(arrival.finish)
    finally:
        arrival.discard()
    return size
