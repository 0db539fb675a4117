"""The registry's REST API, as clients of MLflow's ask it: what is answered, and what is refused how."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import LogisticRegression
from starlette.testclient import TestClient

import modelpack
from modelpack.tracking.server.app import create_app
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.settings import ServerSettings

INVALID, MISSING, TAKEN = "INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"


class Api:
    """Asks the application, and answers what it said: a body, or a status and a code."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def get(self, path: str, **given: Any) -> dict[str, Any]:
        """The answer to a GET."""
        return self._told(self._client.get(_place(path), params=given))

    def post(self, path: str, **given: Any) -> dict[str, Any]:
        """The answer to a POST."""
        return self.send("POST", path, **given)

    def send(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        """The answer to a request with a body."""
        return self._told(self._client.request(method, _place(path), json=given))

    def refused(self, method: str, path: str, **given: Any) -> tuple[int, str]:
        """The status and the code of a no."""
        told = self._refusal(method, path, given)
        return told["status"], told["error_code"]

    def said(self, method: str, path: str, **given: Any) -> str:
        """The words of a no."""
        return str(self._refusal(method, path, given)["message"])

    def _refusal(self, method: str, path: str, given: dict[str, Any]) -> dict[str, Any]:
        in_query, in_body = (given, None) if method == "GET" else (None, given)
        response = self._client.request(method, _place(path), params=in_query, json=in_body)
        assert 400 <= response.status_code < 500, response.text
        told: dict[str, Any] = response.json()
        assert set(told) == {"error_code", "message"}
        assert len(told["message"]) <= 400
        return told | {"status": response.status_code}

    @staticmethod
    def _told(response: Any) -> dict[str, Any]:
        assert response.status_code == 200, response.text
        told: dict[str, Any] = response.json()
        return told


def _place(path: str) -> str:
    return path if path.startswith("/") else f"/api/2.0/mlflow/{path}"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELPACK_CERTIFY_ROWS", "0")
        folder = tmp_path_factory.mktemp("saved") / "model"
        modelpack.save(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), folder)
    return folder


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """What a server works on."""
    root = tmp_path_factory.mktemp("files")
    uri = f"sqlite:///{root / 'team.db'}"
    opened = Parts.open(
        ServerSettings(backend_store_uri=uri, artifact_root=str(root), pages=False), os.environ
    )
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def anybodys_api(parts: Parts) -> Iterator[Api]:
    """The application over them."""
    with TestClient(create_app(parts), base_url="http://localhost:5000") as client:
        yield Api(client)


@pytest.fixture
def api(anybodys_api: Api, parts: Parts) -> Iterator[Api]:
    """The application, with no model registered."""
    yield anybodys_api
    store = parts.registry("the tests")
    for one in store.search_models("", order_by=(), max_results=1_000, page_token=None):
        store.delete_model(one.name)


@pytest.fixture(scope="module")
def run(anybodys_api: Api, saved: Path) -> dict[str, Any]:
    """A run that has a model among its files."""
    api = anybodys_api
    info: dict[str, Any] = api.post("runs/create", experiment_id="0", start_time=1)["run"]["info"]
    place = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
    for file in saved.rglob("*"):
        if file.is_file():
            name = file.relative_to(saved)
            path = f"/api/2.0/mlflow-artifacts/artifacts/{place}/model/{name}"
            assert api._client.put(path, content=file.read_bytes()).status_code == 200
    return info


def versions(api: Api, run: dict[str, Any], name: str, count: int) -> None:
    """Enter *name* with *count* versions."""
    api.post("registered-models/create", name=name)
    for _ in range(count):
        source = f"{run['artifact_uri']}/model"
        api.post("model-versions/create", name=name, source=source, run_id=run["run_id"])


def test_a_model_is_told_without_what_is_empty(api: Api) -> None:
    told = api.post("registered-models/create", name="churn")["registered_model"]
    assert set(told) == {"name", "creation_timestamp", "last_updated_timestamp"}
    assert isinstance(told["creation_timestamp"], int)
    tags = [{"key": "team", "value": "growth"}]
    told = api.post("registered-models/create", name="b", tags=tags, description="d")["registered_model"]
    assert (told["tags"], told["description"]) == (tags, "d")
    assert api.get("registered-models/get", name="b")["registered_model"] == told


