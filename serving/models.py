"""The served model: what a reference leads to, and what was loaded from there."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson

import modelpack
from modelpack.engines.auto import Learns
from modelpack.errors import MissingDependency, ModelpackError, NotFound, PredictionFailed, shorten
from modelpack.loading import load_predictor, open_model
from modelpack.predictor import Predictor
from modelpack.schema import Signature
from modelpack.settings import home
from modelpack.trust import Trust
from modelpack.uris import ModelRef, RegistryName
from serving.batching import Lane, Predict, may_batch
from serving.errors import NoModel
from serving.image import Image
from serving.settings import Settings
from serving.standing import Standing

logger = logging.getLogger(__name__)

_LARGEST_EXAMPLE = 64 << 10


class Runnable(Protocol):
    """Something that predicts from values which keep the model's signature."""

    def run(self, data: Any, params: Mapping[str, Any]) -> Any:
        """Raises PredictionFailed when the model itself does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a model is served from: the *reference* that was given, and the exact *place* that it led to.

    *standing* is what the registry said of the version then; None where there was no registry.
    """

    reference: str
    place: Path
    name: str
    version: str
    digest: str
    standing: Standing | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A loaded model and the facts that a server tells about it."""

    source: Source
    engine: str
    flavor: str
    method: str
    signature: Signature
    example: Any
    predictor: Runnable
    lane: Lane


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


def find(reference: str, image: Image | None = None) -> Source:
    """Follow *reference* to one version of one model, and open its directory; nothing of it is run.

    In an *image*, the names that its model had when it was made mean the model inside; no registry is asked.

    All processes of a server are given the same place, so that a promotion between their starts cannot part
    them. Raises what the resolvers raise: NotFound, InvalidUri, InvalidModel and so on.
    """
    if image is not None and image.holds(reference):
        directory = open_model(image.model)
        return Source(
            reference=reference,
            place=directory.path,
            name=image.name,
            version=image.version,
            digest=directory.digest,
        )
    ref = ModelRef.parse(reference)
    if ref.scheme != "models" or ref.logged_model is not None:
        directory = open_model(ref)
        return Source(
            reference=reference,
            place=directory.path,
            name=directory.path.name,
            version="",
            digest=directory.digest,
        )
    try:
        with modelpack.Registry() as registry:  # looked up here: a server of a path needs no database
            version = registry.locate(RegistryName.parse(ref))
    except MissingDependency:
        if image is None or not image.references:
            raise
        # An image that holds its model has no client of a registry, and is not meant to fetch another one.
        inside = f"inside is {', '.join(image.references)}"
        raise NotFound("model in this image", reference, hint=shorten(inside, 180)) from None
    directory = open_model(ModelRef("models", f"/{version.name}/{version.version}"))
    return Source(
        reference=reference,
        place=directory.path,
        name=version.name,
        version=str(version.version),
        digest=directory.digest,
        standing=Standing(stage=version.stage, aliases=version.aliases),
    )


def load(
    source: Source,
    settings: Settings,
    environ: Mapping[str, str],
    *,
    threads: int = 1,
    learns: Learns = "aside",
) -> Served:
    """Load the model at *source* as *settings* say: its method, its engine, and as far as they trust it.

    *threads* are for one call of an engine that can use several. *learns* is that of ``load_predictor``; of
    callers of a server none should wait.
    """
    started = time.monotonic()
    allowed = Trust.read(settings.trust, environ=environ, home=home(environ))
    predictor = load_predictor(
        source.place,
        trust=allowed,
        engine=settings.engine,
        method=settings.method or None,
        threads=threads,
        learns=learns,
    )
    took = round(time.monotonic() - started, 3)
    facts = {"model": source.name, "digest": source.digest, "engine": predictor.engine, "seconds": took}
    if predictor.why_native and settings.engine == "auto":
        facts["reason"] = predictor.why_native
    logger.info("model loaded", extra=facts)
    directory = predictor.directory
    signature = predictor.signature or Signature()
    batches = settings.batch_rows > 1 and may_batch(signature, directory.document.metadata)
    return Served(
        source=source,
        engine=predictor.engine,
        flavor=predictor.flavor,
        method=predictor.method,
        signature=signature,
        example=_example(directory),
        predictor=predictor,
        lane=Lane(predictor.run, name=source.name, batches=batches, quick=_quick(predictor)),
    )


def _quick(predictor: Predictor) -> Predict | None:
    """The ONNX form alone, failing as *predictor* does; None where the native model answers."""
    onnx, method = predictor.onnx, predictor.method
    if onnx is None:
        return None

    def run(data: Any, params: Mapping[str, Any]) -> Any:
        del params  # those of a form that has some are not certified
        try:
            return onnx.run(data, method)
        except ModelpackError:
            raise
        except Exception as error:
            raise PredictionFailed(error) from error

    return run


def _example(directory: Any) -> Any:
    """The request that came with the model, if it can be shown; a broken one is no reason not to serve."""
    try:
        example = directory.serving_example()
        return example if len(orjson.dumps(example)) <= _LARGEST_EXAMPLE else None
    except (ModelpackError, OSError, ValueError) as error:
        logger.warning("the input example cannot be read", extra={"reason": str(error)})
        return None
