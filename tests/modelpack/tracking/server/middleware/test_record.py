"""One name, one count and one line for each request."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelpack.logs import Lines
from modelpack.tracking.server.call import Caller
from tests.modelpack.tracking.server.kit import API, served


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Any]:
    """A client, and a function that ends its server's log and gives its lines."""
    file = tmp_path / "lines"
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY, 0o600)
    lines = Lines(descriptor)

    def read() -> list[str]:
        lines.close(10)
        return file.read_text().splitlines()

    with served(tmp_path, lines=lines, check={"good": Caller("ann")}.get) as client:
        yield client, read
    os.close(descriptor)


def test_a_line_has_the_facts_of_a_request(told: Any) -> None:
    client, read = told
    headers = {"Authorization": "Bearer good", "X-Request-Id": "abc-1"}
    answer = client.get(f"{API}experiments/get?experiment_id=0", headers=headers)
    assert answer.headers["x-request-id"] == "abc-1"
    (line,) = read()
    facts = json.loads(line)
    assert facts.pop("time").endswith("Z")
    assert facts.pop("ms") > 0
    assert facts == {
        "event": "request",
        "method": "GET",
        "path": f"{API}experiments/get",
        "route": f"{API}experiments/get",
        "status": 200,
        "request_id": "abc-1",
        "user": "ann",
        "client": "testclient",
        "bytes_in": 0,
        "bytes_out": len(answer.content),
    }


def test_what_callers_choose_is_escaped_and_no_secret_is_written(told: Any) -> None:
    client, read = told
    client.get(
        "/%1b%5b31m%0d%0aGET%20/forged", headers={"X-Request-Id": "a\tb", "Authorization": "Bearer secret"}
    )
    client.request("BR\x7fEW".replace("\x7f", "X"), "/x")
    client.get("/health?token=secret")
    lines = read()
    assert len(lines) == 3
    for line in lines:
        assert line.isascii()
        assert line.isprintable()
        assert "secret" not in line
        assert len(json.loads(line)["request_id"]) == 32
    assert json.loads(lines[1])["method"] == "other"


def test_every_request_is_counted_by_its_route_and_not_by_its_path(tmp_path: Path) -> None:
    with served(tmp_path) as client:
        for place in range(7):
            client.get(f"{API}experiments/get?experiment_id={place}")
            client.get(f"/nowhere/{place}")
            client.get(f"{API}logged-models/m-{place}")
        text = client.get("/metrics").text
    assert _count(text, "GET", f"{API}experiments/get", 200) == 1
    assert _count(text, "GET", f"{API}experiments/get", 404) == 6
    assert _count(text, "GET", "(none)", 404) == 7
    assert _count(text, "GET", f"{API}logged-models/{{model_id}}", 404) == 7
    assert "m-3" not in text
    assert 'modelpack_request_duration_seconds_count{route="(none)"} 7.0' in text
    assert "modelpack_requests_in_flight 1.0" in text


def _count(text: str, method: str, route: str, status: int) -> float:
    start = f'modelpack_requests_total{{method="{method}",route="{route}",status="{status}"}} '
    (line,) = (one for one in text.splitlines() if one.startswith(start))
    return float(line.removeprefix(start))


def test_the_metrics_are_in_the_form_that_they_say(tmp_path: Path) -> None:
    with served(tmp_path) as client:
        answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
