"""Logged models are kept and found as by MLflow 3.17; where they are not, a comment says so."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from modelpack.errors import Conflict, InvalidFilter, InvalidName, NotFound
from modelpack.tracking.records import LoggedModel, Metric, ModelInput, ModelOutput
from modelpack.tracking.sql_logged_models import SqlLoggedModels
from modelpack.tracking.sql_store import SqlTrackingStore

NOBODY = "m-" + "0" * 32


class Clock:
    """A clock that goes on by one each time that it is looked at."""

    def __init__(self) -> None:
        self.at = 1_000

    def __call__(self) -> int:
        self.at += 1
        return self.at


def models_of(store: SqlTrackingStore) -> SqlLoggedModels:
    return SqlLoggedModels(store._database, clock=Clock())


@pytest.fixture
def models(store: SqlTrackingStore) -> SqlLoggedModels:
    """Logged models beside the runs of *store*."""
    return models_of(store)


@pytest.fixture(scope="module")
def shared_models(shared_store: SqlTrackingStore) -> SqlLoggedModels:
    """Logged models that no test adds to, but for the corpus in an experiment of its own."""
    return models_of(shared_store)


def begun(store: SqlTrackingStore) -> str:
    return store.create_run("0", start_time=1, tags={}).info.run_id


def test_a_model_is_what_was_entered(store: SqlTrackingStore, models: SqlLoggedModels) -> None:
    made = models.create(
        "0",
        name="churn",
        model_type="classifier",
        source_run_id="r1",
        params={"depth": 4},
        tags={"team": "growth"},
        user="ada",
    )
    assert made == LoggedModel(
        model_id=made.model_id,
        experiment_id="0",
        name="churn",
        artifact_uri=f"file:///files/0/models/{made.model_id}/artifacts",
        creation_timestamp_ms=1_001,
        last_updated_timestamp_ms=1_001,
        status="LOGGED_MODEL_PENDING",
        model_type="classifier",
        source_run_id="r1",
        creator_id="ada",
        tags={"team": "growth"},
        params={"depth": "4"},
        metrics=[],
    )
    assert made.model_id.startswith("m-")
    assert len(made.model_id) == len(NOBODY)
    assert models.get(made.model_id) == made
    place = store.create_experiment("elsewhere", artifact_location="s3://bucket/there", tags={})
    other = models.create(place)
    assert other.artifact_uri == f"s3://bucket/there/models/{other.model_id}/artifacts"
    assert len(other.name.split("-")) == 3


@pytest.mark.parametrize("name", ["a/b", "a:b", "a.b", "a%b", 'a"b', "a'b", " ", "x" * 501, "a\0", "\ud800"])
def test_a_name_that_no_model_may_bear_is_refused(shared_models: SqlLoggedModels, name: str) -> None:
    with pytest.raises(InvalidName):
        shared_models.create("0", name=name)
    assert shared_models.search(["0"]).items == ()


@pytest.mark.parametrize(
    "given",
    [
        {"model_type": "x" * 501},
        {"source_run_id": "\0"},
        {"user": "x" * 501},
        {"params": {"": "x"}},
        {"params": {"k" * 256: "x"}},
        {"params": {"k": "\0"}},
        {"tags": {"k": "x" * 100_001}},
        {"tags": {f"k{n}": "" for n in range(1_001)}},
    ],
)
def test_what_no_model_may_bear_is_refused(shared_models: SqlLoggedModels, given: Mapping[str, Any]) -> None:
    with pytest.raises(InvalidName):
        shared_models.create("0", **given)


def test_a_model_wants_an_experiment_that_is_there_and_not_deleted(
    store: SqlTrackingStore, models: SqlLoggedModels
) -> None:
    with pytest.raises(NotFound):
        models.create("77")
    gone = store.create_experiment("gone", tags={})
    known = models.create(gone)
    store.delete_experiment(gone)
    with pytest.raises(Conflict, match="deleted"):
        models.create(gone)
    assert models.get(known.model_id) == known


def test_an_upload_ends_well_or_badly(models: SqlLoggedModels) -> None:
    made = models.create("0")
    ready = models.finalize(made.model_id, "LOGGED_MODEL_READY")
    assert (ready.status, ready.last_updated_timestamp_ms) == ("LOGGED_MODEL_READY", 1_002)
    assert models.get(made.model_id) == ready
    assert models.finalize(made.model_id, "FAILED").status == "LOGGED_MODEL_UPLOAD_FAILED"
    for wrong in ("", "DONE", "LOGGED_MODEL_", "logged_model_ready", "x" * 10_000):
        with pytest.raises(InvalidName):
            models.finalize(made.model_id, wrong)


def test_tags_are_set_again_and_taken_away_once(models: SqlLoggedModels) -> None:
    made = models.create("0", tags={"a": "1"}).model_id
    models.set_tags(made, {"a": "2", "b/c": "ü"})
    assert models.get(made).tags == {"a": "2", "b/c": "ü"}
    models.delete_tag(made, "a")
    with pytest.raises(NotFound):
        models.delete_tag(made, "a")
    assert models.get(made).tags == {"b/c": "ü"}


def test_params_are_added_and_never_change(models: SqlLoggedModels) -> None:
    made = models.create("0", params={"a": "1"}).model_id
    models.log_params(made, {"a": "1", "b": 2})
    with pytest.raises(Conflict, match="cannot become"):
        models.log_params(made, {"c": "3", "a": "2"})
    assert models.get(made).params == {"a": "1", "b": "2"}


def test_a_deleted_model_is_hidden_and_deleting_it_again_is_no_error(models: SqlLoggedModels) -> None:
    made = models.create("0").model_id
    models.delete(made)
    models.delete(made)
    with pytest.raises(NotFound):
        models.get(made)
    assert models.get(made, deleted=True).lifecycle_stage == "deleted"
    assert models.search(["0"]).items == ()
    models.set_tags(made, {"a": "1"})
    assert models.get(made, deleted=True).tags == {"a": "1"}


@pytest.mark.parametrize("wrong", [NOBODY, "", "x", "m-\0", "\ud800", "../m", "m-" * 1_000, "' OR 1=1"])
def test_a_model_that_there_is_not_is_not_found(shared_models: SqlLoggedModels, wrong: str) -> None:
    models = shared_models
    for act in (
        lambda: models.get(wrong),
        lambda: models.finalize(wrong, "READY"),
        lambda: models.delete(wrong),
        lambda: models.set_tags(wrong, {"a": "1"}),
        lambda: models.delete_tag(wrong, "a"),
        lambda: models.log_params(wrong, {"a": "1"}),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_run_tells_which_models_it_has_used_and_made(
    store: SqlTrackingStore, models: SqlLoggedModels
) -> None:
    run, other = begun(store), begun(store)
    first, second = models.create("0").model_id, models.create("0").model_id
    for _ in range(2):
        models.log_outputs(run, [(second, 7), (first, 3)])
        models.log_model_inputs(run, [second])
    met = store.get_run(run)
    assert met.outputs.model_outputs == [ModelOutput(first, 3), ModelOutput(second, 7)]
    assert met.inputs.model_inputs == [ModelInput(second)]
    found = {one.info.run_id: one for one in store.search_runs(["0"])}
    assert found[run] == met
    assert (found[other].outputs.model_outputs, found[other].inputs.model_inputs) == ((), ())
    # As in MLflow, a model of another server will do.
    models.log_outputs(other, [(NOBODY, 0)])
    assert store.get_run(other).outputs.model_outputs == [ModelOutput(NOBODY)]


def test_models_are_noted_with_a_run_that_is_there_and_not_deleted(
    store: SqlTrackingStore, models: SqlLoggedModels
) -> None:
    run = begun(store)
    for wrong in ("", "m-\0", "a/b", "x" * 300):
        with pytest.raises(InvalidName):
            models.log_outputs(run, [(NOBODY, 1), (wrong, 1)])
    with pytest.raises(InvalidName):
        models.log_outputs(run, [(NOBODY, 2**63)])
    assert store.get_run(run).outputs.model_outputs == ()
    store.delete_run(run)
    with pytest.raises(Conflict):
        models.log_outputs(run, [(NOBODY, 1)])
    with pytest.raises(NotFound):
        models.log_model_inputs("0" * 32, [NOBODY])


def test_a_metric_of_a_model_is_entered_for_the_run_and_the_model(
    store: SqlTrackingStore, models: SqlLoggedModels
) -> None:
    run, made = begun(store), models.create("0").model_id
    points = [
        Metric("f1", 0.5, 10, 0, made, "test", "abc"),
        Metric("f1", 0.7, 20, 2, made, "test", "abc"),
        Metric("f1", 0.6, 30, 1, made, "test", "abc"),
        Metric("f1", math.nan, 20, 2, made, "test", "def"),
        Metric("loss", math.inf, 20, 2, made),
        Metric("alone", 1.0, 20),
    ]
    for _ in range(2):
        store.log_batch(run, metrics=points)
    told = models.get(made).metrics
    assert [(one.key, one.value, one.step, one.dataset_digest) for one in told if one.value == one.value] == [
        ("f1", 0.7, 2, "abc"),
        ("loss", math.inf, 2, ""),
    ]
    (nan,) = [one for one in told if math.isnan(one.value)]
    assert (nan.key, nan.dataset_name, nan.dataset_digest) == ("f1", "test", "def")
    assert {(one.model_id, one.run_id) for one in told} == {(made, run)}
    # A run knows points, not what was measured: 0.7 at step 2 came before what is no number.
    assert store.get_run(run).data.metrics == {"f1": 0.7, "loss": math.inf, "alone": 1.0}
    assert len(store.metric_history(run, "f1")) == 4


def test_a_batch_with_a_metric_of_no_model_changes_nothing(store: SqlTrackingStore) -> None:
    run = begun(store)
    with pytest.raises(NotFound, match="logged model"):
        store.log_batch(
            run, metrics=[Metric("a", 1.0, 1), Metric("f1", 0.5, 1, 0, NOBODY)], params={"p": "1"}
        )
    with pytest.raises(InvalidName):
        store.log_batch(run, metrics=[Metric("a", 1.0, 1, 0, NOBODY, dataset_digest="x" * 37)])
    met = store.get_run(run).data
    assert (met.metrics, met.params) == ({}, {})


@pytest.fixture(scope="module")
def corpus(shared_store: SqlTrackingStore) -> tuple[SqlLoggedModels, dict[str, str]]:
    """Three models, measured in two runs, as the real MLflow was asked about; and ids."""
    store, models = shared_store, models_of(shared_store)
    place = store.create_experiment("corpus", tags={})
    run, other = begun(store), begun(store)
    ids = {
        "a": models.create(place, name="a", params={"p": "1"}, tags={"t": "x"}, source_run_id=run).model_id,
        "b": models.create(place, name="b").model_id,
        "c": models.create(place, name="c").model_id,
    }
    points = [
        Metric("f1", 0.5, 1, 0, ids["a"], "d", "1"),
        Metric("f1", 0.7, 2, 1, ids["a"], "d", "1"),
        Metric("f1", 0.9, 2, 1, ids["b"], "e", "1"),
        Metric("acc", 0.1, 3, 0, ids["c"]),
        Metric("f1", math.nan, 1, 0, ids["c"]),
    ]
    store.log_batch(run, metrics=points)
    store.log_batch(other, metrics=[Metric("f1", 0.2, 5, 0, ids["a"], "d", "2")])
    return models, {**ids, "run": run, "0": place}


Corpus = tuple[SqlLoggedModels, dict[str, str]]


def found(corpus: Corpus, where: str = "", **options: Any) -> str:
    models, ids = corpus
    text = where.replace("$run", ids["run"]).replace("$a", ids["a"])
    return "".join(model.name for model in models.search([ids["0"]], text, **options))


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("", "cba"),
        ("name='a'", "a"),
        ("name != 'a'", "cb"),
        ("name LIKE 'A%'", ""),
        ("name ILIKE 'A%'", "a"),
        ("name IN ('a','c')", "ca"),
        ("attributes.name = 'a'", "a"),
        ("model_id = '$a'", "a"),
        ("source_run_id = '$run'", "a"),
        ("source_run_id != 'x'", "a"),
        ("model_type != 'x'", ""),
        ("creation_timestamp > 4", "cba"),
        ("creation_time > 4", "cba"),
        ("last_updated_timestamp >= 4 AND name = 'b'", "b"),
        ("metrics.f1 > 0.6", "ba"),
        ("metrics.`f1` >= 0.9", "b"),
        ("metrics.f1 != 0.7", "cba"),
        # MLflow keeps 0 where what was logged is no number, and so also finds c.
        ("metrics.f1 < 0.6", "a"),
        ("params.p = '1'", "a"),
        ("params.p != '2'", "a"),
        ("tags.t LIKE 'x%'", "a"),
        ("tags.`t` = 'x'", "a"),
        # MLflow compares these with numbers of its own, and finds nothing.
        ("status = 'PENDING'", "cba"),
        ("status = 'LOGGED_MODEL_PENDING'", "cba"),
        ("status IN ('READY', 'FAILED')", ""),
        ("status LIKE '%PEND%'", "cba"),
        # Not in MLflow.
        ("params.p IS NULL", "cb"),
        ("tags.t IS NOT NULL", "a"),
        ("metrics.acc IS NOT NULL", "c"),
        ("metrics.acc IS NULL", "ba"),
    ],
)
def test_a_filter_finds_what_it_says(corpus: Corpus, where: str, names: str) -> None:
    assert found(corpus, where) == names


@pytest.mark.parametrize(
    ("where", "datasets", "names"),
    [
        ("", [{"dataset_name": "d"}], "a"),
        ("", [{"dataset_name": "d", "dataset_digest": "2"}], "a"),
        ("", [{"dataset_name": "d", "dataset_digest": "3"}], ""),
        ("metrics.f1 > 0.6", [{"dataset_name": "d", "dataset_digest": "2"}], ""),
        ("metrics.f1 > 0.6", [{"dataset_name": "d"}, {"dataset_name": "e"}], "ba"),
        ("name = 'b'", [{"dataset_name": "d"}, {"dataset_name": "e", "dataset_digest": None}], "b"),
    ],
)
def test_metrics_are_looked_for_on_datasets(
    corpus: Corpus, where: str, datasets: list[dict[str, Any]], names: str
) -> None:
    assert found(corpus, where, datasets=datasets) == names


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ({"field_name": "name"}, "abc"),
        ({"field_name": "name", "ascending": False}, "cba"),
        ({"field_name": "creation_timestamp"}, "abc"),
        ({"field_name": "creation_time", "ascending": False}, "cba"),
        ({"field_name": "source_run_id"}, "acb"),
        ({"field_name": "source_run_id", "ascending": False}, "acb"),
        ({"field_name": "status"}, "cba"),
        ({"field_name": "metrics.acc"}, "cba"),
        # The newest of a is 0.2, of the other run. What is no number comes behind numbers; in MLflow as 0.
        ({"field_name": "metrics.f1"}, "abc"),
        ({"field_name": "metrics.f1", "ascending": False}, "bac"),
        ({"field_name": "metrics.f1", "dataset_name": "d", "dataset_digest": "1"}, "acb"),
        ({"field_name": "metrics.f1", "dataset_name": "e", "ascending": None}, "bca"),
        ({"field_name": "metrics.nosuch"}, "cba"),
    ],
)
def test_an_order_puts_what_is_missing_last(corpus: Corpus, order: dict[str, Any], names: str) -> None:
    assert found(corpus, order_by=[order]) == names


@pytest.mark.parametrize(
    "given",
    [
        {"where": "nosuch = 'x'"},
        {"where": "name > 'a'"},
        {"where": "name = 1"},
        {"where": "metrics.f1 LIKE 'x'"},
        {"where": "metrics.f1 > 'a'"},
        {"where": "creation_timestamp > 'a'"},
        {"where": "datasets.name = 'd'"},
        {"where": "name = 'a' OR name = 'b'"},
        {"where": "   "},
        {"where": "name = '\0'"},
        {"order_by": [{"field_name": "params.p"}]},
        {"order_by": [{"field_name": "nosuch"}]},
        {"order_by": [{"field_name": "metrics."}]},
        {"order_by": [{"field_name": "metrics.\0"}]},
        {"order_by": [{}]},
        {"order_by": [{"field_name": 4}]},
        {"order_by": [{"field_name": "name", "ascending": "no"}]},
        {"order_by": [{"field_name": "name"}] * 11},
        {"datasets": [{"dataset_digest": "1"}]},
        {"datasets": [{"dataset_name": ["d"]}]},
        {"datasets": [{"dataset_name": "d"}] * 101},
        {"max_results": 0},
        {"max_results": 50_001},
        {"page_token": "zz"},
    ],
)
def test_what_cannot_be_searched_for_is_refused(corpus: Corpus, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidFilter):
        found(corpus, **given)


def test_pages_follow_each_other_without_overlap(corpus: Corpus) -> None:
    models, ids = corpus
    first = models.search([ids["0"]], max_results=2)
    second = models.search([ids["0"]], max_results=2, page_token=first.next_token)
    assert [one.name for one in (*first, *second)] == ["c", "b", "a"]
    assert second.next_token is None
    assert first.items[0].metrics
    assert models.search(["77", "x", "-1"]).items == ()
