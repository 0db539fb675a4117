"""Is it alive, and should callers come here?"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from serving import contract
from serving.dataplane import DataPlane, Stage
from serving.errors import Leaving


class Health:
    """Answers for *plane*."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane

    async def alive(self, request: Request) -> Response:
        """200 and a line end, as MLflow 3.17 answers: the process listens."""
        del request
        return Response("\n", media_type=contract.JSON)

    async def ready(self, request: Request) -> Response:
        """200 while a model is loaded and the server is not on its way out; raises Unavailable otherwise."""
        del request
        if self._plane.stage is not Stage.SERVING:
            raise Leaving("this server is shutting down; ask another one")
        source = self._plane.metadata.source
        model = {"model": source.name, "version": source.version or None, "digest": source.digest}
        return JSONResponse({"status": "ready", **model})
