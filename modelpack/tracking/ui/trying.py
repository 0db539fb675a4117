"""Sends a row from a page to a scoring server, if the operator named that server; to no other place."""

import http.client
import json
import ssl
import time
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.responses import Response

from modelpack.errors import InvalidName, NotFound, shorten
from modelpack.registry.records import ModelVersion
from modelpack.tracking.ui import trials
from modelpack.tracking.ui.asking import Ask
from modelpack.tracking.ui.pages import Page
from modelpack.tracking.ui.version import form_for, page_of

PATIENCE: Final = 10.0
"""Seconds that a scoring server has to answer."""
LARGEST: Final = 1 << 20
"""Bytes of an answer that are read."""
SHOWN: Final = 20_000
"""Characters of it that a page shows."""


def send(ask: Ask) -> Response:
    """The page of the version again, with what the scoring server answered."""
    filled = {name: ask.sent(name) for name in ask.form if name.startswith(("input.", "param.", trials.BODY))}
    version, form = form_for(ask, filled)
    return page_of(ask, filled=filled, outcome=_outcome(ask, version, form))


def require_server(servers: tuple[str, ...], which: str) -> str:
    """The address of the *which*-th of *servers*, which the operator named. Raises NotFound for any other."""
    if which.isascii() and which.isdigit() and len(which) < 4 and int(which) < len(servers):
        return servers[int(which)]
    raise NotFound("scoring server", which, hint="the operator names them by --scoring-server URL")


def ask_server(address: str, path: str, body: bytes | None) -> tuple[int, bytes]:
    """Status and body of what *address* answers at *path*. No redirect is followed. Raises OSError."""
    parts = urlsplit(address)
    made: http.client.HTTPConnection
    if parts.scheme == "https":
        made = http.client.HTTPSConnection(
            parts.netloc, timeout=PATIENCE, context=ssl.create_default_context()
        )
    else:
        made = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        made.request("GET" if body is None else "POST", parts.path + path, body, headers)
        answer = made.getresponse()
        return answer.status, answer.read(LARGEST + 1)
    except http.client.HTTPException as error:
        raise ConnectionError(type(error).__name__) from error
    finally:
        made.close()


def _outcome(ask: Ask, version: ModelVersion, form: trials.Form) -> trials.Outcome:
    address = require_server(ask.parts.settings.scoring_servers, ask.sent("server"))
    try:
        body = form.body.encode()
    except InvalidName as error:
        return trials.Outcome(address, problem=str(error))
    started = time.perf_counter()
    try:
        status, answer = ask_server(address, "/invocations", body)
        took = (time.perf_counter() - started) * 1000
        warning = _warning(address, version)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        return trials.Outcome(address, problem=f"{address} did not answer: {shorten(reason, 120)}")
    if 300 <= status < 400:
        return trials.Outcome(address, problem=f"{address} sends elsewhere, where nobody follows it")
    if len(answer) > LARGEST:
        return trials.Outcome(address, problem=f"the answer has more than {LARGEST >> 20} MiB")
    refusal = str(_object(answer).get("message", "")) if status >= 400 else ""
    return trials.Outcome(
        address, status, _told(answer), warning=warning, took=took, refusal=shorten(refusal, 400)
    )


def _warning(address: str, version: ModelVersion) -> str:
    """What to say where the server tells that it serves something else than *version*, or nothing of it."""
    status, answer = ask_server(address, "/ready", None)
    told = _object(answer) if status == 200 else {}
    if not told.get("model"):
        return f"{address} does not tell what it serves: this is the answer of whatever that is"
    # The same files are the same model, whatever it is called there; others are another one.
    is_known = bool(version.digest and told.get("digest"))
    if is_known and told["digest"] == version.digest:
        return ""
    name, number = shorten(str(told["model"]), 80), shorten(str(told.get("version") or ""), 20)
    if not number:
        doubt = (
            "with other files: this is their answer"
            if is_known
            else "and whether it is this version is not known"
        )
        return f"{address} serves {name} from a folder, {doubt}"
    if (told["model"], number) != (version.name, str(version.version)):
        return f"{address} serves {name} version {number}: this is its answer"
    return (
        f"{address} serves other files under this name and version: this is their answer" if is_known else ""
    )


def _object(answer: bytes) -> dict[str, Any]:
    """The JSON object that *answer* is; an empty one for anything else."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _told(answer: bytes) -> str:
    text = answer.decode("utf-8", "replace")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


PAGES: Final = (Page("POST", "/models/{name}/{version}/try", send),)
