"""The socket that a server listens on: where it may be, and how it is left."""

import ctypes
import logging
import socket
import struct

from modelpack.addresses import is_loopback
from modelpack.errors import CannotListen, shorten

logger = logging.getLogger(__name__)


def listen_at(host: str, port: int, *, allow_remote: bool) -> socket.socket:
    """A socket bound to *host* and *port*, which does not listen yet; raises CannotListen.

    Beyond this machine it goes only with *allow_remote*: there is no password on a prediction.
    """
    if not allow_remote and not is_loopback(host):
        raise CannotListen(
            f"{shorten(repr(host), 60)} can be reached from other machines, and nothing here asks for a "
            "password; --allow-remote (MODELPACK_ALLOW_REMOTE=true) says that something in front does"
        )
    family, address = _resolve(host, port)
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise CannotListen(f"cannot listen at {host} port {port}: {error.strerror or error}") from None
    return listener


def url_of(listener: socket.socket) -> str:
    """Where people find *listener*; an address that stands for all is named by one that can be asked."""
    host, port = listener.getsockname()[:2]
    named = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read here, not bound
    return f"http://[{named}]:{port}" if ":" in named else f"http://{named}:{port}"


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise CannotListen(f"{shorten(repr(host), 60)} is no address of this machine: {error}") from None
    return found[0][0], found[0][4]


_ATTACH_FILTER = getattr(socket, "SO_ATTACH_FILTER", 26)

# Classic BPF over the TCP header: drop a segment that has SYN without ACK (byte 13), let all others pass.
_DROP_NEW = (
    (0x30, 0, 0, 13),
    (0x54, 0, 0, 0x12),
    (0x15, 0, 1, 0x02),
    (0x06, 0, 0, 0),
    (0x06, 0, 0, 0xFFFFFFFF),
)


def turn_away(listener: socket.socket) -> None:
    """Let no new connection begin, while those that stand in the queue can still be accepted.

    Closing a listener resets what it has not accepted yet, and those callers may have sent their requests.
    A dropped SYN is sent again a second later, and refused: its caller has sent nothing by then. Where a
    kernel has no such filter the last callers may be reset, as with every other server.
    """
    program = b"".join(struct.pack("HBBI", *step) for step in _DROP_NEW)
    memory = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HP", len(_DROP_NEW), ctypes.addressof(memory))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, header)
    except OSError as error:
        logger.info("no socket filter here", extra={"reason": str(error)})
