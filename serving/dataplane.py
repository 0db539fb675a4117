"""What a server can do, said without a word of HTTP."""

from dataclasses import dataclass
from enum import Enum

from serving.codecs import Codec
from serving.errors import Leaving
from serving.models import Models, Served
from serving.workers import Workers


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes to send back, and how many rows were asked for."""

    body: bytes
    rows: int


class Stage(Enum):
    """How far a server is on its way out."""

    SERVING = "serving"
    LEAVING = "leaving"
    """No longer ready, but whoever still asks is answered."""
    CLOSED = "closed"
    """What runs is finished; nothing new is taken."""


class DataPlane:
    """One process's models and the threads that ask them."""

    def __init__(self, models: Models, workers: Workers, *, timeout: float | None) -> None:
        self.models = models
        self.workers = workers
        self.stage = Stage.SERVING
        self._timeout = timeout

    @property
    def ready(self) -> bool:
        """Whether new callers should come here."""
        return self.models.loaded and self.stage is Stage.SERVING

    @property
    def metadata(self) -> Served:
        """The model that answers; raises NoModel."""
        return self.models.current

    def require_room(self) -> None:
        """Raise Unavailable unless one more prediction would be taken now."""
        if self.stage is Stage.CLOSED:
            raise Leaving("this server is shutting down; ask another one")
        self.workers.require_room()

    async def predict(self, body: bytes, codec: Codec) -> Answer:
        """Decode *body*, ask the model, encode what it says: all of it off the event loop.

        Raises InvalidRequest, SchemaMismatch, PredictionFailed, UnencodableResult, DeadlinePassed and
        Unavailable.
        """
        self.require_room()
        served = self.models.current
        return await self.workers.run(lambda: answer(served, codec, body), seconds=self._timeout)

    def leave(self) -> None:
        """Stop being ready."""
        if self.stage is Stage.SERVING:
            self.stage = Stage.LEAVING

    def close(self) -> None:
        """Take nothing new."""
        self.stage = Stage.CLOSED


def answer(served: Served, codec: Codec, body: bytes) -> Answer:
    """What *served* answers to *body*, in one thread, as long as it takes."""
    payload = codec.decode(body, served.signature)
    result = served.predictor.run(payload.data, payload.params)
    return Answer(codec.encode(result), payload.rows)
