"""The served model: what a reference leads to, and what was loaded from there."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson

import modelpack
from modelpack.errors import ModelpackError
from modelpack.loading import load_predictor, open_model
from modelpack.schema import Signature
from modelpack.settings import home
from modelpack.trust import Trust
from modelpack.uris import ModelRef, RegistryName
from serving.errors import NoModel

logger = logging.getLogger(__name__)

_LARGEST_EXAMPLE = 64 << 10


class Runnable(Protocol):
    """Something that predicts from values which keep the model's signature."""

    def run(self, data: Any, params: Mapping[str, Any]) -> Any:
        """Raises PredictionFailed when the model itself does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a model is served from: the *reference* that was given, and the exact *place* that it led to."""

    reference: str
    place: Path
    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A loaded model and the facts that a server tells about it."""

    source: Source
    engine: str
    flavor: str
    signature: Signature
    example: Any
    predictor: Runnable


class Models:
    """The model that requests go to now, if there is one."""

    def __init__(self, served: Served | None = None) -> None:
        self._served = served

    @property
    def loaded(self) -> bool:
        return self._served is not None

    @property
    def current(self) -> Served:
        """The model to ask; raises NoModel."""
        if self._served is None:
            raise NoModel("no model is loaded", retry_after=5)
        return self._served


def find(reference: str) -> Source:
    """Follow *reference* to one version of one model, and open its directory; nothing of it is run.

    All processes of a server are given the same place, so that a promotion between their starts cannot part
    them. Raises what the resolvers raise: NotFound, InvalidUri, InvalidModel and so on.
    """
    ref = ModelRef.parse(reference)
    if ref.scheme != "models":
        directory = open_model(ref)
        return Source(
            reference=reference,
            place=directory.path,
            name=directory.path.name,
            version="",
            digest=directory.digest,
        )
    with modelpack.Registry() as registry:  # looked up here: a server of a path needs no database
        version = registry.locate(RegistryName.parse(ref))
    directory = open_model(ModelRef("models", f"/{version.name}/{version.version}"))
    return Source(
        reference=reference,
        place=directory.path,
        name=version.name,
        version=str(version.version),
        digest=directory.digest,
    )


def load(source: Source, trust: tuple[str, ...], environ: Mapping[str, str]) -> Served:
    """Load the model at *source*, as far as the operator's *trust* goes."""
    started = time.monotonic()
    allowed = Trust.read(trust, environ=environ, home=home(environ))
    predictor = load_predictor(source.place, trust=allowed)
    took = round(time.monotonic() - started, 3)
    logger.info("model loaded", extra={"model": source.name, "digest": source.digest, "seconds": took})
    return Served(
        source=source,
        engine=predictor.engine,
        flavor=predictor.flavor,
        signature=predictor.signature or Signature(),
        example=_example(predictor.directory),
        predictor=predictor,
    )


def _example(directory: Any) -> Any:
    """The request that came with the model, if it can be shown; a broken one is no reason not to serve."""
    try:
        example = directory.serving_example()
        return example if len(orjson.dumps(example)) <= _LARGEST_EXAMPLE else None
    except (ModelpackError, OSError, ValueError) as error:
        logger.warning("the input example cannot be read", extra={"reason": str(error)})
        return None
