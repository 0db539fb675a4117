"""``GET /metrics``: what all processes of this server have counted."""

from starlette.requests import Request
from starlette.responses import Response

from serving.dataplane import DataPlane
from serving.exposition import MEDIA_TYPE, Model, render
from serving.standing import Standings


class Figures:
    """Tells what is counted by *plane* and by its neighbours, and what *standings* know of the registry."""

    def __init__(self, plane: DataPlane, standings: Standings) -> None:
        self._plane = plane
        self._standings = standings

    async def metrics(self, request: Request) -> Response:
        """The text form of Prometheus."""
        del request
        model = self._model() if self._plane.models.loaded else None
        text = render(self._plane.metrics.family.totals(), model)
        return Response(text, headers={"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"})

    def _model(self) -> Model:
        served = self._plane.metadata
        source = served.source
        standing = self._standings.of(source)
        return Model(
            name=source.name,
            version=source.version,
            digest=source.digest,
            engine=served.engine,
            flavor=served.flavor,
            registry=None if standing is None else standing.reachable,
        )
