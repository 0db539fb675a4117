"""Where spans go: the SDK's provider of one process, as OpenTelemetry's variables say."""

import importlib
import logging
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from modelpack._version import __version__
from modelpack.errors import ModelpackError, shorten
from modelpack.logs import Lines
from serving.errors import InvalidSetting
from serving.models import Source
from serving.tracing import ENDPOINTS, Wish
from serving.tracing.hushing import Hushed, secrets_of

logger = logging.getLogger(__name__)

_UNNAMED = "unknown_service"


def tracing(wish: Wish, source: Source, environ: Mapping[str, str], lines: Lines) -> Any:
    """What follows requests for *source* in this process.

    From here on what OpenTelemetry has to say in the log is said seldom, and without secrets. Raises
    InvalidSetting where the SDK takes offence at a variable.
    """
    hushed = Hushed(secrets_of(environ))
    for handler in logging.getLogger().handlers:
        handler.addFilter(hushed)
    try:
        made = _made(wish, source, lines)
    except ModelpackError:
        raise
    except Exception as error:  # noqa: BLE001 - foreign code that reads what the operator wrote
        # Some variables are read when the SDK is imported, and what they raise then is anything.
        raise InvalidSetting(shorten(f"traces cannot be set up: {hushed.scrub(str(error))}")) from None
    logger.info(
        "traces are exported", extra={"exporters": list(wish.exporters), "to": _destination(wish, environ)}
    )
    return made


def _made(wish: Wish, source: Source, lines: Lines) -> Any:
    sdk: Any = importlib.import_module("opentelemetry.sdk.trace")
    export: Any = importlib.import_module("opentelemetry.sdk.trace.export")
    api: Any = importlib.import_module("opentelemetry.trace")
    spans: Any = importlib.import_module("serving.tracing.spans")
    naming: Any = importlib.import_module("serving.tracing.naming")
    provider = sdk.TracerProvider(resource=_resource(source), shutdown_on_exit=False)
    processors = [export.BatchSpanProcessor(exporter) for exporter in _exporters(wish, lines)]
    for processor in processors:
        provider.add_span_processor(processor)
    for handler in logging.getLogger().handlers:
        handler.addFilter(naming.Named())
    # A model's own code may make spans, too: they go where ours go.
    api.set_tracer_provider(provider)
    return spans.Tracing(provider, processors, source)


def _exporters(wish: Wish, lines: Lines) -> Iterator[Any]:
    if "otlp" in wish.exporters:
        kind = "grpc" if wish.grpc else "http"
        yield importlib.import_module(
            f"opentelemetry.exporter.otlp.proto.{kind}.trace_exporter"
        ).OTLPSpanExporter()
    if "console" in wish.exporters:
        yield _LineExporter(lines)


class _LineExporter:
    """The exporter ``console``: a line of JSON for each span, among the lines of requests."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def export(self, spans: Sequence[Any]) -> Any:
        for span in spans:
            self._lines.put(span.to_json(indent=None))
        return importlib.import_module("opentelemetry.sdk.trace.export").SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing: the lines have an owner."""


def _resource(source: Source) -> Any:
    """Who tells: what the operator says, and for what is not said the model, as the service that it is."""
    resources: Any = importlib.import_module("opentelemetry.sdk.resources")
    said = resources.Resource.create()
    ours = {
        "service.name": source.name,
        "service.version": source.version or source.digest,
        "service.instance.id": str(uuid.uuid4()),
        "process.pid": os.getpid(),
        "modelpack.version": __version__,
    }
    given = dict(said.attributes)
    if str(given.get("service.name", "")).startswith(_UNNAMED):
        del given["service.name"]
    return resources.Resource({**ours, **given}, said.schema_url)


def _destination(wish: Wish, environ: Mapping[str, str]) -> str:
    """The collector's name and port, without what else may stand in its address."""
    if "otlp" not in wish.exporters:
        return "the log"
    text = next(
        (environ[name] for name in ENDPOINTS if environ.get(name, "").strip()), "http://localhost:4318"
    )
    try:
        parts = urlsplit(text.strip())
        return shorten(f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname), 120)
    except ValueError:
        return "an address that is none"
