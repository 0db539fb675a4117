"""Experiments over HTTP, as MLflow's clients ask for them."""

from typing import Any

import pytest

from tests.modelpack.tracking.server.kit import Asking

INVALID, MISSING, TAKEN = "INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"


def test_the_default_experiment_is_there_from_the_beginning(ask: Asking) -> None:
    found = ask.get("experiments/get", experiment_id="0")["experiment"]
    assert (found["name"], found["artifact_location"]) == ("Default", "mlflow-artifacts:/runs/0")
    assert found["lifecycle_stage"] == "active"


def test_an_experiment_is_found_by_its_name_and_its_id_is_text(ask: Asking) -> None:
    made = ask.post("experiments/create", name="found by name", tags=[{"key": "team", "value": "a"}])
    found = ask.get("experiments/get-by-name", experiment_name="found by name")["experiment"]
    assert found["experiment_id"] == made["experiment_id"]
    assert isinstance(made["experiment_id"], str)
    assert found["tags"] == [{"key": "team", "value": "a"}]
    assert isinstance(found["creation_time"], int)


def test_pages_have_the_same_calls_as_programs(ask: Asking) -> None:
    assert ask.get("/ajax-api/2.0/mlflow/experiments/get", experiment_id="0") == ask.get(
        "experiments/get", experiment_id="0"
    )


def test_what_is_empty_is_left_out(ask: Asking) -> None:
    made = ask.post("experiments/create", name="without tags")["experiment_id"]
    assert "tags" not in ask.get("experiments/get", experiment_id=made)["experiment"]
    assert ask.post("experiments/search", max_results=5, filter="name = 'nobody'") == {}


@pytest.mark.parametrize("by", ["post", "get"])
def test_experiments_are_searched_by_filter_and_order(ask: Asking, by: str) -> None:
    for name in ("sought b", "sought a", "sought c"):
        if ask.post("experiments/search", max_results=1, filter=f"name = '{name}'") == {}:
            ask.post("experiments/create", name=name)
    given: dict[str, Any] = {"filter": "name LIKE 'sought%'", "order_by": ["name DESC"], "max_results": 2}
    first = getattr(ask, by)("experiments/search", **given)
    assert [one["name"] for one in first["experiments"]] == ["sought c", "sought b"]
    rest = getattr(ask, by)("experiments/search", page_token=first["next_page_token"], **given)
    assert [one["name"] for one in rest["experiments"]] == ["sought a"]
    assert "next_page_token" not in rest


def test_a_deleted_experiment_is_hidden_until_it_is_restored(ask: Asking) -> None:
    made = ask.post("experiments/create", name="hidden")["experiment_id"]
    assert ask.post("experiments/delete", experiment_id=made) == {}
    where = "name = 'hidden'"
    assert ask.post("experiments/search", max_results=5, filter=where) == {}
    for view in ("DELETED_ONLY", "ALL", 2, 3):
        found = ask.post("experiments/search", max_results=5, filter=where, view_type=view)["experiments"]
        assert found[0]["lifecycle_stage"] == "deleted"
    assert ask.refused("experiments/delete", experiment_id=made)[:2] == (404, MISSING)
    assert ask.refused("runs/create", experiment_id=made, start_time=1)[:2] == (400, INVALID)
    assert ask.post("experiments/restore", experiment_id=made) == {}
    assert ask.refused("experiments/restore", experiment_id=made)[:2] == (404, MISSING)


def test_an_experiment_is_renamed_and_noted_on_and_the_note_taken_away(ask: Asking) -> None:
    made = ask.post("experiments/create", name="old name")["experiment_id"]
    ask.post("experiments/update", experiment_id=made, new_name="new name")
    ask.post("experiments/set-experiment-tag", experiment_id=made, key="k", value="")
    ask.post("experiments/set-experiment-tag", experiment_id=made, key="k", value="")
    found = ask.get("experiments/get", experiment_id=made)["experiment"]
    assert (found["name"], found["tags"]) == ("new name", [{"key": "k", "value": ""}])
    ask.post("experiments/delete-experiment-tag", experiment_id=made, key="k")
    gone = ask.refused("experiments/delete-experiment-tag", experiment_id=made, key="k")
    assert gone[:2] == (404, MISSING)


def test_a_name_that_is_taken_says_so_in_the_code_that_clients_look_for(ask: Asking) -> None:
    assert ask.refused("experiments/create", name="Default")[:2] == (400, TAKEN)
    made = ask.post("experiments/create", name="to be renamed")["experiment_id"]
    assert ask.refused("experiments/update", experiment_id=made, new_name="Default")[:2] == (400, TAKEN)


