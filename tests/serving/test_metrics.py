"""What is counted is the sum over all processes, and never goes back."""

import os
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from serving import contract
from serving.app import create_app
from serving.metrics import OTHER, ROUTES, STATUSES, UNKNOWN, WORDS, Family, Metrics, place_of
from tests.serving.counts import check_latencies, counts_of, scraped
from tests.serving.kit import house, served, split

INVOCATIONS = place_of(contract.INVOCATIONS)


def test_what_several_count_is_one_sum() -> None:
    family = Family(regions=4)
    one, other = Metrics(family, family.take(1)), Metrics(family, family.take(2))
    for metrics, requests in ((one, 3), (other, 4)):
        metrics.entered(requests)
        for number in range(requests):
            metrics.answered(INVOCATIONS, 200, 0.001 * number, 10)
        metrics.called(requests, 10 * requests)
        metrics.waited(0.5)
        metrics.left(2)
    totals = family.totals()
    assert totals.requests == {(contract.INVOCATIONS, "200"): 7}
    assert totals.latency[contract.INVOCATIONS].count == 7
    assert totals.latency[contract.INVOCATIONS].sum == pytest.approx(0.003 + 0.006)
    assert (totals.rows, totals.inside, totals.workers) == (70, 3, 2)
    assert (totals.callers.count, totals.callers.sum) == (2, 7)
    assert (totals.call_rows.count, totals.call_rows.sum) == (2, 70)
    assert (totals.waits.count, totals.waits.sum) == (2, 1.0)


def test_whoever_replaces_a_dead_worker_goes_on_counting() -> None:
    family = Family(regions=4)
    for worker in range(20):
        metrics = Metrics(family, family.take(worker))
        metrics.entered(5)
        metrics.answered(INVOCATIONS, 200, 0.001, 1)
        family.release(worker)
        assert family.totals().requests == {(contract.INVOCATIONS, "200"): worker + 1}
        assert family.totals().inside == family.totals().workers == 0


def test_two_that_live_never_share_a_place() -> None:
    family = Family(regions=8)
    places = {worker: family.take(worker) for worker in range(4)}
    family.release(2)
    assert family.take(9) == places[2]
    assert len({*places.values(), family.take(10)}) == 5


def test_a_place_is_written_by_a_forked_process_and_read_here() -> None:
    family = Family(regions=2)
    place = family.take(1)
    child = os.fork()
    if child == 0:
        Metrics(family, place).answered(INVOCATIONS, 200, 0.5, 7)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert family.totals().requests == {(contract.INVOCATIONS, "200"): 1}
    assert family.totals().rows == 7


def test_statuses_and_paths_of_anybodys_making_take_no_memory() -> None:
    metrics = Metrics()
    for number in range(1000):
        metrics.answered(place_of(f"/{number}"), 600 + number, 0.1, None)
    assert metrics.family.totals().requests == {(UNKNOWN, OTHER): 1000}
    assert len(metrics.family.region(0)) == 8 * WORDS


@pytest.mark.parametrize(
    ("seconds", "end"),
    [(0.0, 0.00025), (0.001, 0.001), (0.0010001, 0.0025), (60.0, 60.0), (61.0, float("inf"))],
)
def test_the_end_of_a_bucket_belongs_to_it(seconds: float, end: float) -> None:
    metrics = Metrics()
    metrics.answered(INVOCATIONS, 200, seconds, None)
    metrics.waited(seconds)
    text = scraped(metrics)
    for name in ("modelpack_request_duration_seconds", "modelpack_queue_wait_seconds"):
        ends = [
            float(one.labels["le"])
            for one in text[name].samples
            if one.name.endswith("_bucket") and one.value
        ]
        assert ends[0] == end
        assert ends[-1] == float("inf")


def test_every_route_of_the_application_has_its_own_place(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        app = create_app(home.plane, home.settings, home.lines)
    paths = {route.path for route in app.routes if isinstance(route, Route)}
    assert len(paths) > 12
    assert paths <= set(ROUTES)
    assert len(set(STATUSES)) == len(STATUSES)


def test_requests_are_counted_by_route_and_status(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        for _ in range(3):
            assert home.post(split([1, 2], [3, 4])).status_code == 200
        assert home.post(split(["x", 2])).status_code == 400
        assert home.client.get("/invocations").status_code == 405
        for number in range(5):
            assert home.client.get(f"/made/up/{number}").status_code == 404
        assert home.client.get("/v2/models/sum").status_code == 200
        assert home.client.get("/v2/models/sum/versions/3").status_code == 200
        assert home.client.get("/v2/models/other").status_code == 404
        infer = {"inputs": [{"name": n, "datatype": "FP64", "shape": [1], "data": [1.0]} for n in "ab"]}
        assert home.client.post("/v2/models/sum/infer", json=infer).status_code == 200
        text = scraped(home.plane.metrics)
        check_latencies(text)
        assert counts_of(text) == {
            ("/invocations", "200"): 3,
            ("/invocations", "400"): 1,
            ("/invocations", "405"): 1,
            ("unknown", "404"): 5,
            ("/v2/models/{model}", "200"): 1,
            ("/v2/models/{model}", "404"): 1,
            ("/v2/models/{model}/versions/{version}", "200"): 1,
            ("/v2/models/{model}/infer", "200"): 1,
        }
        assert text["modelpack_rows"].samples[0].value == 3 * 2 + 1
        assert text["modelpack_requests_in_flight"].samples[0].value == 0


def test_calls_of_the_model_and_their_rows_are_counted(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        for rows in (1, 3, 5000):
            assert home.post(split(*[[1, 2]] * rows)).status_code == 200
        text = scraped(home.plane.metrics)
        totals = home.plane.metrics.family.totals()
    assert (totals.callers.count, totals.callers.sum, totals.call_rows.sum) == (3, 3, 5004)
    assert totals.waits.count == 3
    samples = {
        tuple(one.labels.values()): one.value for one in text["modelpack_batch_rows"].samples if one.labels
    }
    assert (samples[("1",)], samples[("4",)], samples[("4096",)], samples[("16384",)]) == (1, 2, 2, 3)


def test_the_endpoint_tells_the_model_and_what_came_before(tmp_path: Path) -> None:
    name = 'a "hostile"\\name\nof <b>'
    with house(tmp_path, served(name=name)) as home:
        home.client.get("/ping")
        answer = home.client.get("/metrics")
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = scraped(answer.text)
    (model,) = text["modelpack_model_info"].samples
    assert model.labels == {
        "name": name,
        "version": "3",
        "digest": "sha256:" + "0" * 64,
        "engine": "native",
        "flavor": "python",
    }
    assert counts_of(text) == {("/ping", "200"): 1}
    # It counts itself among what is under way, and among what is over the next time.
    assert text["modelpack_requests_in_flight"].samples[0].value == 1


def test_the_log_says_how_many_shared_a_call(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.post(split([1, 2]))
        home.client.get("/ping")
        lines: list[dict[str, Any]] = home.log()
    assert [(line["path"], line["rows"], line["batch"], line["engine"]) for line in lines] == [
        ("/invocations", 1, 1, "native"),
        ("/ping", None, None, None),
    ]
