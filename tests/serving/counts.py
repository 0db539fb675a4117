"""What a scrape says, read by Prometheus's own client."""

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from serving.exposition import render
from serving.metrics import Metrics


def scraped(source: Metrics | str) -> dict[str, Metric]:
    """The families of a scrape by their names; counters without ``_total``, as that client has them."""
    text = source if isinstance(source, str) else render(source.family.totals(), None).decode()
    families = [*text_string_to_metric_families(text)]
    assert len({one.name for one in families}) == len(families)
    assert all(one.documentation for one in families)
    return {one.name: one for one in families}


def counts_of(families: dict[str, Metric]) -> dict[tuple[str, str], int]:
    """Requests by route and status."""
    return {
        (one.labels["route"], one.labels["status"]): int(one.value)
        for one in families["modelpack_requests"].samples
    }


def check_latencies(families: dict[str, Metric]) -> None:
    """That as many requests were timed as were counted; so it is while none is under way."""
    timed = {
        one.labels["route"]: int(one.value)
        for one in families["modelpack_request_duration_seconds"].samples
        if one.name.endswith("_count")
    }
    counted: dict[str, int] = {}
    for (route, _), count in counts_of(families).items():
        counted[route] = counted.get(route, 0) + count
    assert timed == counted


def value_of(families: dict[str, Metric], name: str) -> float:
    """Of a metric that has no labels."""
    (sample,) = families[name].samples
    return float(sample.value)
