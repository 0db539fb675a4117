"""What is logged is kept, once, in one of two databases; what breaks a rule changes nothing."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from modelpack.errors import AlreadyExists, Conflict, InvalidName, NotFound
from modelpack.tracking.records import Dataset, DatasetInput, Metric, Run, ViewType
from modelpack.tracking.sql_store import RUN_NAME, SqlTrackingStore


def begun(store: SqlTrackingStore, experiment: str = "0", **given: Any) -> Run:
    return store.create_run(experiment, **{"start_time": 1000, "tags": {}, **given})


def test_the_default_experiment_is_always_there(store: SqlTrackingStore) -> None:
    default = store.get_experiment("0")
    assert (default.name, default.artifact_location, default.lifecycle_stage) == (
        "Default",
        "file:///files/0",
        "active",
    )


def test_an_experiment_is_entered_found_renamed_and_tagged(store: SqlTrackingStore) -> None:
    made = store.create_experiment("churn", tags={"team": "growth"})
    assert store.get_experiment(made).tags == {"team": "growth"}
    assert store.get_experiment(made).artifact_location == f"file:///files/{made}"
    with pytest.raises(AlreadyExists):
        store.create_experiment("churn", tags={})
    store.rename_experiment(made, "leaving")
    assert store.get_experiment_by_name("churn") is None
    found = store.get_experiment_by_name("leaving")
    assert found is not None
    assert found.experiment_id == made
    store.set_experiment_tag(made, "team", "core")
    assert store.get_experiment(made).tags == {"team": "core"}
    store.delete_experiment_tag(made, "team")
    with pytest.raises(NotFound):
        store.delete_experiment_tag(made, "team")
    assert (
        store.get_experiment(store.create_experiment("b", artifact_location="s3://b/k", tags={})) is not None
    )


def test_a_name_is_taken_by_a_deleted_experiment_too(store: SqlTrackingStore) -> None:
    made = store.create_experiment("churn", tags={})
    store.delete_experiment(made)
    with pytest.raises(AlreadyExists, match="deleted"):
        store.create_experiment("churn", tags={})
    with pytest.raises(NotFound):
        store.delete_experiment(made)
    with pytest.raises(Conflict, match="deleted"):
        begun(store, made)
    store.restore_experiment(made)
    assert begun(store, made).info.experiment_id == made


@pytest.mark.parametrize("wrong", ["7", "x", "-1", "", "1" * 30, "0; DROP TABLE"])
def test_an_id_that_is_none_is_not_found(store: SqlTrackingStore, wrong: str) -> None:
    with pytest.raises(NotFound):
        store.get_experiment(wrong)
    with pytest.raises(NotFound):
        store.get_run(wrong)


def test_a_run_begins_goes_on_and_ends(store: SqlTrackingStore) -> None:
    run = begun(store, run_name="first", user_id="ada", tags={"a": "b"})
    assert run.info.status == "RUNNING"
    assert (run.info.run_name, run.info.user_id, run.info.start_time) == ("first", "ada", 1000)
    assert run.info.artifact_uri == f"file:///files/0/{run.info.run_id}/artifacts"
    assert run.data.tags == {"a": "b", RUN_NAME: "first"}
    ended = store.update_run(run.info.run_id, status="FAILED", end_time=2000, run_name="second")
    assert (ended.status, ended.end_time, ended.run_name) == ("FAILED", 2000, "second")
    assert store.get_run(run.info.run_id).data.tags[RUN_NAME] == "second"


def test_a_run_without_a_name_gets_one_and_a_tag_renames_it(store: SqlTrackingStore) -> None:
    run = begun(store)
    assert len(run.info.run_name.split("-")) == 3
    store.log_batch(run.info.run_id, tags={RUN_NAME: "mine"})
    assert store.get_run(run.info.run_id).info.run_name == "mine"
    store.log_batch(run.info.run_id, tags={RUN_NAME: ""})
    unchanged = store.get_run(run.info.run_id)
    assert (unchanged.info.run_name, unchanged.data.tags[RUN_NAME]) == ("mine", "mine")
    with pytest.raises(InvalidName, match=r"mlflow\.runName"):
        begun(store, run_name="a", tags={RUN_NAME: "b"})


def test_the_newest_point_of_a_metric_is_the_one_of_the_highest_step(store: SqlTrackingStore) -> None:
    run = begun(store).info.run_id
    points = [
        Metric("loss", 0.5, 10, 1),
        Metric("loss", 0.1, 5, 3),
        Metric("loss", 0.3, 7, 2),
        Metric("loss", 0.2, 6, 3),
    ]
    for one in points:
        store.log_batch(run, metrics=[one])
    assert store.get_run(run).data.metrics == {"loss": 0.2}
    assert store.metric_history(run, "loss").items == tuple(
        sorted(points, key=lambda m: (m.step, m.timestamp))
    )
    other = begun(store).info.run_id
    store.log_batch(other, metrics=points)
    assert store.get_run(other).data.metrics == {"loss": 0.2}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.1, -0.0, 5e-324, 1.7976931348623157e308])
def test_a_metric_comes_back_bit_for_bit(store: SqlTrackingStore, value: float) -> None:
    run = begun(store).info.run_id
    store.log_batch(run, metrics=[Metric("m", value, 1)])
    (point,) = store.metric_history(run, "m").items
    assert repr(point.value) == repr(value) or point.value == value == 0
    assert repr(store.get_run(run).data.metrics["m"]) == repr(point.value)


def test_numbers_of_numpy_are_numbers(store: SqlTrackingStore) -> None:
    run = begun(store).info.run_id
    odd: Any = np.int64(3)
    half: Any = np.float32(0.5)
    store.log_batch(run, metrics=[Metric("m", 0.5, odd, odd), Metric("n", half, 1, odd)])
    assert store.metric_history(run, "m").items == (Metric("m", 0.5, 3, 3),)
    assert store.metric_history(run, "n").items == (Metric("n", 0.5, 1, 3),)


def test_the_same_again_is_no_error_and_no_second_point(store: SqlTrackingStore) -> None:
    run = begun(store).info.run_id
    for _ in range(3):
        store.log_batch(run, metrics=[Metric("m", 1.0, 1)], params={"p": 4}, tags={"t": "x"})
    assert len(store.metric_history(run, "m").items) == 1
    assert store.get_run(run).data.params == {"p": "4"}


def test_a_param_never_changes_and_a_batch_is_all_or_nothing(store: SqlTrackingStore) -> None:
    run = begun(store).info.run_id
    store.log_batch(run, params={"depth": 4})
    with pytest.raises(Conflict, match=r"'depth'.*'4'.*'5'"):
        store.log_batch(run, metrics=[Metric("m", 1.0, 1)], params={"a": 1, "depth": 5}, tags={"t": "x"})
    after = store.get_run(run).data
    assert (after.metrics, after.params, "t" in after.tags) == ({}, {"depth": "4"}, False)


def test_what_is_deleted_is_not_written_to(store: SqlTrackingStore) -> None:
    run = begun(store).info.run_id
    store.delete_run(run)
    for write in (
        lambda: store.log_batch(run, params={"a": 1}),
        lambda: store.update_run(run, status="FINISHED"),
        lambda: store.delete_tag(run, RUN_NAME),
        lambda: store.log_inputs(run, []),
    ):
        with pytest.raises(Conflict, match="deleted"):
            write()
    with pytest.raises(NotFound):
        store.delete_run(run)
    assert store.get_run(run).info.lifecycle_stage == "deleted"
    store.restore_run(run)
    store.log_batch(run, params={"a": 1})


BROKEN: list[tuple[str, Callable[[SqlTrackingStore, str], object], str]] = [
    ("a metric that is text", lambda s, r: s.log_batch(r, metrics=[Metric("m", "x", 1)]), "number"),  # type: ignore[arg-type]
    ("a metric that is true", lambda s, r: s.log_batch(r, metrics=[Metric("m", True, 1)]), "number"),
    ("a number no float holds", lambda s, r: s.log_batch(r, metrics=[Metric("m", 2**53 + 1, 1)]), "exactly"),
    ("a key out of its folder", lambda s, r: s.log_batch(r, params={"../x": 1}), "path"),
    ("a key with a sign", lambda s, r: s.log_batch(r, params={"a?b": 1}), "letters"),
    ("a key too long", lambda s, r: s.log_batch(r, tags={"k" * 251: 1}), "250"),
    ("a param too long", lambda s, r: s.log_batch(r, params={"p": "x" * 6001}), "6000"),
    ("a tag too long", lambda s, r: s.log_batch(r, tags={"t": "x" * 8001}), "8000"),
    ("a NUL", lambda s, r: s.log_batch(r, params={"p": "\0"}), "NUL"),
    (
        "too many metrics",
        lambda s, r: s.log_batch(r, metrics=[Metric("m", 1.0, i) for i in range(1001)]),
        "1000",
    ),
    ("too many params", lambda s, r: s.log_batch(r, params={f"p{i}": i for i in range(101)}), "100"),
    ("a time before time", lambda s, r: s.log_batch(r, metrics=[Metric("m", 1.0, -1)]), "timestamp"),
    ("no status", lambda s, r: s.update_run(r, status="DONE"), "FINISHED"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("write", "hint"), [one[1:] for one in BROKEN], ids=[one[0] for one in BROKEN])
def test_what_breaks_a_rule_is_refused_and_changes_nothing(
    store: SqlTrackingStore, write: Callable[[SqlTrackingStore, str], object], hint: str
) -> None:
    run = begun(store)
    with pytest.raises(InvalidName, match=hint) as caught:
        write(store, run.info.run_id)
    assert len(str(caught.value)) <= 300
    assert store.get_run(run.info.run_id) == run


def test_history_comes_in_pages(store: SqlTrackingStore) -> None:
    run = begun(store).info.run_id
    store.log_batch(run, metrics=[Metric("m", float(i), i, i) for i in range(25)])
    seen: list[float] = []
    token = None
    while True:
        page = store.metric_history(run, "m", max_results=10, page_token=token)
        seen += [point.value for point in page.items]
        token = page.next_token
        if token is None:
            break
    assert seen == [float(i) for i in range(25)]
    assert store.metric_history(run, "never").items == ()


def test_datasets_are_noted_once(store: SqlTrackingStore) -> None:
    run = begun(store).info.run_id
    used = DatasetInput(
        dataset=Dataset(name="customers", digest="1f0a", source_type="local", source="{}"),
        tags={"mlflow.data.context": "training"},
    )
    for _ in range(2):
        store.log_inputs(run, [used])
    assert store.get_run(run).inputs.dataset_inputs == (used,)
    found = store.search_runs(["0"], "datasets.name = 'customers' AND datasets.context = 'training'")
    assert [one.info.run_id for one in found.items] == [run]
    assert not store.search_runs(["0"], "datasets.digest = 'other'").items


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "x" * 501}, "500"),
        ({"name": ""}, "name"),
        ({"digest": "x" * 37}, "36"),
        ({"digest": ""}, "digest"),
        ({"source_type": "x" * 37}, "36"),
        ({"source": "x" * 65_536}, "65535"),
        ({"schema": "x" * 1_048_576}, "1048575"),
        ({"profile": "x" * 16_777_216}, "16777215"),
        ({"source": "\0"}, "NUL"),
        ({"tags": {"k" * 256: "v"}}, "255"),
        ({"tags": {"k": "v" * 501}}, "500"),
    ],
)
def test_a_dataset_beyond_the_limits_is_refused_with_all_that_came_along(
    shared_store: SqlTrackingStore, given: dict[str, Any], said: str
) -> None:
    run = begun(shared_store).info.run_id
    tags = given.get("tags", {})
    fields = {"name": "d", "digest": "1", "source_type": "s", "source": "s", **given}
    fields.pop("tags", None)
    good = DatasetInput(dataset=Dataset(name="good", digest="1", source_type="s", source="s"))
    with pytest.raises(InvalidName, match=said):
        shared_store.log_inputs(run, [good, DatasetInput(dataset=Dataset(**fields), tags=tags)])
    assert shared_store.get_run(run).inputs.dataset_inputs == ()


def test_a_dataset_at_its_limits_is_kept(store: SqlTrackingStore) -> None:
    run = begun(store).info.run_id
    widest = DatasetInput(
        dataset=Dataset(
            name="n" * 500,
            digest="d" * 36,
            source_type="s",
            source="s" * 65_535,
            schema="s" * 1_048_575,
            profile="p" * 100_000,
        ),
        tags={"k" * 255: "v" * 500},
    )
    store.log_inputs(run, [widest])
    assert store.get_run(run).inputs.dataset_inputs == (widest,)


def test_experiments_are_searched(store: SqlTrackingStore) -> None:
    for name in ("a1", "a2", "b1"):
        store.create_experiment(name, tags={"kind": name[0]})

    def names(where: str, **more: Any) -> list[str]:
        return [one.name for one in store.search_experiments(where, **more).items]

    assert set(names("")) == {"Default", "a1", "a2", "b1"}
    assert names("tags.kind = 'a'", order_by=["name DESC"]) == ["a2", "a1"]
    assert names("name LIKE 'a%'", order_by=["name"]) == ["a1", "a2"]
    store.delete_experiment(store.get_experiment_by_name("a1").experiment_id)  # type: ignore[union-attr]
    assert names("name LIKE 'a%'") == ["a2"]
    assert names("name LIKE 'a%'", view=ViewType.DELETED_ONLY) == ["a1"]