def test_a_version_is_kept_verified_and_told_as_mlflow_does(api: Api, run: dict[str, Any]) -> None:
    versions(api, run, "churn", 1)
    told = api.get("model-versions/get", name="churn", version="1")["model_version"]
    assert told["version"] == "1"
    assert told["run_id"] == run["run_id"]
    assert (told["current_stage"], told["status"]) == ("None", "READY")
    assert (told["description"], told["run_link"]) == ("", "")
    assert {"tags", "aliases", "status_message"}.isdisjoint(told)
    digest = told["modelpack"]["digest"].removeprefix("sha256:")
    uri = api.get("model-versions/get-download-uri", name="churn", version="1")["artifact_uri"]
    assert uri == f"mlflow-artifacts:/models/sha256/{digest[:2]}/{digest}"


def test_a_version_of_no_model_is_refused(api: Api, run: dict[str, Any]) -> None:
    asked = {"name": "nobody", "source": f"{run['artifact_uri']}/model", "run_id": run["run_id"]}
    assert api.refused("POST", "model-versions/create", **asked) == (404, MISSING)
    assert "registered_models" not in api.get("registered-models/search")


def test_a_version_can_be_registered_again_under_another_name(api: Api, run: dict[str, Any]) -> None:
    versions(api, run, "trial", 2)
    api.post("registered-models/create", name="live")
    asked = {"name": "live", "source": "models:/trial/2", "run_link": "https://ci.example/7"}
    copied = api.post("model-versions/create", **asked)["model_version"]
    assert (copied["source"], copied["run_id"]) == ("models:/trial/2", run["run_id"])
    assert copied["run_link"] == "https://ci.example/7"
    assert "tags" not in copied
    places = [
        api.get("model-versions/get-download-uri", name=name, version=number)["artifact_uri"]
        for name, number in (("trial", 2), ("live", 1))
    ]
    assert places[0] == places[1]


def test_an_update_without_a_description_clears_it(api: Api, run: dict[str, Any]) -> None:
    versions(api, run, "churn", 1)
    for path, more in (("registered-models", {}), ("model-versions", {"version": "1"})):
        api.send("PATCH", f"{path}/update", name="churn", description="d", **more)
        told = next(iter(api.get(f"{path}/get", name="churn", **more).values()))
        assert told["description"] == "d"
        told = next(iter(api.send("PATCH", f"{path}/update", name="churn", **more).values()))
        assert not told.get("description")


def test_the_latest_are_asked_for_both_ways(api: Api, run: dict[str, Any]) -> None:
    versions(api, run, "churn", 3)
    api.post("model-versions/transition-stage", name="churn", version="1", stage="production")
    path = "registered-models/get-latest-versions"
    for told in (api.get(path, name="churn"), api.post(path, name="churn")):
        assert [(one["version"], one["current_stage"]) for one in told["model_versions"]] == [
            ("1", "Production"),
            ("3", "None"),
        ]
    assert [
        one["version"] for one in api.get(path, name="churn", stages=["Production"])["model_versions"]
    ] == ["1"]
    assert api.get(path, name="churn", stages=["Staging", "archived"]) == {}
    assert api.refused("GET", path, name="churn", stages="Live") == (400, INVALID)


def test_others_are_archived_in_active_stages_only(api: Api, run: dict[str, Any]) -> None:
    versions(api, run, "churn", 2)
    path, asked = "model-versions/transition-stage", {"name": "churn", "archive_existing_versions": True}
    api.post(path, **asked, version="1", stage="Production")
    told = api.post(path, **asked, version="2", stage="PRODUCTION")["model_version"]
    assert told["current_stage"] == "Production"
    assert (
        api.get("model-versions/get", name="churn", version="1")["model_version"]["current_stage"]
        == "Archived"
    )
    # MLflow answers 500, after which its clients ask again for minutes.
    for stage in ("None", "Archived"):
        assert api.refused("POST", path, **asked, version="2", stage=stage) == (400, INVALID)


def test_moves_are_in_the_history(api: Api, run: dict[str, Any]) -> None:
    versions(api, run, "moved", 1)
    api.post("model-versions/transition-stage", name="moved", version="1", stage="Staging")
    api.post("registered-models/alias", name="moved", alias="champion", version="1")
    moves = api.get("/api/2.0/modelpack/registered-models/history", name="moved")["moves"]
    assert [(one["kind"], one["version"], one["after"]) for one in moves] == [
        ("stage", "1", "Staging"),
        ("alias", "1", "1"),
    ]
    assert moves[1]["alias"] == "champion"
    assert "before" not in moves[1]
    assert api.refused("GET", "/api/2.0/modelpack/registered-models/history", name="none") == (404, MISSING)


