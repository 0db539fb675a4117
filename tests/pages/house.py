"""A team server in this process, on a real port, for a browser to visit."""

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from modelpack.registry.client import Registry
from modelpack.registry.sql_store import now
from modelpack.tracking.records import Metric, Status
from modelpack.tracking.server.app import create_app
from modelpack.tracking.server.gate import admitting
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.settings import ServerSettings
from modelpack.tracking.server.tokens import Tokens


@dataclass(frozen=True, slots=True)
class House:
    """A server at *address*, and what it works on."""

    address: str
    parts: Parts

    def run(
        self,
        experiment: str,
        name: str,
        *,
        metrics: Mapping[str, list[float]] | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        status: Status = "FINISHED",
        began: int = 0,
        lasted: int = 60_000,
    ) -> str:
        """The id of a new run, *began* now if nothing is said; *metrics* are values, one a second."""
        tracking = self.parts.tracking
        begun = began or now()
        made = tracking.create_run(
            experiment, run_name=name, user_id="ada", start_time=begun, tags=tags or {}
        )
        run = made.info.run_id
        for key, values in (metrics or {}).items():
            points = [Metric(key, value, begun + step * 1000, step) for step, value in enumerate(values)]
            for start in range(0, len(points), 1000):
                tracking.log_batch(run, metrics=points[start : start + 1000])
        tracking.log_batch(run, params=params or {})
        if status != "RUNNING":
            tracking.update_run(run, status=status, end_time=begun + lasted)
        return run

    def put(self, run: str, path: str, content: bytes) -> None:
        """Lay a file among those of *run*."""
        place = self.parts.files.place(self.parts.tracking.get_run(run).info.artifact_uri)
        arrival = self.parts.files.receive(f"{place}/{path}")
        arrival.write(content)
        arrival.finish()

    def version(self, name: str, **given: Any) -> int:
        """The number of a new version without files."""
        told = {"source": "", "digest": "", "location": "models/x", "run_id": "", "description": ""} | given
        return self.parts.registry("ada").create_version(name, tags={}, **told).version

    def register(self, directory: Path, name: str, **given: Any) -> int:
        """The number of a new version with the files of *directory*, sent as clients send them."""
        with Registry(self.address, user="ada") as registry:
            return registry.register(directory, name, **given).version

    def token(self, user: str, *scopes: str) -> str:
        """A new token's secret."""
        return Tokens(self.parts.database).create(user, scopes)[1]


@contextmanager
def opened(folder: Path, **settings: Any) -> Iterator[House]:
    """A server whose database and files lie in *folder*, until the end of the block."""
    chosen = ServerSettings(
        backend_store_uri=f"sqlite:///{folder}/team.db", artifact_root=str(folder / "files"), **settings
    )
    parts = Parts.open(chosen, os.environ)
    check = admitting(Tokens(parts.database)) if chosen.require_auth else None
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(parts, check=check), log_level="error"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield House(f"http://127.0.0.1:{listener.getsockname()[1]}", parts)
    finally:
        server.should_exit = True
        thread.join(10)
        parts.close()
