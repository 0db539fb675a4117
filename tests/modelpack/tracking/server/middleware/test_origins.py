"""Pages that may ask through a browser."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.modelpack.tracking.server.kit import API, refusal, served

PATH = f"{API}experiments/get?experiment_id=0"
FRIEND = "https://notebooks.example.com"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with served(tmp_path_factory.mktemp("server"), allowed_origins=(FRIEND,)) as found:
        yield found


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://localhost.evil.com",
        "http://127.0.0.1@evil",
        "http://localhost:5001",
        "https://evil.com",
        "http://localhost",
        "http://localhost:5000.evil.com",
        "localhost:5000",
        "https://notebooks.example.com.evil.com",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_page_of_another_site_is_refused(client: TestClient, origin: str, method: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = client.request(method, PATH, headers=headers)
    assert refusal(answer)[:2] == (403, "PERMISSION_DENIED")
    assert "access-control-allow-origin" not in answer.headers


def test_two_origins_are_refused(client: TestClient) -> None:
    answer = client.get(PATH, headers=[("Origin", FRIEND), ("Origin", FRIEND)])
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["http://localhost:5000", "https://localhost:5000"])
def test_a_page_of_its_own_may_ask(client: TestClient, origin: str) -> None:
    assert client.get(PATH, headers={"Origin": origin}).status_code == 200


def test_a_page_of_a_friend_may_ask_and_read_the_answer(client: TestClient) -> None:
    answer = client.get(PATH, headers={"Origin": FRIEND})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert answer.headers["vary"] == "Origin"
    asked = {"Origin": FRIEND, "Access-Control-Request-Method": "POST"}
    before = client.options(PATH, headers=asked)
    assert before.status_code == 204
    assert "authorization" in before.headers["access-control-allow-headers"]


@pytest.mark.parametrize(
    ("method", "site", "mode", "status"),
    [
        ("GET", "cross-site", "no-cors", 403),
        ("GET", "same-site", "no-cors", 403),
        ("POST", "cross-site", "navigate", 403),
        ("GET", "cross-site", "navigate", 200),
        ("GET", "same-origin", "cors", 200),
        ("GET", "none", "navigate", 200),
    ],
)
def test_what_a_browser_says_of_a_request_without_origin_counts(
    client: TestClient, method: str, site: str, mode: str, status: int
) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
    assert client.request(method, PATH, headers=headers).status_code == status