def test_an_alias_that_means_nothing_is_no_404(api: Api, run: dict[str, Any]) -> None:
    versions(api, run, "churn", 2)
    path = "registered-models/alias"
    assert api.refused("GET", path, name="churn", alias="champion") == (400, INVALID)
    assert api.said("GET", path, name="churn", alias="champion") == (
        "Registered model alias champion not found."
    )
    assert api.get(path, name="churn", alias="latest")["model_version"]["version"] == "2"
    assert api.refused("GET", path, name="none", alias="champion") == (404, MISSING)
    assert api.refused("POST", path, name="churn", alias="a", version="9") == (404, MISSING)
    for alias in ("latest", "LATEST", "v1", "a b", "a/b"):
        assert api.refused("POST", path, name="churn", alias=alias, version="1") == (400, INVALID), alias
    api.post(path, name="churn", alias="champion", version="1")
    api.post(path, name="churn", alias="champion", version="2")
    told = api.get("registered-models/get", name="churn")["registered_model"]
    assert told["aliases"] == [{"alias": "champion", "version": "2"}]
    for _ in range(2):
        assert api.send("DELETE", path, name="churn", alias="champion") == {}


def test_tags_that_are_not_there_are_taken_away(api: Api, run: dict[str, Any]) -> None:
    versions(api, run, "churn", 1)
    for path, more in (("registered-models", {}), ("model-versions", {"version": "1"})):
        asked = {"name": "churn", "key": "team", **more}
        api.post(f"{path}/set-tag", **asked, value="growth")
        told = next(iter(api.get(f"{path}/get", name="churn", **more).values()))
        assert told["tags"] == [{"key": "team", "value": "growth"}]
        for _ in range(2):
            assert api.send("DELETE", f"{path}/delete-tag", **asked) == {}


def test_prompts_are_hidden_and_nothing_else(api: Api) -> None:
    api.post("registered-models/create", name="churn")
    is_prompt = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    api.post("registered-models/create", name="prompt", tags=is_prompt)
    asked = {"filter": "tag.`mlflow.prompt.is_prompt` != 'true'"}
    # MLflow's server hides them from older clients, too, which do not know of them.
    for one in (asked, {}, {"filter": "name LIKE '%'"}):
        assert [
            model["name"] for model in api.get("registered-models/search", **one)["registered_models"]
        ] == ["churn"]
    shown = {"filter": "tag.`mlflow.prompt.is_prompt` = 'true'"}
    assert len(api.get("registered-models/search", **shown)["registered_models"]) == 1
    assert api.get("registered-models/search", filter="tags.team != 'growth'") == {}


def test_pages_are_turned_and_none_is_a_page_too(api: Api, run: dict[str, Any]) -> None:
    for name in ("a", "b", "c"):
        versions(api, run, name, 1)
    page = api.get("registered-models/search", max_results=2, order_by=["name DESC"])
    assert [one["name"] for one in page["registered_models"]] == ["c", "b"]
    asked = {"max_results": 2, "order_by": ["name DESC"], "page_token": page["next_page_token"]}
    rest = api.get("registered-models/search", **asked)
    assert [one["name"] for one in rest["registered_models"]] == ["a"]
    assert "next_page_token" not in rest
    assert set(api.get("registered-models/search", max_results=0)) == {"next_page_token"}
    assert len(api.get("model-versions/search")["model_versions"]) == 3
    assert (
        len(api.get("model-versions/search", filter="name = 'a'", max_results=10_000)["model_versions"]) == 1
    )


def test_numbers_are_not_given_twice(api: Api, run: dict[str, Any]) -> None:
    versions(api, run, "churn", 2)
    api.send("DELETE", "model-versions/delete", name="churn", version="2")
    assert api.refused("DELETE", "model-versions/delete", name="churn", version="2") == (404, MISSING)
    source = f"{run['artifact_uri']}/model"
    asked = {"name": "churn", "source": source, "run_id": run["run_id"]}
    assert api.post("model-versions/create", **asked)["model_version"]["version"] == "3"
    api.post("registered-models/rename", name="churn", new_name="leaving")
    assert api.get("model-versions/get", name="leaving", version="3")["model_version"]["name"] == "leaving"
    api.send("DELETE", "registered-models/delete", name="leaving")
    assert api.refused("GET", "registered-models/get", name="leaving") == (404, MISSING)


