"""Run by real MLflow's Python: asks MLflow's own scoring application, for each model, what a file says.

The file maps a model's folder to requests, each a media type (or null) and a body in base64. Printed are,
in the same order, a status and a body in base64.
"""

import asyncio
import base64
import json
import logging
import sys
from pathlib import Path

import mlflow
import yaml
from mlflow.pyfunc import scoring_server


async def ask(app, media_type, body):
    """The status and the body that the ASGI application *app* answers."""
    headers = [(b"content-type", media_type.encode())] if media_type is not None else []
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
             "scheme": "http", "path": "/invocations", "raw_path": b"/invocations", "root_path": "",
             "query_string": b"", "headers": [(b"host", b"localhost"), *headers],
             "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}  # fmt: skip
    heard = []
    sent = iter([{"type": "http.request", "body": body, "more_body": False}])
    over = asyncio.Event()

    async def receive():
        for message in sent:
            return message
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        heard.append(message)

    try:
        await app(scope, receive, send)
    except Exception:  # noqa: BLE001 - a server answers whatever happens
        # What uvicorn would answer; the application itself had no answer.
        return 500, b""
    finally:
        over.set()
    return heard[0]["status"], b"".join(message.get("body", b"") for message in heard[1:])


async def ask_all(asked):
    answers = {}
    for place, requests in asked.items():
        app = scoring_server.init(mlflow.pyfunc.load_model(place, suppress_warnings=True))
        answers[place] = [
            [status, base64.b64encode(body).decode()]
            for media_type, content in requests
            for status, body in [await ask(app, media_type, base64.b64decode(content))]
        ]
    return answers


# The fast one of the two readers of documents.
yaml.SafeLoader = yaml.CSafeLoader
logging.disable(logging.CRITICAL)
answers = asyncio.run(ask_all(json.loads(Path(sys.argv[1]).read_text())))
Path(sys.argv[2]).write_text(json.dumps(answers))
print(json.dumps({"answered": sum(len(one) for one in answers.values())}))
