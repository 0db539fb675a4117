"""Files of runs, of logged models and of versions, by what they belong to; their place is in the database."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelpack.errors import NotFound
from modelpack.registry.claims import offset_of, token_of
from modelpack.tracking.server.answers import file_answer
from modelpack.tracking.server.call import Call, Endpoint, missing
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.paths import require_folder, require_path
from modelpack.tracking.server.receiving import receive
from modelpack.tracking.server.routes.artifacts import tell_entry, told
from modelpack.tracking.server.sources import version_of
from modelpack.tracking.sql_logged_models import SqlLoggedModels
from modelpack.uris import RegistryName

LARGEST_UPLOAD: Final = 10 << 20
"""Bytes of a file that a page sends, as in MLflow."""
_ON_A_PAGE: Final = 10_000


def of_run(call: Call) -> Mapping[str, Any]:
    """What lies in a folder of a run."""
    run_id = call.text("run_id") or call.required("run_uuid")
    return _listed(call, call.parts.tracking.get_run(run_id).info.artifact_uri, call.text("path"))


def of_logged_model(call: Call) -> Mapping[str, Any]:
    """What lies in a folder of a logged model."""
    found = SqlLoggedModels(call.parts.database).get(call.path["model_id"])
    return _listed(call, found.artifact_uri, call.text("artifact_directory_path"))


def routes(parts: Parts) -> list[Route]:
    """One file of a run, of a logged model or of a version, and a small one put into a run."""

    def of_a_run(request: Request) -> str:
        run_id = request.query_params.get("run_id") or _asked(request, "run_uuid")
        return parts.tracking.get_run(run_id).info.artifact_uri

    def of_a_model(request: Request) -> str:
        return SqlLoggedModels(parts.database).get(request.path_params["model_id"]).artifact_uri

    def of_a_version(request: Request) -> str:
        name, number = _asked(request, "name"), _asked(request, "version")
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise NotFound("version", number)
        found = version_of(parts, RegistryName(name, version=int(number)))
        return f"mlflow-artifacts:/{found.location}" if found.location else found.source

    def fetching(locate: Callable[[Request], str], name: str) -> Callable[[Request], Response]:
        def fetch(request: Request) -> Response:
            place = _below(parts, locate(request), require_path(_asked(request, name)))
            return file_answer(request, place, parts.files.root.open(place))

        return fetch

    async def upload(request: Request) -> Response:
        run_id, path = _asked(request, "run_uuid"), require_path(_asked(request, "path"))

        def begin() -> str:
            return _below(parts, parts.tracking.get_run(run_id).info.artifact_uri, path)

        arrival = await run_in_threadpool(parts.files.receive, await run_in_threadpool(begin))
        limit = parts.settings.artifact_limit
        await receive(request, arrival, limit=min(LARGEST_UPLOAD, limit or LARGEST_UPLOAD))
        return told({})

    ajax = "/ajax-api/2.0/mlflow"
    return [
        Route("/get-artifact", fetching(of_a_run, "path"), methods=["GET", "HEAD"]),
        Route("/model-versions/get-artifact", fetching(of_a_version, "path"), methods=["GET", "HEAD"]),
        Route(
            f"{ajax}/logged-models/{{model_id}}/artifacts/files",
            fetching(of_a_model, "artifact_file_path"),
            methods=["GET", "HEAD"],
        ),
        Route(f"{ajax}/upload-artifact", upload, methods=["POST"]),
    ]


ENDPOINTS: Final = (
    Endpoint("GET", "artifacts/list", of_run, "read"),
    Endpoint("GET", "logged-models/{model_id}/artifacts/directories", of_logged_model, "read"),
)


def _listed(call: Call, location: str, folder: str) -> Mapping[str, Any]:
    files = call.parts.files
    root = files.place(location)
    start = offset_of(call.text("page_token") or None)
    entries = files.root.list(_below(call.parts, location, require_folder(folder)))
    some = entries[start : start + _ON_A_PAGE]
    answer: dict[str, Any] = {"root_uri": files.tell(location)}
    if some:
        answer["files"] = [tell_entry(one, below=root) for one in some]
    if len(entries) > start + _ON_A_PAGE:
        answer["next_page_token"] = token_of(start + _ON_A_PAGE)
    return answer


def _below(parts: Parts, location: str, path: str) -> str:
    """The path below the artifact root of *path* in what the database says lies at *location*."""
    return "/".join(part for part in (parts.files.place(location), path) if part)


def _asked(request: Request, name: str) -> str:
    value = request.query_params.get(name, "")
    if not value:
        raise missing(name)
    return value
