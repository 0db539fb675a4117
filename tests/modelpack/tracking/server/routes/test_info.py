"""What a server says about itself."""

from pathlib import Path

import pytest

from modelpack._version import __version__
from tests.modelpack.tracking.server.kit import Asking, refusal, served


def test_it_lives_and_is_ready_and_has_a_version(ask: Asking) -> None:
    assert ask.client.get("/health").text == "OK"
    assert ask.client.get("/ready").json() == {"ready": True}
    assert ask.client.get("/version").text == __version__
    assert ask.client.head("/health").status_code == 200


@pytest.mark.parametrize("prefix", ["/api/3.0/mlflow/", "/ajax-api/3.0/mlflow/"])
def test_it_promises_nothing_that_it_cannot_do(ask: Asking, prefix: str) -> None:
    told = ask.get(f"{prefix}server-info")
    assert told["store_type"] == "SqlStore"
    assert told["workspaces_enabled"] is False
    assert told["multipart_uploads_enabled"] is False
    assert told["artifact_serving_enabled"] is True


def test_it_is_not_ready_on_its_way_out(tmp_path: Path) -> None:
    with served(tmp_path, is_leaving=lambda: True) as client:
        answer = client.get("/ready")
        assert (answer.status_code, answer.json()["ready"]) == (503, False)
        assert answer.headers["connection"] == "close"
        assert client.get("/health").status_code == 200


def test_it_is_not_ready_without_its_tables_and_tells_strangers_no_more(tmp_path: Path) -> None:
    with served(tmp_path) as client:
        for file in tmp_path.glob("server.db*"):
            file.unlink()
        (tmp_path / "server.db").mkdir()
        answer = client.get("/ready")
        assert answer.status_code == 503
        assert str(tmp_path) not in answer.text


def test_traces_are_not_served(ask: Asking) -> None:
    assert refusal(ask.client.post("/api/3.0/mlflow/traces", json={}))[:2] == (404, "ENDPOINT_NOT_FOUND")