@pytest.mark.parametrize("place", ["mlflow-artifacts:/elsewhere/x", "s3://somebody/else"])
def test_an_experiment_may_keep_its_files_at_a_place_that_a_client_can_name(ask: Asking, place: str) -> None:
    made = ask.post("experiments/create", name=f"at {place}", artifact_location=place)["experiment_id"]
    assert ask.get("experiments/get", experiment_id=made)["experiment"]["artifact_location"] == place


@pytest.mark.parametrize(
    "place",
    [
        "file:///etc",
        "/etc",
        "http://evil.example/x",
        "mlflow-artifacts:/../x",
        "mlflow-artifacts:/models/sha256",
        "mlflow-artifacts:/%2e%2e/x",
        "ftp://x/y",
        "mlflow-artifacts:/",
    ],
)
def test_an_experiment_may_keep_its_files_nowhere_else(ask: Asking, place: str) -> None:
    status, code, _ = ask.refused("experiments/create", name=f"not at {place}", artifact_location=place)
    assert (status, code) == (400, INVALID)


def test_datasets_of_experiments_are_told_at_the_path_without_a_slash(ask: Asking) -> None:
    made = ask.post("experiments/create", name="with data")["experiment_id"]
    run = ask.run(experiment_id=made)
    dataset = {"name": "iris", "digest": "d1", "source_type": "http", "source": "{}"}
    tags = [{"key": "mlflow.data.context", "value": "training"}]
    ask.post("runs/log-inputs", run_id=run, datasets=[{"dataset": dataset, "tags": tags}])
    told = ask.post("/api/2.0mlflow/experiments/search-datasets", experiment_ids=[made])
    summary = {"experiment_id": made, "name": "iris", "digest": "d1", "context": "training"}
    assert told == {"dataset_summaries": [summary]}
    assert ask.post("experiments/search-datasets", experiment_ids=[made]) == told
    assert ask.post("experiments/search-datasets", experiment_ids=["0"]) == {}


@pytest.mark.parametrize(
    ("path", "given", "status", "code"),
    [
        ("experiments/create", {}, 400, INVALID),
        ("experiments/create", {"name": ""}, 400, INVALID),
        ("experiments/create", {"name": 5}, 400, INVALID),
        ("experiments/create", {"name": "x" * 501}, 400, INVALID),
        ("experiments/create", {"name": "a\0b"}, 400, INVALID),
        ("experiments/create", {"name": "n1", "tags": "x"}, 400, INVALID),
        ("experiments/create", {"name": "n2", "tags": [{"key": "k", "value": 5}]}, 400, INVALID),
        ("experiments/create", {"name": "n3", "tags": [{"key": "k" * 251, "value": ""}]}, 400, INVALID),
        ("experiments/create", {"name": "n4", "tags": [{"key": "k", "value": "v" * 20_001}]}, 400, INVALID),
        ("experiments/search", {"max_results": 0}, 400, INVALID),
        ("experiments/search", {"max_results": 50_001}, 400, INVALID),
        ("experiments/search", {"max_results": "many"}, 400, INVALID),
        ("experiments/search", {"max_results": 5, "filter": "nonsense"}, 400, INVALID),
        ("experiments/search", {"max_results": 5, "filter": "name = 'a' OR 1 = 1"}, 400, INVALID),
        ("experiments/search", {"max_results": 5, "order_by": ["sleep(10)"]}, 400, INVALID),
        ("experiments/search", {"max_results": 5, "order_by": ["name"] * 10_000}, 400, INVALID),
        ("experiments/search", {"max_results": 5, "page_token": "x"}, 400, INVALID),
        ("experiments/search", {"max_results": 5, "view_type": "SOME"}, 400, INVALID),
        ("experiments/update", {"experiment_id": "999", "new_name": "x"}, 404, MISSING),
        ("experiments/delete", {"experiment_id": "nine"}, 404, MISSING),
        ("experiments/set-experiment-tag", {"experiment_id": "0", "value": "x"}, 400, INVALID),
    ],
)
def test_what_is_wrong_is_refused_with_its_code(
    ask: Asking, path: str, given: dict[str, Any], status: int, code: str
) -> None:
    assert ask.refused(path, **given)[:2] == (status, code)


@pytest.mark.parametrize(
    ("path", "given", "status", "code"),
    [
        ("experiments/get", {}, 400, INVALID),
        ("experiments/get", {"experiment_id": "999"}, 404, MISSING),
        ("experiments/get-by-name", {"experiment_name": "nobody"}, 404, MISSING),
    ],
)
def test_what_is_not_there_is_missing(
    ask: Asking, path: str, given: dict[str, Any], status: int, code: str
) -> None:
    assert ask.refused_get(path, **given)[:2] == (status, code)
