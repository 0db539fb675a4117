"""Counts in the text form of Prometheus, version 0.0.4."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from serving.metrics import SECONDS, SIZES, Histogram, Totals

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is told of the served model. *registry* says whether the one that it came from answers.

    None where it came from none.
    """

    name: str
    version: str
    digest: str
    engine: str
    flavor: str
    registry: bool | None = None


def render(totals: Totals, model: Model | None) -> bytes:
    """All that is told, in UTF-8; of the *model* only if there is one."""
    lines = [*_counted(totals), *(_described(model) if model is not None else ())]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _counted(totals: Totals) -> Iterator[str]:
    yield from _head("modelpack_requests_total", "counter", "Requests that are over, by route and status.")
    for (route, status), count in totals.requests.items():
        yield f"modelpack_requests_total{_labels({'route': route, 'status': status})} {count}"
    name = "modelpack_request_duration_seconds"
    yield from _head(name, "histogram", "Time from a request's first byte here to its answer, by route.")
    for route, one in totals.latency.items():
        yield from _histogram(name, one, SECONDS, {"route": route})
    for name, one, ends, help_ in (
        (
            "modelpack_queue_wait_seconds",
            totals.waits,
            SECONDS,
            "Time that predictions waited for a thread; those answered on the event loop do not wait.",
        ),
        ("modelpack_batch_requests", totals.callers, SIZES, "Requests in one call of the model."),
        ("modelpack_batch_rows", totals.call_rows, SIZES, "Rows in one call of the model."),
    ):
        yield from _head(name, "histogram", help_)
        yield from _histogram(name, one, ends, {})
    yield from _single("modelpack_rows_total", "counter", "Rows that were answered.", totals.rows)
    yield from _single(
        "modelpack_requests_in_flight", "gauge", "Requests that are being worked on now.", totals.inside
    )
    yield from _single("modelpack_workers", "gauge", "Processes that answer.", totals.workers)


def _described(model: Model) -> Iterator[str]:
    yield from _head("modelpack_model_info", "gauge", "The model that is served; always 1.")
    facts = {
        "name": model.name,
        "version": model.version,
        "digest": model.digest,
        "engine": model.engine,
        "flavor": model.flavor,
    }
    yield f"modelpack_model_info{_labels(facts)} 1"
    if model.registry is not None:
        yield from _single(
            "modelpack_registry_up",
            "gauge",
            "Whether the registry that the model came from answered when it was asked last.",
            int(model.registry),
        )


def _head(name: str, kind: str, help_: str) -> Iterator[str]:
    yield f"# HELP {name} {help_}"
    yield f"# TYPE {name} {kind}"


def _single(name: str, kind: str, help_: str, value: int) -> Iterator[str]:
    yield from _head(name, kind, help_)
    yield f"{name} {value}"


def _histogram(
    name: str, histogram: Histogram, ends: Iterable[float], labels: Mapping[str, str]
) -> Iterator[str]:
    below = 0
    for count, end in zip(histogram.buckets, [*map(_number, ends), "+Inf"], strict=True):
        below += count
        yield f"{name}_bucket{_labels({**labels, 'le': end})} {below}"
    yield f"{name}_sum{_labels(labels)} {_number(histogram.sum)}"
    yield f"{name}_count{_labels(labels)} {below}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _labels(labels: Mapping[str, str]) -> str:
    # A model's name may hold anything that a folder's name may.
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
