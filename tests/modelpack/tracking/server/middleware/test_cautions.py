"""What browsers are told to leave alone."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.modelpack.tracking.server.kit import API, served


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with served(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.mark.parametrize("path", ["/health", "/nowhere", f"{API}experiments/get?experiment_id=0", "/metrics"])
def test_every_answer_is_guarded_against_browsers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]


def test_answers_of_the_api_are_not_kept_by_caches(client: TestClient) -> None:
    for path in ("/nowhere", f"{API}experiments/get?experiment_id=0"):
        assert client.get(path).headers["cache-control"] == "no-store"
