"""Logged models over REST: told as clients of MLflow 3 read them, and refused in its words."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from modelpack.tracking.server.call import Caller
from tests.modelpack.tracking.server.kit import API, served

ABSENT = "m-" + "0" * 32


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server that knows everybody as ada."""
    folder = tmp_path_factory.mktemp("server")
    with served(folder, check=lambda secret: Caller("ada")) as opened:
        opened.headers["Authorization"] = "Bearer anything"
        yield opened


def ask(client: TestClient, method: str, path: str, **given: Any) -> dict[str, Any]:
    """What is answered with 200."""
    response = client.request(method, f"{API}{path}", json=given if method != "GET" else None)
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


def refused(client: TestClient, method: str, path: str, **given: Any) -> tuple[int, str, str]:
    """The status, the code and the words of a no."""
    response = client.request(method, f"{API}{path}", json=given if method != "GET" else None)
    told = response.json()
    return response.status_code, told["error_code"], told["message"]


def make(client: TestClient, **given: Any) -> str:
    """The id of a new model."""
    told = ask(client, "POST", "logged-models", experiment_id="0", **given)
    model_id: str = told["model"]["info"]["model_id"]
    return model_id


def test_a_model_is_told_as_it_becomes_ready(client: TestClient) -> None:
    told = ask(
        client,
        "POST",
        "logged-models",
        experiment_id="0",
        name="forest",
        model_type="classifier",
        params=[{"key": "depth", "value": "4"}],
        tags=[{"key": "team", "value": "growth"}],
    )["model"]
    info = told["info"]
    assert info["artifact_uri"] == f"mlflow-artifacts:/runs/0/models/{info['model_id']}/artifacts"
    assert (info["status"], info["name"], info["model_type"]) == (
        "LOGGED_MODEL_PENDING",
        "forest",
        "classifier",
    )
    assert (info["tags"], told["data"]["params"]) == (
        [{"key": "team", "value": "growth"}],
        [{"key": "depth", "value": "4"}],
    )
    place = f"logged-models/{info['model_id']}"
    for status in ("LOGGED_MODEL_READY", 2):
        ready = ask(client, "PATCH", place, status=status)["model"]["info"]
        assert ready["status"] == "LOGGED_MODEL_READY"
    assert ask(client, "GET", place)["model"]["info"] == ready


def test_who_made_it_is_not_told_where_clients_want_a_number(client: TestClient) -> None:
    told = ask(client, "GET", f"logged-models/{make(client, name='mine')}")["model"]["info"]
    assert "creator_id" not in told
    assert told["modelpack"] == {"user": "ada"}


def test_a_deleted_model_is_told_to_those_who_ask_for_it(client: TestClient) -> None:
    place = f"logged-models/{make(client, name='gone')}"
    assert ask(client, "DELETE", place) == {}
    assert refused(client, "GET", place)[0] == 404
    assert ask(client, "GET", f"{place}?allow_deleted=true")["model"]["info"]["name"] == "gone"


def test_tags_and_params_are_added_and_tags_taken_away(client: TestClient) -> None:
    place = f"logged-models/{make(client, name='noted')}"
    ask(client, "PATCH", f"{place}/tags", tags=[{"key": "a/b", "value": "1"}, {"key": "c", "value": "2"}])
    ask(client, "POST", f"{place}/params", params=[{"key": "p", "value": "3"}])
    ask(client, "DELETE", f"{place}/tags/a/b")
    told = ask(client, "GET", place)["model"]
    assert told["info"]["tags"] == [{"key": "c", "value": "2"}]
    assert told["data"]["params"] == [{"key": "p", "value": "3"}]
    status, code, said = refused(client, "DELETE", f"{place}/tags/a/b")
    assert (status, code) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert said.startswith("No tag with key 'a/b' found for model with ID 'm-")


def test_models_are_found_page_by_page(client: TestClient) -> None:
    for number in range(3):
        make(client, name="found", params=[{"key": "number", "value": str(number)}])
    asked = {
        "experiment_ids": ["0"],
        "filter": "name = 'found'",
        "order_by": [{"field_name": "creation_timestamp", "ascending": True}],
        "max_results": 2,
    }
    page = ask(client, "POST", "logged-models/search", **asked)
    rest = ask(client, "POST", "logged-models/search", **asked, page_token=page["next_page_token"])
    numbers = [one["data"]["params"][0]["value"] for one in page["models"] + rest["models"]]
    assert numbers == ["0", "1", "2"]
    assert "next_page_token" not in rest


