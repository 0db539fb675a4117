"""A wire between a client and a server that is cut, or answers by itself, when a test says so."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Relay:
    """Hands bytes on from *port* to *target*.

    *cut* is after how many bytes of answers a connection breaks (None: never), *answer* what every request is
    answered with instead of the server's words.
    """

    port: int
    target: int
    cut: int | None = None
    answer: bytes | None = None
    broken: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    def serve(self, caller: socket.socket) -> None:
        """One connection, until either side hangs up."""
        with suppress(OSError), caller, socket.create_connection(("127.0.0.1", self.target)) as server:
            self._open += [caller, server]
            threading.Thread(target=self._ask, args=(caller, server), daemon=True).start()
            self._answer(caller, server)
            # A socket that is only closed stays open while another thread reads from it.
            caller.shutdown(socket.SHUT_RDWR)

    def _answer(self, caller: socket.socket, server: socket.socket) -> None:
        sent = 0
        with suppress(OSError):
            while piece := server.recv(65536):
                left = len(piece) if self.cut is None else max(0, self.cut - sent)
                caller.sendall(piece[:left])
                sent += len(piece)
                if left < len(piece):
                    self.broken += 1
                    return

    def _ask(self, caller: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while piece := caller.recv(65536):
                if self.answer is None:
                    server.sendall(piece)
                else:
                    caller.sendall(self.answer)

    def close(self) -> None:
        """Hang up on everyone."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def relaying(target: int) -> Iterator[Relay]:
    """A relay to the port *target* of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = Relay(listener.getsockname()[1], target)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    caller, _ = listener.accept()
                    threading.Thread(target=relay.serve, args=(caller,), daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield relay
        finally:
            # A listener that is only closed would leave its thread waiting.
            listener.shutdown(socket.SHUT_RDWR)
            relay.close()
            accepting.join(10)
