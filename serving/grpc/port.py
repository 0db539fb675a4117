"""A port that several processes of one server share."""

import socket

from modelpack.errors import CannotListen
from modelpack.listening import listen_at


def reserve(host: str, port: int, *, allow_remote: bool) -> socket.socket:
    """A socket that holds *port* at *host* for processes that will share it; raises CannotListen.

    It never listens itself: connections go to the sockets that do. Beyond this machine it goes only with
    *allow_remote*.
    """
    # Alone on the port first: sharing is for the processes of one server, not for two servers by accident.
    with listen_at(host, port, allow_remote=allow_remote) as alone:
        family, address = alone.family, alone.getsockname()
    holder = socket.socket(family, socket.SOCK_STREAM)
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(address)
    except OSError as error:
        holder.close()
        raise CannotListen(f"cannot listen at {host} port {port} for gRPC: {error.strerror}") from None
    return holder
