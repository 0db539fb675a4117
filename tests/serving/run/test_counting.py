"""Any worker tells what all have counted: exactly what callers were answered, also when a worker has died."""

import http.client
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from prometheus_client.metrics_core import Metric
from sklearn.ensemble import RandomForestRegressor

import modelpack
from k8s.monitor import METRICS
from serving import contract
from tests.serving.counts import check_latencies, counts_of, scraped, value_of
from tests.serving.grpc.kit import calling, request
from tests.serving.kit import JSON, ServerProcess, raw, serving, split

SCRIPT = Path(__file__).with_name("exactly.lua")
INFER = {"inputs": [{"name": name, "datatype": "FP64", "shape": [1], "data": [1.0]} for name in "ab"]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Two workers with a model that is answered on the event loop."""
    folder = tmp_path_factory.mktemp("counting")
    chance = np.random.default_rng(5)
    seen = pd.DataFrame(chance.random((300, 2)), columns=["a", "b"])
    model = RandomForestRegressor(5, max_depth=4, random_state=0).fit(seen, seen.a + seen.b)
    made = modelpack.save(
        model, folder / "line", input_example=seen.head(2), reference_data=seen, certify={"rows": 500}
    )
    words = ("-m", str(made.path), "-w", "2", "--engine", "onnx", "--grpc-port", "0")
    with serving(folder / "server", *words) as server:
        wait_for_workers(server, 2)
        yield server


def scrape(server: ServerProcess) -> dict[str, Metric]:
    status, headers, body = server.call("GET", "/metrics", headers={})
    assert status == 200
    assert headers["cache-control"] == "no-store"
    return scraped(body.decode())


def wait_for_workers(server: ServerProcess, number: int) -> None:
    deadline = time.monotonic() + 30
    while value_of(scrape(server), "modelpack_workers") != number:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def hammer(server: ServerProcess, *, callers: int, answers: int) -> "subprocess.Popen[str]":
    if shutil.which("wrk") is None:
        reason = "wrk is not installed: scripts/system-parts.sh brings it"
        (pytest.fail if os.environ.get("MODELPACK_TEST_REQUIRE_ALL") == "1" else pytest.skip)(reason)
    url = f"http://127.0.0.1:{server.port}{contract.INVOCATIONS}"
    command = ["wrk", f"-t{callers}", f"-c{callers}", "-d60s", "-s", str(SCRIPT), url, "--", str(answers)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told_by(wrk: "subprocess.Popen[str]") -> dict[str, int]:
    """What it counted. All of its threads have what they wanted; it would sleep on until its time is over."""
    wrk.send_signal(signal.SIGINT)
    told: dict[str, int] = json.loads(wrk.communicate(timeout=60)[0].strip().splitlines()[-1])
    return told


def predictions(server: ServerProcess) -> dict[str, int]:
    """By status."""
    return {
        status: count
        for (route, status), count in counts_of(scrape(server)).items()
        if route == contract.INVOCATIONS
    }


def test_counts_are_those_of_the_callers_exactly(server: ServerProcess) -> None:
    before, rows = predictions(server), value_of(scrape(server), "modelpack_rows")
    wanted = sum(before.values()) + 8 * 1000
    wrk = hammer(server, callers=8, answers=1000)
    seen = [0]
    while seen[-1] < wanted or len(set(seen[-5:])) > 1:
        assert wrk.poll() is None
        seen.append(sum(predictions(server).values()))
        time.sleep(0.02)
    told, after = told_by(wrk), scrape(server)
    check_latencies(after)
    assert told == {"right": 8 * 900, "wrong": 8 * 100, "other": 0}
    grown = {status: count - before.get(status, 0) for status, count in predictions(server).items()}
    assert grown == {"200": told["right"], "400": told["wrong"]}
    assert value_of(after, "modelpack_rows") - rows == 2 * told["right"]
    # Every connection's own scrape, at whichever worker, told no less than the one before.
    assert len(seen) > 5
    assert seen == sorted(seen)
    assert len(set(seen)) > 3
    # And nothing else was counted: seven more are seven more.
    for _ in range(7):
        assert server.score(split([1, 2]))[0] == 200
    # A request is counted once its answer has left: the last one perhaps an instant later.
    deadline = time.monotonic() + 10
    while predictions(server)["200"] - before.get("200", 0) < told["right"] + 7:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.1)
    assert predictions(server)["200"] - before.get("200", 0) == told["right"] + 7


def test_every_worker_tells_the_same(server: ServerProcess) -> None:
    answered_by: dict[int, list[dict[str, int]]] = {}
    for _ in range(40):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("GET", "/metrics")
        families = scraped(connection.getresponse().read().decode())
        # The metrics do not say who tells them; the kernel does.
        local = connection.sock.getsockname()[1] if connection.sock else 0
        counts = {f"{r} {s}": n for (r, s), n in counts_of(families).items() if r != contract.METRICS}
        answered_by.setdefault(_owner(server, local), []).append(counts)
        connection.close()
    assert set(answered_by) == set(server.children())
    (first, *others) = (counts for told in answered_by.values() for counts in told)
    assert all(one == first for one in others)


def _owner(server: ServerProcess, port: int) -> int:
    """The worker at the other end of this machine's connection from *port*."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inodes = {words[9] for words in map(str.split, lines) if words[2].endswith(f":{port:04X}")}
    for pid in server.children():
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            if str(descriptor.readlink())[len("socket:[") : -1] in inodes:
                return pid
    raise AssertionError(f"nobody has the connection from {port}")


def test_both_protocols_are_counted_by_their_routes(server: ServerProcess) -> None:
    before = counts_of(scrape(server))
    assert server.call("POST", "/v2/models/line/infer", json.dumps(INFER), JSON)[0] == 200
    assert server.call("POST", "/v2/models/other/infer", json.dumps(INFER), JSON)[0] == 404
    with calling(server.grpc_port) as caller:
        caller.ask("ServerLive")
        columns = {name: np.array([1.0, 2.0]) for name in "ab"}
        assert caller.ask("ModelInfer", request(columns, model="line"))
        assert caller.refused("ModelInfer", request(columns, model="other"))[0] == "NOT_FOUND"
    assert server.status("/ready") == 200
    assert server.status("/no/such/path") == 404
    assert raw(server.port, b"NONSENSE\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    after = counts_of(scrape(server))
    grown = {key: count - before.get(key, 0) for key, count in after.items() if count != before.get(key, 0)}
    service = f"/{contract.GRPC_SERVICE}"
    assert grown == {
        ("/v2/models/{model}/infer", "200"): 1,
        ("/v2/models/{model}/infer", "404"): 1,
        (f"{service}/ServerLive", "OK"): 1,
        (f"{service}/ModelInfer", "OK"): 1,
        (f"{service}/ModelInfer", "NOT_FOUND"): 1,
        ("/ready", "200"): 1,
        ("unknown", "404"): 1,
        ("unread", "400"): 1,
        ("/metrics", "200"): 1,
    }
    assert METRICS == contract.METRICS


def test_counters_never_go_back_when_a_worker_dies(server: ServerProcess) -> None:
    callers, before = 4, predictions(server)
    least = sum(before.values()) + callers * 2499
    wrk = hammer(server, callers=callers, answers=2500)
    victim, seen = server.children()[0], [counts_of(scrape(server))]
    while _predicted(seen[-1]) < least or len({_predicted(one) for one in seen[-15:]}) > 1:
        assert wrk.poll() is None
        seen.append(counts_of(_scrape_somehow(server)))
        if len(seen) == 10:
            os.kill(victim, signal.SIGKILL)
        time.sleep(0.02)
    told = told_by(wrk)
    for earlier, later in itertools.pairwise(seen):
        assert all(later.get(key, 0) >= count for key, count in earlier.items())
    wait_for_workers(server, 2)
    assert victim not in server.children()
    grown = {status: count - before.get(status, 0) for status, count in predictions(server).items()}
    lost = grown["200"] + grown["400"] - told["right"] - told["wrong"]
    print(f"{told}, counted {grown}; {len(seen)} scrapes")
    # What was under way when it died may be counted and not answered, or the other way round.
    assert abs(lost) <= callers
    assert value_of(scrape(server), "modelpack_requests_in_flight") == 1  # the scrape itself


def _predicted(counts: dict[tuple[str, str], int]) -> int:
    return sum(count for (route, _), count in counts.items() if route == contract.INVOCATIONS)


def _scrape_somehow(server: ServerProcess) -> dict[str, Metric]:
    while True:
        try:
            return scrape(server)
        except (OSError, http.client.HTTPException):
            time.sleep(0.01)  # it was connected to the one that died
