"""The artifact proxy: files of runs and models, in and out, by their path below the artifact root."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from modelpack.artifacts.store import Entry
from modelpack.errors import InvalidName
from modelpack.tracking.server.answers import file_answer
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.paths import require_folder, require_path
from modelpack.tracking.server.receiving import receive

PLACES: Final = ("/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts")


def routes(parts: Parts) -> list[Route]:
    """GET, HEAD, PUT and DELETE of a file, and the list of a folder: ``artifacts?path=FOLDER``."""
    files, limit = parts.files, parts.settings.artifact_limit

    def fetch(request: Request) -> Response:
        path = require_path(request.path_params["path"])
        return file_answer(request, path, files.root.open(path))

    async def put(request: Request) -> Response:
        arrival = await run_in_threadpool(files.receive, request.path_params["path"])
        await receive(request, arrival, limit=limit)
        return told({})

    def delete(request: Request) -> Response:
        path = files.writable(request.path_params["path"].removesuffix("/"))
        if "/" not in path and not _is_file(parts, path):
            raise InvalidName("a whole area of the artifact root is not deleted at once; name what is in it")
        files.root.delete(path)
        return told({})

    def list_folder(request: Request) -> Response:
        folder = require_folder(request.query_params.get("path", ""))
        entries = files.root.list(folder)
        return told({"files": [tell_entry(one, below=folder) for one in entries]} if entries else {})

    made = []
    for place in PLACES:
        made += [
            Route(f"{place}/artifacts", list_folder, methods=["GET"]),
            Route(f"{place}/artifacts/{{path:path}}", fetch, methods=["GET", "HEAD"]),
            Route(f"{place}/artifacts/{{path:path}}", put, methods=["PUT"]),
            Route(f"{place}/artifacts/{{path:path}}", delete, methods=["DELETE"]),
        ]
    return made


def tell_entry(entry: Entry, *, below: str) -> dict[str, Any]:
    """What clients are told of *entry*, by its path from the folder *below* on."""
    name = entry.path.removeprefix(f"{below}/") if below else entry.path
    told: dict[str, Any] = {"path": name, "is_dir": entry.size is None}
    return told if entry.size is None else told | {"file_size": entry.size}


def told(answer: Mapping[str, Any]) -> Response:
    """*answer* as JSON that no cache keeps."""
    return JSONResponse(dict(answer), headers={"Cache-Control": "no-store"})


def _is_file(parts: Parts, path: str) -> bool:
    return any(one.path == path and one.size is not None for one in parts.files.root.list(""))
