"""The contract of a tracking store, as tests.

Subclass it and give it the one fixture::

    class TestMyStore(TrackingStoreContract):
        @pytest.fixture
        def store(self) -> TrackingStore:
            return MyStore(...)     # it may hold other experiments; each test makes its own
"""

# ruff: noqa: S101 - these are tests: they assert

import math
import uuid

import pytest

from modelpack.errors import AlreadyExists, Conflict, InvalidFilter, InvalidName, NotFound
from modelpack.tracking.records import Dataset, DatasetInput, Metric, Run, ViewType
from modelpack.tracking.store import TrackingStore

NOBODY = "0" * 32


class TrackingStoreContract:
    """What TrackingStore promises."""

    @pytest.fixture
    def store(self) -> TrackingStore:
        """A store, empty or not."""
        raise NotImplementedError("a subclass gives its store")

    @pytest.fixture
    def experiment(self, store: TrackingStore) -> str:
        """The id of a new experiment."""
        return store.create_experiment(_name(), tags={})

    def test_an_experiment_is_what_was_entered(self, store: TrackingStore) -> None:
        name = _name()
        made = store.create_experiment(name, tags={"team": "growth", "a key": "it's"})
        met = store.get_experiment(made)
        assert (met.experiment_id, met.name, met.lifecycle_stage) == (made, name, "active")
        assert met.tags == {"team": "growth", "a key": "it's"}
        assert met.artifact_location
        assert store.get_experiment_by_name(name) == met
        assert store.get_experiment_by_name(_name()) is None
        with pytest.raises(AlreadyExists):
            store.create_experiment(name, tags={})

    def test_an_experiment_is_renamed_tagged_hidden_and_shown(
        self, store: TrackingStore, experiment: str
    ) -> None:
        name = _name()
        store.rename_experiment(experiment, name)
        store.set_experiment_tag(experiment, "team", "growth")
        store.set_experiment_tag(experiment, "team", "risk")
        met = store.get_experiment(experiment)
        assert (met.name, met.tags["team"]) == (name, "risk")
        store.delete_experiment_tag(experiment, "team")
        assert "team" not in store.get_experiment(experiment).tags
        where = f"name = '{name}'"
        store.delete_experiment(experiment)
        assert store.get_experiment(experiment).lifecycle_stage == "deleted"
        assert store.search_experiments(where).items == ()
        assert len(store.search_experiments(where, view=ViewType.ALL)) == 1
        with pytest.raises(NotFound):
            store.delete_experiment(experiment)
        with pytest.raises(Conflict):
            _begun(store, experiment)
        store.restore_experiment(experiment)
        assert [one.name for one in store.search_experiments(where)] == [name]

    @pytest.mark.parametrize("name", ["", "x" * 501])
    def test_a_name_that_none_may_bear_is_refused(self, store: TrackingStore, name: str) -> None:
        with pytest.raises(InvalidName):
            store.create_experiment(name, tags={})

    def test_a_run_begins_goes_on_and_ends(self, store: TrackingStore, experiment: str) -> None:
        run = store.create_run(experiment, run_name="first", start_time=1_000, tags={"a": "b"})
        info = run.info
        assert (info.run_name, info.experiment_id, info.status) == ("first", experiment, "RUNNING")
        assert (info.start_time, info.end_time, info.lifecycle_stage) == (1_000, None, "active")
        assert run.data.tags["a"] == "b"
        ended = store.update_run(info.run_id, status="FINISHED", end_time=2_000, run_name="second")
        assert (ended.status, ended.end_time, ended.run_name) == ("FINISHED", 2_000, "second")
        met = store.get_run(info.run_id)
        assert met.info == ended
        assert met.data.tags["mlflow.runName"] == "second"
        assert _begun(store, experiment).info.run_name

    def test_what_is_logged_comes_back_once(self, store: TrackingStore, experiment: str) -> None:
        run = _begun(store, experiment).info.run_id
        points = [Metric("loss", 0.5, 10, 1), Metric("loss", 0.25, 11, 2), Metric("f1", 0.1, 5, 0)]
        for _ in range(2):
            store.log_batch(run, metrics=points, params={"depth": 4}, tags={"note": "x"})
        store.log_batch(run, metrics=[Metric("odd", math.nan, 1), Metric("wide", 1e300, 1)])
        met = store.get_run(run).data
        assert met.params == {"depth": "4"}
        assert met.tags["note"] == "x"
        assert math.isnan(met.metrics["odd"])
        assert {key: met.metrics[key] for key in ("loss", "f1", "wide")} == {
            "loss": 0.25,
            "f1": 0.1,
            "wide": 1e300,
        }
        assert store.metric_history(run, "loss").items == tuple(points[:2])
        assert store.metric_history(run, "nothing").items == ()
        store.delete_tag(run, "note")
        with pytest.raises(NotFound):
            store.delete_tag(run, "note")

    def test_a_param_never_changes(self, store: TrackingStore, experiment: str) -> None:
        run = _begun(store, experiment).info.run_id
        store.log_batch(run, params={"depth": 4})
        with pytest.raises(Conflict):
            store.log_batch(run, params={"depth": 5})
        assert store.get_run(run).data.params == {"depth": "4"}

    @pytest.mark.parametrize("key", ["", "../up", "a//b", "a?", "k" * 251])
    def test_a_key_that_none_may_bear_is_refused(
        self, store: TrackingStore, experiment: str, key: str
    ) -> None:
        run = _begun(store, experiment).info.run_id
        with pytest.raises(InvalidName):
            store.log_batch(run, params={key: 1})
        with pytest.raises(InvalidName):
            store.log_batch(run, metrics=[Metric(key, 1.0, 1)])
        assert store.get_run(run).data.params == {}

    def test_a_history_comes_in_pages(self, store: TrackingStore, experiment: str) -> None:
        run = _begun(store, experiment).info.run_id
        points = tuple(Metric("m", step / 4, 1_000 + step, step) for step in range(5))
        store.log_batch(run, metrics=points[::-1])
        first = store.metric_history(run, "m", max_results=3)
        rest = store.metric_history(run, "m", max_results=3, page_token=first.next_token)
        assert (first.items, rest.items, rest.next_token) == (points[:3], points[3:], None)

    def test_a_hidden_run_takes_nothing_until_it_is_shown(
        self, store: TrackingStore, experiment: str
    ) -> None:
        run = _begun(store, experiment).info.run_id
        store.delete_run(run)
        assert store.get_run(run).info.lifecycle_stage == "deleted"
        assert store.search_runs([experiment]).items == ()
        with pytest.raises(Conflict):
            store.log_batch(run, params={"a": 1})
        store.restore_run(run)
        store.log_batch(run, params={"a": 1})
        assert [one.info.run_id for one in store.search_runs([experiment])] == [run]

    def test_datasets_are_noted_once(self, store: TrackingStore, experiment: str) -> None:
        run = _begun(store, experiment).info.run_id
        used = DatasetInput(
            dataset=Dataset(name="customers", digest="1f0a", source_type="local", source="{}"),
            tags={"mlflow.data.context": "training"},
        )
        for _ in range(2):
            store.log_inputs(run, [used])
        assert list(store.get_run(run).inputs.dataset_inputs) == [used]

    def test_runs_are_found_ordered_and_paged(self, store: TrackingStore, experiment: str) -> None:
        for depth in range(5):
            run = _begun(store, experiment, start_time=1_000 + depth).info.run_id
            store.log_batch(run, metrics=[Metric("f1", depth / 10, 1)], params={"depth": depth})

        def depths(where: str, *order_by: str) -> str:
            found = store.search_runs([experiment], where, order_by=order_by)
            return "".join(one.data.params["depth"] for one in found)

        assert depths("") == "43210"
        assert depths("metrics.f1 >= 0.2", "metrics.f1 ASC") == "234"
        assert depths("params.depth = '3' AND attributes.status = 'RUNNING'") == "3"
        assert depths("", "params.depth DESC") == "43210"
        first = store.search_runs([experiment], max_results=3)
        rest = store.search_runs([experiment], max_results=3, page_token=first.next_token)
        assert [one.data.params["depth"] for one in (*first, *rest)] == list("43210")
        assert rest.next_token is None

    @pytest.mark.parametrize(
        "where", ["metrics.f1 > 'a'", "nosuch = 'x'", "params.p = 'a' OR params.p = 'b'"]
    )
    def test_what_cannot_be_searched_for_is_refused(
        self, store: TrackingStore, experiment: str, where: str
    ) -> None:
        with pytest.raises(InvalidFilter):
            store.search_runs([experiment], where)

    def test_what_is_not_there_is_not_found(self, store: TrackingStore) -> None:
        for act in (
            lambda: store.get_experiment("999999999"),
            lambda: store.delete_experiment("999999999"),
            lambda: _begun(store, "999999999"),
            lambda: store.get_run(NOBODY),
            lambda: store.update_run(NOBODY, status="FINISHED"),
            lambda: store.log_batch(NOBODY, params={"a": 1}),
            lambda: store.metric_history(NOBODY, "m"),
        ):
            with pytest.raises(NotFound):
                act()


def _name() -> str:
    return f"contract-{uuid.uuid4().hex}"


def _begun(store: TrackingStore, experiment: str, *, start_time: int = 1_000) -> Run:
    return store.create_run(experiment, start_time=start_time, tags={})
