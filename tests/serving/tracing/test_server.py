"""Real servers, and a real collector that takes what they tell, or does not."""

import contextlib
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import modelpack
from tests.serving.grpc.kit import calling, pair
from tests.serving.kit import JSON, NUMBERS, ServerProcess, raw, serving, split
from tests.serving.saved import magic
from tests.serving.tracing.collector import Collector, Span, collecting, environ
from tests.serving.tracing.kit import parent

SECRET = "open-sesame"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traced") / "magic"
    modelpack.save(magic, folder, signature=NUMBERS)
    return folder


@pytest.fixture(scope="module")
def pair_of_both(
    model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServerProcess, Collector]]:
    """A server of two processes, and its collector."""
    words = ["-m", str(model), "--trust", "pickle", "-w", "2", "--grpc-port", "0", "--body-limit", "2000"]
    with collecting() as collector:
        told = environ(collector, OTEL_EXPORTER_OTLP_HEADERS=f"api-key={SECRET}")
        with serving(tmp_path_factory.mktemp("server"), *words, "--linger", "0", environ=told) as server:
            with contextlib.ExitStack() as held:
                # Who has fewer connections takes the next one.
                while len({span.resource["process.pid"] for span in collector.spans}) < 2:
                    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
                    held.callback(connection.close)
                    connection.request("GET", "/version")
                    connection.getresponse().read()
                    time.sleep(0.1)
            yield server, collector


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def parent_of(span: Span) -> str:
    return f"00-{span.trace_id}-{span.parent_id}-01"


