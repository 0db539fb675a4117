"""The same requests to our application and to MLflow's own, and what each answers."""

import asyncio
import base64
import json
import logging
import math
import warnings
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelpack.logs import Lines
from serving import models
from serving.app import create_app
from serving.run.process import plane_of
from serving.settings import Coerce, Settings
from serving.workers import Workers
from tests.compat.reading.bodies import Body
from tests.compat.reading.corpus import Model
from tests.compat.real_mlflow import run_in_mlflow


@dataclass(frozen=True)
class Reply:
    """A *status*, and the JSON *value* of the answer, where there was one."""

    status: int
    value: Any = None

    @classmethod
    def of(cls, status: int, content: bytes) -> "Reply":
        """From what came over the wire; MLflow's ``NaN`` and ``Infinity`` are read as numbers."""
        return cls(status, json.loads(content) if status == 200 else None)

    @property
    def text(self) -> str:
        """One text for the whole; 1 and 1.0 are one number in JSON."""
        return json.dumps([self.status, _numbers(self.value)], sort_keys=True)


def ask_here(
    model: Model, requests: Mapping[Coerce, Sequence[Body]], folder: Path
) -> dict[Coerce, list[Reply]]:
    """What our application answers, in this process, as ``serve --coerce …`` would."""
    # Who trusts pickles spares the child process that opens an ONNX file of anyone's first.
    trusting = Settings(trust=("pickle", *model.needs))
    served = models.load(models.find(str(model.place)), trusting, {"MODELPACK_HOME": str(folder / "home")})
    replies: dict[Coerce, list[Reply]] = {}
    workers = Workers(1)
    with (folder / "log").open("wb") as log, _as_in_a_process_of_its_own():
        lines = Lines(log.fileno())
        try:
            for coerce, bodies in requests.items():
                settings = Settings(coerce=coerce)
                app = create_app(plane_of(served, settings, workers), settings, lines)
                replies[coerce] = asyncio.run(_ask_each(app, bodies))
        finally:
            lines.close()
            workers.close()
    return replies


@contextmanager
def _as_in_a_process_of_its_own() -> Iterator[None]:
    """A warning of a model's is no error, and nobody reads what is logged."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


async def _ask_each(app: Any, bodies: Sequence[Body]) -> list[Reply]:
    return [await _ask(app, body) for body in bodies]


async def _ask(app: Any, body: Body) -> Reply:
    """As a server would call the application; its own test client starts a thread for each request."""
    headers = [(b"host", b"localhost"), (b"content-length", str(len(body.content)).encode())]
    if body.media_type is not None:
        headers.append((b"content-type", body.media_type.encode()))
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/invocations", "raw_path": b"/invocations", "query_string": b"", "root_path": "",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    heard: list[MutableMapping[str, Any]] = []
    sent = iter([{"type": "http.request", "body": body.content, "more_body": False}])

    async def receive() -> Any:
        for message in sent:
            return message
        await asyncio.Event().wait()
        raise AssertionError("nobody hangs up")

    async def send(message: MutableMapping[str, Any]) -> None:
        heard.append(message)

    await app(scope, receive, send)
    return Reply.of(heard[0]["status"], b"".join(message.get("body", b"") for message in heard[1:]))


def ask_mlflow(requests: Mapping[str, Sequence[Body]], folder: Path) -> dict[str, list[Reply]]:
    """What the newest MLflow's own application answers, by the place of a model; one process for all."""
    asked, answered = folder / "requests.json", folder / "replies.json"
    asked.write_text(
        json.dumps(
            {
                place: [[body.media_type, base64.b64encode(body.content).decode()] for body in bodies]
                for place, bodies in requests.items()
            }
        )
    )
    run_in_mlflow("score_corpus.py", asked, answered, work=folder)
    told = json.loads(answered.read_text())
    return {
        place: [Reply.of(status, base64.b64decode(content)) for status, content in replies]
        for place, replies in told.items()
    }


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    if isinstance(value, dict):
        return {key: _numbers(one) for key, one in value.items()}
    whole = isinstance(value, float) and math.isfinite(value) and value.is_integer()
    return int(value) if whole else value
