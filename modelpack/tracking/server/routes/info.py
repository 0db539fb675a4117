"""What a server says about itself."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from modelpack._version import __version__
from modelpack.errors import ModelpackError
from modelpack.tracking.server.call import Call, Endpoint
from modelpack.tracking.server.counts import CONTENT_TYPE, Counts
from modelpack.tracking.server.parts import Parts

OPEN_PATHS: Final = frozenset({"/health", "/ready", "/version"})
"""Answered to whoever asks; everything else is not, where tokens are asked for."""


def server_info(call: Call) -> Mapping[str, Any]:
    """What clients of MLflow 3 ask before they use what not every server has."""
    del call
    return {
        "store_type": "SqlStore",
        "workspaces_enabled": False,
        "trace_archival_enabled": False,
        # Clients would turn to the bucket itself, which not all of them can reach. Who knows better says so:
        # MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD.
        "multipart_uploads_enabled": False,
        "multipart_downloads_enabled": False,
        "artifact_serving_enabled": True,
        "presigned_upload_run_id_supported": False,
        "presigned_upload_model_id_supported": False,
        "features_enabled": {"gateway": False},
    }


ENDPOINTS = (
    Endpoint("GET", "/api/3.0/mlflow/server-info", server_info, "read"),
    Endpoint("GET", "/ajax-api/3.0/mlflow/server-info", server_info, "read"),
)


def open_routes(parts: Parts, is_leaving: Callable[[], bool]) -> list[Route]:
    """The routes of OPEN_PATHS."""

    async def health(request: Request) -> Response:
        """That this process runs."""
        del request
        return PlainTextResponse("OK")

    async def ready(request: Request) -> Response:
        """That what it stands on can be reached; no more is told to strangers."""
        del request
        if is_leaving():
            return JSONResponse({"ready": False, "reason": "this server is shutting down"}, 503)
        try:
            await to_thread.run_sync(parts.check)
        except ModelpackError:
            return JSONResponse({"ready": False, "reason": "the database or the artifact root is away"}, 503)
        return JSONResponse({"ready": True})

    async def version(request: Request) -> Response:
        """modelpack's version."""
        del request
        return PlainTextResponse(__version__)

    return [Route("/health", health), Route("/ready", ready), Route("/version", version)]


def metrics_route(counts: Counts) -> Route:
    """What was counted, for Prometheus."""

    async def metrics(request: Request) -> Response:
        del request
        text = await to_thread.run_sync(counts.text)
        return Response(text, headers={"Content-Type": CONTENT_TYPE})

    return Route("/metrics", metrics)
