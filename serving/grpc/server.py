"""The gRPC server of one process: its port, and its way out."""

import asyncio
from typing import Any

import grpc
import grpc.aio

from modelpack.errors import CannotListen
from modelpack.logs import Lines
from serving.dataplane import DataPlane
from serving.grpc.service import Service
from serving.settings import Settings
from serving.tracing import Tracing

_IDLE_SECONDS = 300

_GATHERING_SECONDS = 0.3
_HEARING_SECONDS = 0.2


class GrpcServer:
    """Answers for *plane* at the host of *settings* and *port*.

    All processes of a server share the port: the kernel spreads connections over them.
    """

    def __init__(
        self,
        plane: DataPlane,
        settings: Settings,
        lines: Lines,
        *,
        port: int,
        tracing: Tracing | None = None,
    ) -> None:
        self._service = Service(plane, settings, lines, tracing)
        self._settings = settings
        self._server: Any = None
        self._port = port

    async def start(self) -> None:
        """Begin to answer, in the running event loop; raises CannotListen."""
        settings = self._settings
        server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 1),
                # Counts what is unpacked, too.
                ("grpc.max_receive_message_length", settings.body_limit),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_concurrent_streams", 2 * settings.concurrency),
                ("grpc.max_connection_idle_ms", _IDLE_SECONDS * 1000),
            ],
            maximum_concurrent_rpcs=2 * settings.concurrency,
        )
        server.add_generic_rpc_handlers((self._service.handler(),))
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        try:
            server.add_insecure_port(f"{host}:{self._port}")
        except RuntimeError:
            raise CannotListen(f"cannot listen at {settings.host} port {self._port} for gRPC") from None
        await server.start()
        self._server = server

    async def stop(self, seconds: float) -> None:
        """Take no more calls; those that run have *seconds* to end.

        gRPC's core drops the calls that come between its word to the callers and their hearing it. So those
        that come before are held back until the callers have heard: who waits does not ask anything new.
        """
        if self._server is None:
            return
        self._service.hold_back()
        await asyncio.sleep(min(_GATHERING_SECONDS, seconds))
        stopping = asyncio.create_task(self._server.stop(seconds))
        await asyncio.sleep(min(_HEARING_SECONDS, seconds))
        self._service.go_on()
        await stopping