def test_what_is_not_there_is_told_in_mlflows_words(api: Api) -> None:
    assert api.said("GET", "registered-models/get", name="x") == "Registered Model with name=x not found"
    told = "Model Version (name=x, version=3) not found"
    assert api.said("GET", "model-versions/get", name="x", version="3") == told
    api.post("registered-models/create", name="x")
    assert api.said("GET", "model-versions/get", name="x", version="3") == told
    assert (
        api.said("POST", "registered-models/create", name="x") == "Registered Model (name=x) already exists."
    )
    assert api.refused("POST", "registered-models/create", name="x") == (400, TAKEN)
    assert "Missing value for required parameter 'name'" in api.said("POST", "registered-models/create")
    api.post("registered-models/create", name="y")
    assert api.refused("POST", "registered-models/rename", name="x", new_name="y") == (400, TAKEN)


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "a:b", ".", "..", " ", "x" * 257, "a\0b", "a\nb", "a\tb"], ids=repr
)
def test_names_like_paths_and_worse_are_refused(api: Api, name: str) -> None:
    """S041."""
    assert api.refused("POST", "registered-models/create", name=name) == (400, INVALID)
    api.post("registered-models/create", name="x")
    assert api.refused("POST", "registered-models/rename", name="x", new_name=name) == (400, INVALID)
    status, _ = api.refused("GET", "registered-models/get", name=name)
    assert status in (400, 404)


BAD_SEARCHES: list[dict[str, Any]] = [
    {"order_by": ["colour"]},
    {"order_by": ["abs(name)"]},
    {"order_by": ["name; DROP TABLE modelpack_models"]},
    {"order_by": ["name", "name DESC"]},
    {"order_by": ["name"] * 4_000},
    {"filter": "colour = 'red'"},
    {"filter": "name = 'x' OR 1 = 1"},
    {"filter": "name = 'x\0'"},
    {"filter": "name LIKE"},
    {"filter": "x" * 60_000},
    {"max_results": -1},
    {"max_results": 10**30},
    {"max_results": "many"},
    {"page_token": "none"},
]


@pytest.mark.parametrize("asked", BAD_SEARCHES, ids=lambda asked: str(asked)[:40])
@pytest.mark.parametrize("path", ["registered-models/search", "model-versions/search"])
def test_bad_searches_are_refused(api: Api, path: str, asked: dict[str, Any]) -> None:
    """S042 to S047."""
    assert api.refused("GET", path, **asked)[0] in (400, 414, 431)


def test_too_many_tags_are_refused(api: Api) -> None:
    """S048."""
    tags = [{"key": str(number), "value": ""} for number in range(100_000)]
    status, _ = api.refused("POST", "registered-models/create", name="x", tags=tags)
    assert status in (400, 413)
    long = {"name": "x", "description": "d" * (8 << 20)}
    assert api.refused("POST", "registered-models/create", **long)[0] == 413


STRANGE: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "registered-models/create", {"name": 5}),
    ("POST", "registered-models/create", {"name": ["x"]}),
    ("POST", "registered-models/create", {"name": "n", "tags": "x"}),
    ("POST", "registered-models/create", {"name": "n", "tags": [5]}),
    ("POST", "registered-models/create", {"name": "n", "tags": [{"value": "x"}]}),
    ("POST", "registered-models/create", {"name": "n", "description": {}}),
    ("POST", "registered-models/alias", {"name": "x", "alias": "a", "version": "one"}),
    ("POST", "registered-models/alias", {"name": "x", "alias": "a", "version": 1.5}),
    ("POST", "registered-models/alias", {"name": "x", "alias": "a", "version": True}),
    ("POST", "registered-models/alias", {"name": "x", "alias": "a", "version": "9" * 5_000}),
    ("POST", "registered-models/alias", {"name": "x", "alias": "a", "version": "-1"}),
    ("POST", "registered-models/alias", {"name": "x", "alias": 5, "version": "1"}),
    ("POST", "model-versions/transition-stage", {"name": "x", "version": "1", "stage": ["Production"]}),
    ("POST", "model-versions/transition-stage", {"name": "x", "version": "1", "stage": "Live"}),
    ("POST", "model-versions/create", {"name": "x", "source": ""}),
    ("POST", "model-versions/create", {"name": "x", "source": {"a": 1}}),
    ("POST", "registered-models/set-tag", {"name": "x", "key": "k" * 251, "value": "v"}),
    ("POST", "registered-models/set-tag", {"name": "x", "key": "k", "value": "v" * 100_001}),
    ("POST", "registered-models/set-tag", {"name": "x", "key": "k", "value": "\0"}),
    ("DELETE", "registered-models/delete-tag", {"name": "x"}),
    ("GET", "model-versions/get", {"name": "x"}),
    ("GET", "model-versions/get", {"name": "x", "version": "1; DROP TABLE modelpack_versions"}),
]


@pytest.mark.parametrize(("method", "path", "given"), STRANGE, ids=lambda one: str(one)[:40])
def test_nothing_that_a_client_sends_makes_the_server_fail(
    api: Api, method: str, path: str, given: dict[str, Any]
) -> None:
    api.post("registered-models/create", name="x")
    assert api.refused(method, path, **given)[0] in (400, 404)