def test_what_a_run_made_and_measured_is_told_with_both(client: TestClient) -> None:
    model_id = make(client, name="made")
    run_id = ask(client, "POST", "runs/create", experiment_id="0", start_time=1)["run"]["info"]["run_id"]
    for _ in range(2):
        ask(client, "POST", "runs/outputs", run_id=run_id, models=[{"model_id": model_id, "step": 3}])
    point = {"key": "f1", "value": 0.5, "timestamp": 7, "step": 3, "model_id": model_id}
    ask(client, "POST", "runs/log-batch", run_id=run_id, metrics=[point])
    run = ask(client, "GET", f"runs/get?run_id={run_id}")["run"]
    assert run["outputs"] == {"model_outputs": [{"model_id": model_id, "step": 3}]}
    (metric,) = ask(client, "GET", f"logged-models/{model_id}")["model"]["data"]["metrics"]
    assert metric == point | {"run_id": run_id}


def test_an_absent_model_is_told_in_mlflows_words(client: TestClient) -> None:
    said = f"Logged model with ID '{ABSENT}' not found."
    for method, path, given in (
        ("GET", "", {}),
        ("PATCH", "", {"status": "LOGGED_MODEL_READY"}),
        ("DELETE", "", {}),
        ("PATCH", "/tags", {"tags": [{"key": "a", "value": "b"}]}),
        ("DELETE", "/tags/a", {}),
        ("POST", "/params", {"params": [{"key": "a", "value": "b"}]}),
    ):
        met = refused(client, method, f"logged-models/{ABSENT}{path}", **given)
        assert met == (404, "RESOURCE_DOES_NOT_EXIST", said), (method, path)


STRANGE: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "logged-models", {}),
    ("POST", "logged-models", {"experiment_id": "0", "name": "a/b"}),
    ("POST", "logged-models", {"experiment_id": "0", "name": 5}),
    ("POST", "logged-models", {"experiment_id": "0", "params": {"a": "b"}}),
    ("POST", "logged-models", {"experiment_id": "0", "tags": [{"key": "k", "value": 5}]}),
    ("POST", "logged-models", {"experiment_id": "0", "source_run_id": "x" * 10_000}),
    ("POST", "logged-models", {"experiment_id": "77"}),
    ("PATCH", "logged-models/{id}", {}),
    ("PATCH", "logged-models/{id}", {"status": "DONE"}),
    ("PATCH", "logged-models/{id}", {"status": 9}),
    ("PATCH", "logged-models/{id}", {"status": True}),
    ("PATCH", "logged-models/{id}", {"status": ["LOGGED_MODEL_READY"]}),
    ("PATCH", "logged-models/{id}/tags", {"tags": "x"}),
    ("POST", "logged-models/search", {"experiment_ids": ["0"], "filter": "colour ="}),
    ("POST", "logged-models/search", {"experiment_ids": ["0"], "order_by": [{"field_name": "colour"}]}),
    ("POST", "logged-models/search", {"experiment_ids": ["0"], "order_by": ["name"]}),
    ("POST", "logged-models/search", {"experiment_ids": ["0"], "datasets": [{}]}),
    ("POST", "logged-models/search", {"experiment_ids": ["0"], "max_results": -1}),
    ("POST", "logged-models/search", {"experiment_ids": ["0"], "page_token": "none"}),
    ("POST", "runs/outputs", {"run_id": "0" * 32, "models": [{"model_id": ABSENT}]}),
    ("POST", "runs/outputs", {"models": [{"model_id": ABSENT}]}),
    ("POST", "runs/outputs", {"run_id": "0" * 32, "models": [{"step": 1}]}),
    ("POST", "runs/outputs", {"run_id": "0" * 32, "models": [{"model_id": "a b", "step": 1}]}),
    ("POST", "runs/outputs", {"run_id": "0" * 32, "models": [{"model_id": ABSENT, "step": "x"}]}),
]


@pytest.mark.parametrize(("method", "path", "given"), STRANGE, ids=lambda one: str(one)[:50])
def test_nothing_that_a_client_sends_makes_the_server_fail(
    client: TestClient, method: str, path: str, given: dict[str, Any]
) -> None:
    place = path.replace("{id}", make(client, name="strange")) if "{id}" in path else path
    assert refused(client, method, place, **given)[0] in (400, 404)
