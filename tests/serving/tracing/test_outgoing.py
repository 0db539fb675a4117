"""Requests that the server itself sends for a request carry its trace; others carry nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from modelpack.errors import StoreUnavailable
from modelpack.remote.address import ServerAddress
from modelpack.remote.answers import Refused
from modelpack.remote.http import Http
from modelpack.remote.patience import Patience
from serving.standing import Standing, Watch
from tests.modelpack.remote.faulty import PROXY, Fault, Faulty, serve
from tests.serving.tracing.kit import PARENT, Kept, keeping, parent_of, plain


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Faulty]:
    (tmp_path / "file").write_bytes(b"content")
    with serve(tmp_path) as registry:
        yield registry


@pytest.fixture
def http(registry: Faulty) -> Iterator[Http]:
    client = Http(ServerAddress.parse(registry.url), {}, patience=Patience(total=0.1))
    yield client
    client.close()


@pytest.fixture
def kept() -> Iterator[Kept]:
    with keeping() as kept:
        yield kept


def test_a_question_to_the_registry_belongs_to_the_request_for_which_it_is_asked(
    kept: Kept, http: Http, registry: Faulty
) -> None:
    subject = kept.tracing.http(
        {
            "raw_path": b"/",
            "method": "GET",
            "scheme": "http",
            "http_version": "1.1",
            "headers": [(b"traceparent", PARENT.encode())],
        }
    )
    assert subject is not None
    trace = kept.tracing.begin(subject, 0.0)

    def ask(name: str, version: int) -> Standing:
        assert (name, version) == ("churn", 3)
        http.ask("GET", f"{PROXY}/file")
        with http.read(f"{PROXY}/file") as piece:
            assert b"".join(piece.chunks) == b"content"
        return Standing(stage="Production")

    watch = Watch("churn", 3, Standing(), ask=kept.tracing.asking(ask))
    with kept.tracing.inside(trace):
        assert watch.now.stage == ""
    watch.wait(10)
    assert watch.now.stage == "Production"
    *sent, question = kept.spans
    assert (question.name, parent_of(question)) == ("registry", f"00-{trace.trace_id}-{trace.span_id}-01")
    assert len(sent) == len(registry.asked) == 2
    for span, request in zip(sent, registry.asked, strict=True):
        assert (span.name, span.kind, span.parent) == ("GET", SpanKind.CLIENT, question.context)
        assert span.context is not None
        assert request.headers["traceparent"] == f"00-{trace.trace_id}-{span.context.span_id:016x}-01"
        attributes = plain(span)
        assert attributes.pop("server.port") == int(registry.url.rpartition(":")[2])
        assert attributes == {
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "server.address": "127.0.0.1",
            "url.full": f"{registry.url}{PROXY}/file",
        }


def test_a_question_that_fails_is_an_error_and_tells_no_words(
    kept: Kept, http: Http, registry: Faulty
) -> None:
    registry.faults["file"] = [Fault(status=404, body=b'{"error_code": "X", "message": "secret"}')]
    with pytest.raises(Refused):
        kept.tracing.asking(http.ask)("GET", f"{PROXY}/file")
    away = Http(ServerAddress.parse("http://user:secret@127.0.0.1:1"), {}, patience=Patience(total=0.1))
    with pytest.raises(StoreUnavailable):
        kept.tracing.asking(away.ask)("GET", "/x")
    away.close()
    assert all(span.status.status_code is StatusCode.ERROR for span in kept.spans)
    assert [plain(span)["error.type"] for span in kept.spans] == [
        "404",
        "Refused",
        "ConnectError",
        "StoreUnavailable",
    ]
    assert "secret" not in repr([(plain(span), span.status.description, span.events) for span in kept.spans])


def test_nothing_is_added_where_nobody_follows(kept: Kept, http: Http, registry: Faulty) -> None:
    http.ask("GET", f"{PROXY}/file")
    kept.tracing.asking(http.ask)("GET", f"{PROXY}/file")
    http.ask("GET", f"{PROXY}/file")
    assert ["traceparent" in request.headers for request in registry.asked] == [False, True, False]
