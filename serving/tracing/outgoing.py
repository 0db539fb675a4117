"""Requests that leave for other servers: a span for each, and the context of the trace on it."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from opentelemetry import propagate
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from modelpack.remote.following import FOLLOWER, Step

Ask = TypeVar("Ask", bound=Callable[..., Any])


def followed(ask: Ask, tracer: Tracer) -> Ask:
    """*ask* in a span of *tracer*, and spans for the requests that it sends."""

    @functools.wraps(ask)
    def asking(*arguments: Any, **keywords: Any) -> Any:
        token = FOLLOWER.set(functools.partial(follow, tracer))
        try:
            # Errors are told by their kind alone: words may hold an address with a password in it.
            with tracer.start_as_current_span(
                "registry", record_exception=False, set_status_on_exception=False
            ) as span:
                try:
                    return ask(*arguments, **keywords)
                except Exception as error:
                    span.set_attribute("error.type", type(error).__name__)
                    span.set_status(StatusCode.ERROR)
                    raise
        finally:
            FOLLOWER.reset(token)

    return cast("Ask", asking)


@contextmanager
def follow(tracer: Tracer, verb: str, url: str) -> Iterator[Step]:
    """One request, and in ``headers`` what it has to carry."""
    parts = urlsplit(url)
    attributes: dict[str, str | int] = {
        "http.request.method": verb,
        "server.address": parts.hostname or "",
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
        "url.full": f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}",
    }
    with tracer.start_as_current_span(
        verb,
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        step = Step()
        propagate.inject(step.headers)
        try:
            yield step
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            if step.status is not None:
                span.set_attribute("http.response.status_code", step.status)
            if step.status is not None and step.status >= 400:
                span.set_attribute("error.type", str(step.status))
                span.set_status(StatusCode.ERROR)