def test_each_of_many_requests_is_told_once_by_whichever_process(
    pair_of_both: tuple[ServerProcess, Collector],
) -> None:
    server, collector = pair_of_both
    callers, requests = 8, 40
    answers: dict[str, tuple[int, str]] = {}

    def ask(caller: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for number in range(requests):
            sent = parent(1000 + caller * requests + number)
            body = json.dumps(split([caller, number] if number % 10 else [-2, 0]))
            connection.request("POST", "/invocations", body, {**JSON, "traceparent": sent})
            response = connection.getresponse()
            response.read()
            answers[sent] = response.status, response.headers["x-request-id"]
        connection.close()

    threads = [threading.Thread(target=ask, args=(caller,)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    def told() -> list[Span]:
        return collector.servers(http__route="/invocations")

    assert len(answers) == callers * requests
    assert {status for status, _ in answers.values()} == {200, 400}
    collector.wait(lambda: len(told()) >= len(answers))
    time.sleep(0.3)
    assert len(told()) == len(answers)
    seen = {
        parent_of(span): (
            span.attributes["http.response.status_code"],
            span.attributes["modelpack.request_id"],
        )
        for span in told()
    }
    assert seen == answers
    for span in collector.servers(http__route="/invocations", http__response__status_code=200):
        assert list(collector.children(span)) == ["decode", "wait", "predict", "encode"]
    assert {span.resource["process.pid"] for span in told()} == set(server.children())
    assert len({span.resource["service.instance.id"] for span in collector.spans}) == 2
    assert {span.resource["service.name"] for span in collector.spans} == {"magic"}
    logged = {line["request_id"]: (line["trace_id"], line["span_id"]) for line in lines_of(server.log)}
    for span in told():
        assert logged[span.attributes["modelpack.request_id"]] == (span.trace_id, span.span_id)


def test_calls_over_grpc_are_told_in_their_own_words(pair_of_both: tuple[ServerProcess, Collector]) -> None:
    server, collector = pair_of_both
    sent = parent(1)
    with calling(server.grpc_port) as caller:
        caller.ask("ServerLive")
        caller.ask("ModelInfer", pair(1, 2), metadata=(("traceparent", sent), ("x-request-id", "by-grpc")))
        assert caller.refused("ModelInfer", b"no message")[0] == "INVALID_ARGUMENT"
        assert caller.refused("ModelInfer", pair(-3, 2))[0] == "INTERNAL"
    name = "inference.GRPCInferenceService/ModelInfer"
    collector.wait(lambda: len(collector.servers(rpc__system__name="grpc")) >= 3)
    good, wrong, failed = sorted(collector.servers(rpc__system__name="grpc"), key=lambda span: span.begun)
    assert {one.name for one in (good, wrong, failed)} == {name}
    assert parent_of(good) == sent
    assert good.attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": name,
        "rpc.response.status_code": "OK",
        "modelpack.request_id": "by-grpc",
    }
    assert list(collector.children(good)) == ["decode", "wait", "predict", "encode"]
    assert (wrong.attributes["error.type"], wrong.state) == ("INVALID_ARGUMENT", "unset")
    assert (failed.attributes["error.type"], failed.state) == ("INTERNAL", "error")
    assert not collector.servers(**{"rpc.method": "inference.GRPCInferenceService/ServerLive"})
    (line,) = [one for one in lines_of(server.log) if one["request_id"] == "by-grpc"]
    assert (line["trace_id"], line["span_id"]) == (good.trace_id, good.span_id)


def test_refusals_are_told_and_what_they_log_bears_their_ids(
    pair_of_both: tuple[ServerProcess, Collector],
) -> None:
    server, collector = pair_of_both
    assert server.call("POST", "/invocations", "x" * 3000, {**JSON, "x-request-id": "r-413"})[0] == 413
    assert (
        server.call("POST", "/invocations", "x", {"Content-Type": "a/b", "x-request-id": "r-415"})[0] == 415
    )
    body = json.dumps(split([-3, 0]))
    assert server.call("POST", "/invocations", body, {**JSON, "x-request-id": "r-500"})[0] == 500
    assert raw(server.port, b"no HTTP\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    found = {}
    for status in (413, 415, 500):
        name = f"r-{status}"
        (found[status],) = collector.wait(partial(collector.servers, modelpack__request_id=name))
        assert found[status].attributes["http.response.status_code"] == status
    (unread,) = collector.wait(lambda: collector.servers(http__request__method="_OTHER"))
    assert (unread.name, unread.attributes["http.response.status_code"]) == ("HTTP", 400)
    (event,) = [one for one in lines_of(server.events) if one.get("request_id") == "r-500"]
    assert (event["trace_id"], event["span_id"]) == (found[500].trace_id, found[500].span_id)
    assert "secret of" in event["traceback"]
    assert "secret of" not in repr(collector.spans)


def test_the_collectors_key_reaches_the_collector_alone(
    pair_of_both: tuple[ServerProcess, Collector],
) -> None:
    server, collector = pair_of_both
    server.score(split([1, 2]))
    collector.wait(lambda: collector.headers)
    assert {headers["api-key"] for headers in collector.headers} == {SECRET}
    assert SECRET not in server.log + server.events + repr(collector.spans)
    assert '"traces are exported"' in server.events


def imported(server: ServerProcess) -> set[str]:
    """The packages that the processes of *server* have imported, as Python itself tells."""
    return set(re.findall(r"^import time:[^|]*\|[^|]*\|\s*([A-Za-z0-9_]+)", server.events, re.MULTILINE))


def test_what_is_not_told_yet_leaves_with_the_server(model: Path, tmp_path: Path) -> None:
    with collecting() as collector:
        said = environ(
            collector,
            OTEL_BSP_SCHEDULE_DELAY="60000",
            OTEL_SERVICE_NAME="mine",
            OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test,service.version=9,service.name=other",
            OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
            OTEL_TRACES_EXPORTER="otlp,console",
            OTEL_TRACES_SAMPLER="parentbased_always_off",
            PYTHONPROFILEIMPORTTIME="1",
        )
        words = ("-m", str(model), "--trust", "pickle", "--linger", "0")
        with serving(tmp_path, *words, environ=said) as server:
            for number in range(5):
                headers = {**JSON, **({"traceparent": parent(number)} if number % 2 else {})}
                assert server.call("POST", "/invocations", json.dumps(split([1, 2])), headers)[0] == 200
            assert not collector.spans
            started = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - started < 4
    assert sorted(map(parent_of, collector.servers())) == [parent(1), parent(3)]
    wanted = {"service.name": "mine", "service.version": "9", "deployment.environment.name": "test"}
    assert wanted.items() <= collector.spans[0].resource.items()
    lines = lines_of(server.log)
    requests = [line for line in lines if line.get("event") == "request"]
    assert len(requests) == 5
    assert all("trace_id" in line for line in requests)
    named = {line["context"]["span_id"][2:] for line in lines if "context" in line}
    assert named == {span.span_id for span in collector.spans}
    assert {"opentelemetry", "requests"} <= imported(server)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({}, id="nothing"),
        pytest.param(
            {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"},
            id="disabled",
            marks=pytest.mark.long,
        ),
    ],
)
def test_without_the_operators_word_nothing_of_it_is_imported(
    model: Path, tmp_path: Path, said: dict[str, str]
) -> None:
    words = ("-m", str(model), "--trust", "pickle", "--linger", "0")
    with serving(tmp_path, *words, environ={**said, "PYTHONPROFILEIMPORTTIME": "1"}) as server:
        headers = {**JSON, "traceparent": parent(1)}
        status, answered, _ = server.call("POST", "/invocations", json.dumps(split([1, 2])), headers)
        assert status == 200
        assert "traceparent" not in answered
        assert server.stop() == 0
    (line,) = lines_of(server.log)
    assert "trace_id" not in line
    assert "uvicorn" in imported(server)
    assert not {"opentelemetry", "requests"} & imported(server)


@pytest.mark.parametrize(
    "how",
    [
        "hangs",
        pytest.param("refuses", marks=pytest.mark.long),
        pytest.param("fails", marks=pytest.mark.long),
    ],
)
def test_a_collector_that_takes_nothing_disturbs_nobody(model: Path, tmp_path: Path, how: str) -> None:
    with collecting() as collector, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}" if how == "refuses" else collector.url
        if how == "hangs":
            collector.hangs.set()
        collector.status = 503
        said = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{SECRET}",
            "OTEL_BSP_SCHEDULE_DELAY": "20",
            "OTEL_BSP_MAX_QUEUE_SIZE": "64",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "32",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        }
        words = ("-m", str(model), "--trust", "pickle", "--linger", "0", "--drain", "1")
        with serving(tmp_path, *words, environ=said) as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
            slowest = 0.0
            for _ in range(300):
                started = time.monotonic()
                connection.request("POST", "/invocations", json.dumps(split([1, 2])), JSON)
                assert json.loads(connection.getresponse().read()) == {"predictions": [3.0]}
                slowest = max(slowest, time.monotonic() - started)
            connection.close()
            assert slowest < 1
            started = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - started < 3
        if how == "fails":
            assert collector.posts
        assert not collector.spans
    events = [
        one
        for one in lines_of(server.events)
        if one.get("logger", "").startswith(("opentelemetry", "urllib3"))
    ]
    # It is news, but only once in a while.
    assert 1 <= len(events) <= 6
    assert "traceback" not in server.events
    assert SECRET not in server.events + server.log
    assert len(lines_of(server.log)) == 300


@pytest.mark.long
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("OTEL_BSP_SCHEDULE_DELAY", "0", "traces cannot be set up: schedule_delay_millis"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "x", "traces cannot be set up: OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
        ("OTEL_PROPAGATORS", "nonsense", "traces cannot be set up: Propagator nonsense"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "x", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is no address"),
    ],
)
def test_what_the_sdk_does_not_take_ends_the_server_with_one_line(
    model: Path, tmp_path: Path, workers: str, variable: str, value: str, said: str
) -> None:
    words = ("-m", str(model), "--trust", "pickle", "-w", workers)
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", variable: value}
    with serving(tmp_path, *words, environ=told, wait=False) as server:
        assert server.process.wait(30) in (1, 3)
    errors = [line for line in server.events.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert errors[0].startswith(f"Error: {said}")
    assert "Traceback" not in server.events
