"""Each request is one span with its parts, whichever way it takes."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import StatusCode

from serving.dataplane import INLINE_BYTES
from serving.tracing.naming import Named
from tests.serving.kit import JSON, House, add, house, served, split
from tests.serving.run.test_express import BODY, HEAD, World, play, request, until
from tests.serving.tracing.kit import PARENT, UNSAMPLED, Kept, ids, keeping, parent, parent_of, plain

TRACED = HEAD + f"traceparent: {PARENT}\r\n"


@pytest.fixture
def kept() -> Iterator[Kept]:
    with keeping() as kept:
        yield kept


def asked(kept: Kept, folder: Path, *requests: tuple[str, str, Any, Mapping[str, str]], **more: Any) -> House:
    """An application that is asked each of *requests*."""
    with house(folder, tracing=kept.tracing, **more) as home:
        for method, path, body, headers in requests:
            content = body if isinstance(body, bytes | str) or body is None else json.dumps(body)
            home.client.request(method, path, content=content, headers=dict(headers))
    return home


def test_a_request_is_told_in_the_conventions_words(kept: Kept, tmp_path: Path) -> None:
    headers = {**JSON, "traceparent": PARENT, "tracestate": "a=1,b=2", "x-request-id": "name-of-it"}
    home = asked(kept, tmp_path, ("POST", "/invocations?x=1", split([1, 2]), headers))
    (span,) = kept.servers
    assert span.name == "POST /invocations"
    assert parent_of(span) == PARENT
    assert span.context is not None
    assert span.context.trace_state.to_header() == "a=1,b=2"
    assert span.status.status_code is StatusCode.UNSET
    assert plain(span) == {
        "http.request.method": "POST",
        "http.route": "/invocations",
        "http.response.status_code": 200,
        "url.path": "/invocations",
        "url.scheme": "http",
        "server.address": "localhost",
        "network.protocol.version": "1.1",
        "modelpack.request_id": "name-of-it",
    }
    parts = kept.parts(span)
    assert set(parts) == {"decode", "wait", "predict", "encode"}
    assert plain(parts.pop("predict")) == {
        "modelpack.model.name": "sum",
        "modelpack.model.version": "3",
        "modelpack.model.digest": "sha256:" + "0" * 64,
        "modelpack.batch.requests": 1,
        "modelpack.rows": 1,
        "modelpack.engine": "native",
    }
    assert all(plain(part) == {} for part in parts.values())
    (line,) = home.log()
    assert (line["trace_id"], line["span_id"]) == ids(span)


def test_the_parts_follow_each_other_within_the_request(kept: Kept, tmp_path: Path) -> None:
    large = b'{"dataframe_split":{"columns":["a","b"],"data":[' + b",".join([b"[1,2]"] * 9000) + b"]}}"
    assert len(large) > INLINE_BYTES
    asked(
        kept, tmp_path, ("POST", "/invocations", split([1, 2]), JSON), ("POST", "/invocations", large, JSON)
    )
    orders = []
    for span in kept.servers:
        parts = sorted(kept.parts(span).values(), key=lambda part: part.start_time or 0)
        moments = [moment or 0 for part in parts for moment in (part.start_time, part.end_time)]
        moments = [span.start_time or 0, *moments, span.end_time or 0]
        assert moments == sorted(moments)
        orders.append([part.name for part in parts])
    assert orders == [["decode", "wait", "predict", "encode"], ["wait", "decode", "predict", "encode"]]


def slow(data: Any, params: Mapping[str, Any]) -> Any:
    time.sleep(0.3)
    return add(data, params)


def failing(data: Any, params: Mapping[str, Any]) -> Any:
    raise RuntimeError(f"secret {data.columns['a'][0]}")


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "name"),
    [
        ("POST", "/invocations", "{", JSON, 400, "POST /invocations"),
        ("POST", "/invocations", split(["secret", 2]), JSON, 400, "POST /invocations"),
        ("POST", "/invocations", split([1, 2]), {"Host": "secret.example", **JSON}, 403, "POST"),
        ("GET", "/secret/path", None, {}, 404, "GET"),
        ("PUT", "/invocations", "", {}, 405, "PUT /invocations"),
        ("BREW", "/version", "", {}, 405, "HTTP /version"),
        ("POST", "/invocations", "x" * 2000, JSON, 413, "POST /invocations"),
        ("POST", "/invocations", "secret", {"Content-Type": "text/x"}, 415, "POST /invocations"),
        ("GET", "/version", None, {}, 200, "GET /version"),
        ("GET", "/v2/models/sum", None, {}, 200, "GET /v2/models/{model}"),
        ("POST", "/v2/models/other/infer", "{}", JSON, 404, "POST /v2/models/{model}/infer"),
    ],
)
def test_whatever_is_answered_is_one_span_without_a_value(
    kept: Kept,
    tmp_path: Path,
    method: str,
    path: str,
    body: Any,
    headers: dict[str, str],
    status: int,
    name: str,
) -> None:
    asked(kept, tmp_path, (method, path, body, headers), body_limit=1000)
    (span,) = kept.servers
    assert span.name == name
    assert plain(span)["http.response.status_code"] == status
    assert span.status.status_code is StatusCode.UNSET
    told = [{**plain(one), "url.path": "", "server.address": ""} for one in kept.spans]
    assert "secret" not in repr(told)
    assert not any(one.events for one in kept.spans)
    if method == "BREW":
        assert plain(span)["http.request.method_original"] == "BREW"


@pytest.mark.parametrize(
    ("function", "settings", "status"),
    [(failing, {}, 500), (slow, {"timeout": 0.05}, 504)],
    ids=["the model fails", "the model is slow"],
)
@pytest.mark.parametrize("rows", [1, 5000])
def test_an_error_of_the_server_is_one_and_so_is_the_part_in_which_it_came(
    kept: Kept, tmp_path: Path, function: Any, settings: dict[str, Any], status: int, rows: int
) -> None:
    body = split(*[[1, 2]] * rows)
    asked(kept, tmp_path, ("POST", "/invocations", body, JSON), model=served(function), **settings)
    (span,) = kept.servers
    assert (plain(span)["http.response.status_code"], plain(span)["error.type"]) == (status, str(status))
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    states = {name: part.status.status_code for name, part in kept.parts(span).items()}
    wanted = {"decode": StatusCode.UNSET, "wait": StatusCode.UNSET, "predict": StatusCode.ERROR}
    assert states == wanted
    assert "secret" not in repr([(plain(one), one.events) for one in kept.spans])


@pytest.mark.parametrize(
    "path",
    ["/ping", "/health", "/ready", "/metrics", "/v2/health/live", "/v2/health/ready", "/v2/models/sum/ready"],
)
def test_probes_are_not_followed(kept: Kept, tmp_path: Path, path: str) -> None:
    home = asked(kept, tmp_path, ("GET", path, None, {"traceparent": PARENT}), ("GET", "/version", None, {}))
    assert [span.name for span in kept.spans] == ["GET /version"]
    probe, other = home.log()
    assert "trace_id" not in probe
    assert "trace_id" in other


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        "no-trace",
        PARENT.upper(),
        PARENT[:-1],
        f"{PARENT}-more",
        PARENT.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
        f"00-{'g' * 32}-{'1' * 16}-01",
        f"cc{PARENT[2:]}-{'x' * 600}",
        "\xe9" * 55,
    ],
)
def test_a_malformed_context_is_ignored(
    kept: Kept, tmp_path: Path, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    raw = [(b"traceparent", header.encode("latin-1")), (b"content-type", b"application/json")]
    with house(tmp_path, tracing=kept.tracing) as home:
        status = home.client.post("/invocations", content=BODY, headers=raw).status_code
    assert status == 200
    (span,) = kept.servers
    assert span.parent is None
    assert not caplog.records


@pytest.mark.parametrize(
    ("headers", "is_child", "state"),
    [
        ([("traceparent", PARENT), ("traceparent", PARENT)], False, ""),
        ([("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")], True, "a=1,b=2"),
        ([("traceparent", PARENT), ("tracestate", f"a={'x' * 600}")], True, ""),
        ([("traceparent", PARENT), ("tracestate", "no state")], True, ""),
        ([("tracestate", "a=1")], False, ""),
        ([("TraceParent", PARENT)], True, ""),
        ([("traceparent", f"cc{PARENT[2:]}-of-the-future")], True, ""),
    ],
)
def test_the_context_is_read_as_w3c_says(
    kept: Kept, tmp_path: Path, headers: list[tuple[str, str]], is_child: bool, state: str
) -> None:
    with house(tmp_path, tracing=kept.tracing) as home:
        home.client.get("/version", headers=headers)
    (span,) = kept.servers
    assert (span.parent is not None) == is_child
    assert span.context is not None
    assert span.context.trace_state.to_header() == state


def test_what_the_caller_does_not_sample_is_named_in_the_log_alone(kept: Kept, tmp_path: Path) -> None:
    home = asked(
        kept,
        tmp_path,
        ("GET", "/version", None, {"traceparent": UNSAMPLED}),
        ("GET", "/version", None, {"traceparent": PARENT}),
    )
    assert [parent_of(span) for span in kept.servers] == [PARENT]
    first, second = home.log()
    assert first["trace_id"] == second["trace_id"] == PARENT[3:35]
    assert first["span_id"] != second["span_id"]


def test_the_sampler_decides_where_the_caller_says_nothing(tmp_path: Path) -> None:
    with keeping(ParentBased(ALWAYS_OFF)) as kept:
        asked(
            kept, tmp_path, ("GET", "/version", None, {}), ("GET", "/version", None, {"traceparent": PARENT})
        )
        assert [parent_of(span) for span in kept.servers] == [PARENT]


@pytest.mark.parametrize("is_quick", [True, False], ids=["at once", "in a thread"])
def test_the_short_way_is_followed_as_the_long_one(kept: Kept, is_quick: bool) -> None:
    async def scene(world: World) -> None:
        for head in (HEAD, TRACED):
            caller = await world.open()
            for _ in range(3):
                assert (await caller.ask(request(head=head)))[0] == 200
        assert world.long == 1
        await until(lambda: len(kept.servers) == 6)

    world = play(scene, is_quick=is_quick, tracing=kept.tracing)
    names = {"decode", "predict", "encode"} | (set() if is_quick else {"wait"})
    for span, line in zip(kept.servers, world.lines.kept, strict=True):
        assert span.name == "POST /invocations"
        assert set(kept.parts(span)) == names
        assert (line["trace_id"], line["span_id"]) == ids(span)
        assert line["request_id"] == plain(span)["modelpack.request_id"]
    assert [span.parent and parent_of(span) for span in kept.servers] == [None] * 3 + [PARENT] * 3
    alike = [{**plain(span), "modelpack.request_id": ""} for span in kept.servers]
    assert all(one == alike[0] for one in alike)
    assert len({ids(span) for span in kept.servers}) == 6


@pytest.mark.parametrize(
    ("lines", "is_short"),
    [
        ("traceparent: {}\r\n", True),
        ("TraceParent: {}\r\ntracestate: a=1,b=2\r\n", True),
        ("tracestate: a=1\r\ntraceparent: {}\r\n", True),
        ("traceparent: {}\r\ntraceparent: {}\r\n", True),
        ("traceparent:{}\r\n", False),
        ("traceparent: {}-more\r\n", False),
        ("traceparent: {}\r\n folded: yes\r\n", False),
        ("traceparent: {}\r\ntracestate: a=1 b=2\r\n", False),
        ("traceparent: {}\r\ntracestate: a=" + "x" * 511 + "\r\n", False),
        ("traceparent: {}\r\nx-other: 1\r\n", False),
    ],
)
def test_callers_who_are_followed_take_the_short_way_with_another_context_each_time(
    kept: Kept, lines: str, is_short: bool
) -> None:
    async def scene(world: World) -> None:
        caller = await world.open()
        assert (await caller.ask(request()))[0] == 200
        for number in range(3):
            head = HEAD + lines.replace("{}", parent(number))
            status, _, body = await caller.ask(request(head=head))
            assert status == (400 if "folded" in lines else 200)
            if status != 200:
                caller = await world.open()
                continue
            assert json.loads(body) == {"predictions": [3.0]}

    world = play(scene, tracing=kept.tracing)
    if "folded" in lines:
        return
    assert (world.long == 1) == is_short
    told = [span.parent and parent_of(span) for span in kept.servers]
    is_child = lines.count("{}") == 1 and "more" not in lines
    assert told == [None, *(parent(number) if is_child else None for number in range(3))]


def test_refusals_on_the_short_way_are_followed(kept: Kept) -> None:
    async def scene(world: World) -> None:
        caller = await world.open()
        for body in (BODY, b"x" * len(BODY), BODY):
            await caller.ask(request(body))
        world.plane.close()
        assert (await caller.ask(request()))[0] == 503
        assert (await (await world.open()).ask(b"no HTTP\r\n\r\n"))[0] == 400

    play(scene, tracing=kept.tracing)
    told = [(span.name, plain(span)["http.response.status_code"]) for span in kept.servers]
    usual = "POST /invocations"
    assert told == [(usual, 200), (usual, 400), (usual, 200), (usual, 503), ("HTTP", 400)]


def test_a_failure_on_the_short_way_is_told_with_its_ids(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    fails = [False]

    def model(data: Any, params: Mapping[str, Any]) -> Any:
        return failing(data, params) if fails[0] else add(data, params)

    async def scene(world: World) -> None:
        caller = await world.open()
        assert (await caller.ask(request()))[0] == 200
        fails[0] = True
        assert (await caller.ask(request()))[0] == 500

    play(scene, served(model), tracing=kept.tracing)
    (record,) = [one for one in caplog.records if one.getMessage() == "a request failed"]
    span = kept.servers[-1]
    assert (record.__dict__["trace_id"], record.__dict__["span_id"]) == ids(span)
    assert span.status.status_code is StatusCode.ERROR
    assert kept.parts(span)["predict"].status.status_code is StatusCode.ERROR


def test_those_who_share_a_call_keep_their_own_parents(kept: Kept) -> None:
    gate = threading.Event()

    def held(data: Any, params: Mapping[str, Any]) -> Any:
        assert gate.wait(10)
        return add(data, params)

    async def scene(world: World) -> None:
        callers = [await world.open() for _ in range(9)]
        for number, caller in enumerate(callers):
            caller.send(request(head=f"{HEAD}traceparent: {parent(number)}\r\n"))
        await until(lambda: world.plane.batcher.inside == 9)
        gate.set()
        await asyncio.gather(*(caller.hear() for caller in callers))

    play(scene, served(held), is_quick=False, tracing=kept.tracing)
    assert sorted(map(parent_of, kept.servers)) == sorted(map(parent, range(9)))
    sizes = [plain(kept.parts(span)["predict"])["modelpack.batch.requests"] for span in kept.servers]
    assert sorted(sizes) == [1, 4, 4, 4, 4, 4, 4, 4, 4]
    waits = {
        (part.end_time or 0) - (part.start_time or 0) > 1_000_000
        for span, size in zip(kept.servers, sizes, strict=True)
        if size == 4
        for name, part in kept.parts(span).items()
        if name == "wait"
    }
    assert waits == {True}


def test_those_who_share_a_call_on_the_event_loop_keep_theirs(kept: Kept) -> None:
    async def scene(world: World) -> None:
        callers = [await world.open() for _ in range(5)]
        heads = [f"{HEAD}traceparent: {parent(number)}\r\n" for number in range(5)]
        for caller, head in zip(callers, heads, strict=True):
            await caller.ask(request(head=head))
        for caller, head in zip(callers, heads, strict=True):
            caller.send(request(head=head))
        await asyncio.gather(*(caller.hear() for caller in callers))

    world = play(scene, tracing=kept.tracing)
    assert [parent_of(span) for span in kept.servers[:5]] == [parent(number) for number in range(5)]
    assert sorted(parent_of(span) for span in kept.servers[5:]) == [parent(number) for number in range(5)]
    batches = [plain(kept.parts(span)["predict"])["modelpack.batch.requests"] for span in kept.servers]
    assert batches == [line["batch"] for line in world.lines.kept]


@pytest.mark.parametrize("sent", [PARENT, UNSAMPLED])
def test_what_a_models_own_code_tells_belongs_to_the_request(
    kept: Kept, tmp_path: Path, sent: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []

    def model(data: Any, params: Mapping[str, Any]) -> Any:
        with kept.tracer.start_as_current_span("own"):
            seen.append(trace.get_current_span().get_span_context())
            logging.getLogger("model").warning("own words")
        return add(data, params)

    caplog.handler.addFilter(named := Named())
    try:
        headers = {**JSON, "traceparent": sent}
        asked(kept, tmp_path, ("POST", "/invocations", split([1, 2]), headers), model=served(model))
    finally:
        caplog.handler.removeFilter(named)
    assert trace.get_current_span().get_span_context().is_valid is False
    (record,) = [one for one in caplog.records if one.getMessage() == "own words"]
    if sent == UNSAMPLED:
        assert not kept.spans
    else:
        (span,) = kept.servers
        own = kept.parts(span)["own"]
        assert own.context == seen[0]
        assert (record.__dict__["trace_id"], record.__dict__["span_id"]) == ids(own)
    assert record.__dict__["trace_id"] == sent[3:35]
