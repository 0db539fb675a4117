"""A search finds what the grammar says, whichever way is taken to it, in the order that is asked for."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from modelpack.errors import InvalidFilter
from modelpack.tracking import search_runs
from modelpack.tracking.records import Metric, Run, ViewType
from modelpack.tracking.sql_store import SqlTrackingStore

SEED = 20261123


@pytest.fixture(scope="module")
def runs(shared_store: SqlTrackingStore) -> list[Run]:
    """Sixty runs of one experiment, some without a metric, some whose metric is no number."""
    print("seed", SEED)
    store = shared_store
    chance = random.Random(SEED)
    experiment = store.create_experiment("some", tags={})
    made = []
    for number in range(60):
        run = store.create_run(
            experiment,
            run_name=f"run {number}",
            start_time=chance.randrange(20),
            tags={"team": "ab"[number % 2]},
        ).info.run_id
        points = [Metric("b", chance.choice([0.5, 1.5]), 1)]
        if number % 5:
            points.append(Metric("a", math.nan if number % 7 == 0 else chance.randrange(10) / 10, 1))
        params = {"depth": str(number % 4), **({"only": "Some%Text"} if number % 3 == 0 else {})}
        params |= {"odd": "\ud7ff\U0010ffff\U0010ffff"} if number % 4 == 0 else {}
        store.log_batch(run, metrics=points, params=params)
        if number % 11 == 0:
            store.delete_run(run)
        made.append(store.get_run(run))
    return made


@pytest.fixture(params=[0, 10**6], ids=["runs looked at", "runs fetched"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_runs, "FEW", request.param)


def a(run: Run) -> float | None:
    return run.data.metrics.get("a")


def b(run: Run) -> float:
    return run.data.metrics["b"]


def team(run: Run) -> str:
    return run.data.tags["team"]


WHERE: list[tuple[str, Callable[[Run], bool]]] = [
    ("", lambda _: True),
    ("metrics.a > 0.5", lambda r: (a(r) or 0) > 0.5),
    ("metrics.a <= 0.3", lambda r: a(r) is not None and a(r) <= 0.3),  # type: ignore[operator]
    ("metrics.a = 0.4", lambda r: a(r) == 0.4),
    ("metrics.a != 0.4", lambda r: a(r) is not None and a(r) != 0.4),
    ("metrics.a < 5 AND metrics.b = 0.5", lambda r: (a(r) or 0) < 5 and a(r) is not None and b(r) == 0.5),
    ("metrics.a IS NULL", lambda r: a(r) is None),
    ("metrics.a IS NOT NULL", lambda r: a(r) is not None),
    ("params.depth = '3'", lambda r: r.data.params["depth"] == "3"),
    ("params.only = 'Some%Text'", lambda r: "only" in r.data.params),
    ("params.only LIKE 'some%'", lambda _: False),
    ("params.only LIKE 'Some%'", lambda r: "only" in r.data.params),
    ("params.only LIKE 'Some_Te%' AND run_name = 'run 3'", lambda r: r.info.run_name == "run 3"),
    ("params.only LIKE 'Somf%'", lambda _: False),
    ("params.odd LIKE '\ud7ff%'", lambda r: "odd" in r.data.params),
    ("params.odd LIKE '\ud7ff\U0010ffff%'", lambda r: "odd" in r.data.params),
    ("run_name = 'run 7'", lambda r: r.info.run_name == "run 7"),
    ("params.only ILIKE 'some%'", lambda r: "only" in r.data.params),
    ("params.only IS NULL", lambda r: "only" not in r.data.params),
    ("params.only != 'x'", lambda r: "only" in r.data.params),
    ("tags.team = 'a' and params.depth = '2'", lambda r: team(r) == "a" and r.data.params["depth"] == "2"),
    ("tags.`mlflow.runName` = 'run 7'", lambda r: r.info.run_name == "run 7"),
    ("attributes.run_name LIKE 'run 1%'", lambda r: r.info.run_name.startswith("run 1")),
    ("run_name IN ('run 1', 'run 2')", lambda r: r.info.run_name in ("run 1", "run 2")),
    ("start_time >= 10 AND status = 'RUNNING'", lambda r: r.info.start_time >= 10),
]  # fmt: skip


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize(("where", "holds"), WHERE, ids=[one[0] or "all" for one in WHERE])
def test_what_is_found_is_what_the_filter_holds_for(
    shared_store: SqlTrackingStore, runs: list[Run], where: str, holds: Callable[[Run], bool]
) -> None:
    wanted = [run for run in runs if run.info.lifecycle_stage == "active" and holds(run)]
    found = shared_store.search_runs([runs[0].info.experiment_id], where).items
    in_order = sorted(wanted, key=lambda run: (-run.info.start_time, run.info.run_id))
    # By their text: what is no number does not equal itself.
    assert [repr(run) for run in found] == [repr(run) for run in in_order]


def by_a(run: Run, *, descending: bool) -> tuple[Any, ...]:
    value = a(run)
    missing, no_number = value is None, value is not None and math.isnan(value)
    known = 0.0 if missing or no_number else float(value or 0)
    return missing, no_number, -known if descending else known


ORDERS: list[tuple[list[str], Callable[[Run], tuple[Any, ...]]]] = [
    (["metrics.a DESC"], lambda r: by_a(r, descending=True)),
    (["metrics.a ASC"], lambda r: by_a(r, descending=False)),
    (["metrics.a"], lambda r: by_a(r, descending=False)),
    (["params.depth ASC", "metrics.a DESC"], lambda r: (r.data.params["depth"], *by_a(r, descending=True))),
    (["start_time ASC"], lambda r: (r.info.start_time,)),
    (["attributes.run_name ASC"], lambda r: (r.info.run_name,)),
]


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize(("order", "key"), ORDERS, ids=[" ".join(one[0]) for one in ORDERS])
@pytest.mark.parametrize("where", ["", "metrics.b = 0.5"])
def test_pages_follow_each_other_in_the_order_that_is_asked_for(
    shared_store: SqlTrackingStore,
    runs: list[Run],
    order: list[str],
    key: Callable[[Run], tuple[Any, ...]],
    where: str,
) -> None:
    holds = [run for run in runs if run.info.lifecycle_stage == "active" and (not where or b(run) == 0.5)]
    by_start = any("start_time" in one for one in order)
    wanted = sorted(
        holds,
        key=lambda run: (*key(run), *(() if by_start else (-run.info.start_time,)), run.info.run_id),
    )
    seen: list[str] = []
    token = None
    while True:
        page = shared_store.search_runs(
            [runs[0].info.experiment_id], where, order_by=order, max_results=7, page_token=token
        )
        seen += [run.info.run_id for run in page.items]
        token = page.next_token
        if token is None:
            break
    assert seen == [run.info.run_id for run in wanted]


@pytest.mark.parametrize(
    ("view", "stages"),
    [
        (ViewType.ACTIVE_ONLY, {"active"}),
        (ViewType.DELETED_ONLY, {"deleted"}),
        (ViewType.ALL, {"active", "deleted"}),
    ],
)
def test_deleted_runs_are_shown_to_who_asks(
    shared_store: SqlTrackingStore, runs: list[Run], view: int, stages: set[str]
) -> None:
    found = shared_store.search_runs([runs[0].info.experiment_id], view=view).items
    assert {run.info.lifecycle_stage for run in found} == stages


def test_with_an_experiment_its_runs_are_hidden(store: SqlTrackingStore) -> None:
    experiment = store.create_experiment("some", tags={})
    for start in range(3):
        store.create_run(experiment, start_time=start, tags={})
    assert len(store.search_runs([experiment]).items) == 3
    store.delete_experiment(experiment)
    assert store.search_runs([experiment]).items == ()
    assert len(store.search_runs([experiment], view=ViewType.DELETED_ONLY).items) == 3
    assert store.search_runs(["0"], view=ViewType.ALL).items == ()
    assert store.search_runs([]).items == ()


WRONG: Sequence[str] = [
    "metrics.a > '1'", "metrics.a LIKE 'x'", "params.depth > 3", "colour = 'red'",
    "metrics.a > 1 OR metrics.b > 1", "start_time = 'x'", "datasets.colour = 'x'", "   ",
    "params.depth = '\0'",
]  # fmt: skip


@pytest.mark.parametrize("where", WRONG)
def test_what_cannot_be_asked_is_refused(shared_store: SqlTrackingStore, where: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        shared_store.search_runs(["0"], where)
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("order", ["colour", "metrics.a SIDEWAYS", "datasets.name"])
def test_an_order_that_cannot_be_is_refused(shared_store: SqlTrackingStore, order: str) -> None:
    with pytest.raises(InvalidFilter):
        shared_store.search_runs(["0"], order_by=[order])
