"""Requests that are no HTTP, and ordinary ones to tell what is strict from what is broken."""

import contextlib
import socket
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

DEADLINE = 45.0
"""Seconds in which a server must have done with a caller that says no more; ours waits 30 for a body."""

Outcome = Literal["answered", "refused", "closed", "failed", "held"]
"""The last word that a caller got: 2xx, 4xx (or 501 and 505), none at all, another 5xx, or no end."""

_LIMITS_OF_HTTP = {501, 505}


@dataclass(frozen=True, slots=True)
class Case:
    """*data* goes over the wire as it is, and nothing after it. It *may* come to one of these ends."""

    name: str
    data: bytes
    may: tuple[Outcome, ...] = ("refused", "closed")


_HEAD = b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_LAST = b"Connection: close"
_CHUNKS = b"Transfer-Encoding: chunked"
_GET = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n"
_OTHER = b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_NO_MORE = b"0\r\n\r\n" + _OTHER


def _get(*lines: bytes, body: bytes = b"") -> bytes:
    """Its answer would be 200, whatever its body, if its head were one."""
    return _GET + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


_ANSWERED: tuple[Outcome, ...] = ("answered",)

CASES = (
    Case("ordinary", _get(_LAST), _ANSWERED),
    Case("ordinary, HTTP/1.0", b"GET /ping HTTP/1.0\r\n\r\n", _ANSWERED),
    Case("ordinary, two on end", _get() + _OTHER, _ANSWERED),
    Case("ordinary, in odd case and space", _get(b"cONNECTION:   close  "), _ANSWERED),
    Case("no HTTP at all", b"nonsense\r\n\r\n"),
    Case("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    Case("no version", b"GET /ping\r\n\r\n"),
    Case("version 9.9", b"GET /ping HTTP/9.9\r\nHost: localhost\r\n\r\n"),
    Case("version 1.10", b"GET /ping HTTP/1.10\r\nHost: localhost\r\n\r\n"),
    Case("unknown method", b"FOO /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    Case("space in the target", b"GET /ping /x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Case("NUL in the target", b"GET /ping?\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Case("no host", b"GET /ping HTTP/1.1\r\nConnection: close\r\n\r\n"),
    Case("two hosts", _get(b"Host: localhost", _LAST)),
    Case("space in a header's name", _get(b"A B: c", _LAST)),
    Case("space before the colon", _get(b"A : c", _LAST)),
    Case("no name before the colon", _get(b": c", _LAST)),
    Case("no colon", _get(b"nonsense", _LAST)),
    Case("NUL in a header", _get(b"A: b\x00c", _LAST)),
    Case("bare CR in a header", _get(b"A: b\rc", _LAST)),
    Case("folded header", _get(b"A: b", b" c", _LAST)),
    Case("two lengths", _get(b"Content-Length: 5", b"Content-Length: 6", _LAST, body=b"hello!")),
    Case("a list of lengths", _get(b"Content-Length: 5, 6", _LAST, body=b"hello!")),
    Case("negative length", _get(b"Content-Length: -1", _LAST)),
    Case("length with a plus", _get(b"Content-Length: +5", _LAST, body=b"hello")),
    Case("length in hex", _get(b"Content-Length: 0x5", _LAST, body=b"hello")),
    Case("length that is no number", _get(b"Content-Length: 1e3", _LAST)),
    Case("length beyond 64 bits", _get(b"Content-Length: 99999999999999999999", _LAST)),
    Case(
        "length and chunks",
        _get(b"Content-Length: 5", _CHUNKS, body=_NO_MORE),
    ),
    Case(
        "chunks and length",
        _get(_CHUNKS, b"Content-Length: 5", body=_NO_MORE),
    ),
    Case("chunks that are not last", _get(b"Transfer-Encoding: chunked, identity", body=_NO_MORE)),
    Case("chunks by another name", _get(b"Transfer-Encoding: xchunked", body=_NO_MORE)),
    Case("chunks behind a control", _get(b"Transfer-Encoding:\x0bchunked", body=_NO_MORE)),
    # Its framing is faulty, and it is the last on its connection; it may be answered all the same (RFC 9112).
    Case(
        "chunks in HTTP/1.0",
        _get(_CHUNKS, body=_NO_MORE).replace(b"1.1", b"1.0", 1),
        ("refused", "closed", "answered"),
    ),
    Case("bad chunk size", _get(_CHUNKS, body=b"XYZ\r\nhello\r\n")),
    Case("negative chunk size", _get(_CHUNKS, body=b"-5\r\nhello\r\n0\r\n\r\n")),
    Case("chunk size in 0x", _get(_CHUNKS, body=b"0x5\r\nhello\r\n0\r\n\r\n")),
    Case("chunk size beyond 64 bits", _get(_CHUNKS, body=b"f" * 17 + b"\r\nhello")),
    Case("chunk longer than said", _get(_CHUNKS, body=b"3\r\nhello\r\n0\r\n\r\n")),
    Case("target of 200 KB", b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Case("endless target", b"GET /" + b"x" * 500_000),
    Case("header of 300 KB", _get(b"A: " + b"x" * 300_000, _LAST)),
    Case("endless header", _GET + b"A: " + b"x" * 500_000),
    Case("a thousand headers", _get(*[b"A: b"] * 1_000, _LAST)),
    Case("half a head, then silence", _GET + b"A: "),
    Case("half a body, then silence", _HEAD + b"Content-Length: 100\r\n\r\n{}"),
    Case("a connection, then silence", b""),
)


@dataclass(frozen=True, slots=True)
class Met:
    """What became of *case*."""

    case: Case
    outcome: Outcome

    @property
    def is_right(self) -> bool:
        """Whether it was one of the ends that it may come to."""
        return self.outcome in self.case.may


def ask_all(port: int, cases: Iterable[Case] = CASES, *, deadline: float = DEADLINE) -> list[Met]:
    """What the server on *port* does with each of *cases*, all of them at one time."""
    every = list(cases)
    with ThreadPoolExecutor(len(every)) as pool:
        outcomes = pool.map(lambda case: outcome_of(port, case.data, deadline=deadline), every)
        return [Met(case, outcome) for case, outcome in zip(every, outcomes, strict=True)]


def outcome_of(port: int, data: bytes, *, deadline: float) -> Outcome:
    """Send *data*, and listen until the server ends the connection, or for *deadline* seconds."""
    heard, is_held = _heard(port, data, deadline)
    statuses = _statuses(heard)
    if any(200 <= status < 300 for status in statuses):
        return "answered"
    if is_held:
        return "held"
    if not statuses:
        return "closed"
    refused = all(400 <= status < 500 or status in _LIMITS_OF_HTTP for status in statuses)
    return "refused" if refused else "failed"


def _heard(port: int, data: bytes, deadline: float) -> tuple[bytes, bool]:
    """What the server said, and whether it kept the connection until the end of the time."""
    heard = bytearray()
    end = time.monotonic() + deadline
    with socket.create_connection(("127.0.0.1", port), timeout=deadline) as caller:
        # A server that refuses early may close while this is still talking.
        with contextlib.suppress(OSError):
            caller.sendall(data)
        try:
            while (left := end - time.monotonic()) > 0:
                caller.settimeout(left)
                piece = caller.recv(1 << 16)
                if not piece:
                    return bytes(heard), False
                heard += piece
        except ConnectionError:
            return bytes(heard), False
        except TimeoutError:
            pass
    return bytes(heard), True


def _statuses(heard: bytes) -> list[int]:
    """Of the answers in *heard*; one begins where the last one's body ends, or at once."""
    found = []
    for part in heard.split(b"HTTP/1.")[1:]:
        status = part[2:5]
        if part[:1] in b"01" and status.isdigit() and status != b"100":
            found.append(int(status))
    return found
