"""Figures: the order of runs, medians, verdicts, and the tables that show them."""

import json
import math
from collections import Counter

import pytest

from tests.benchmarks.goals import BEST_PEER, GOALS, Goal, judge
from tests.benchmarks.load import Load
from tests.benchmarks.report import Setting, as_json, goals_markdown, markdown
from tests.benchmarks.runs import Run, Step, order
from tests.benchmarks.servers import SERVERS
from tests.benchmarks.summary import Summary, summarize
from tests.benchmarks.works import WORKS

WORK = WORKS["churn-1x16"]


def run_of(server: str, rate: float, *, number: int = 1, fault: str = "", work: str = WORK.name) -> Run:
    """A run with figures that follow from its *rate*."""
    load = Load(requests=round(rate * 10), seconds=10.0, p50=0.001, p99=1 / rate)
    return Run(
        step=Step(number, WORKS[work], SERVERS[server]),
        start=100 / rate,
        load=load,
        memory=50 << 20,
        processor=1e-4,
        others=0.25,
        processes=3,
        fault=fault,
    )


def _summaries(**rates: float) -> list[Summary]:
    return summarize([run_of(name.replace("_", "-"), rate) for name, rate in rates.items()])


def test_every_round_meets_every_able_server_at_every_work_once() -> None:
    works = [WORKS["churn-1x1"], WORKS["telco-1x16"]]
    visits = order(list(SERVERS.values()), works, rounds=3, seed=7)
    steps = [step for visit in visits for step in visit.steps]
    met = Counter((step.round, step.work.name, step.server.name) for step in steps)
    assert set(met.values()) == {1}
    able = sum(1 for server in SERVERS.values() for work in works if work.model in server.models)
    assert len(steps) == 3 * able
    assert not any(step.server.name == "mlserver-tensor" and step.work.model == "telco" for step in steps)


def test_a_server_is_started_once_a_round_for_all_works_of_a_model() -> None:
    visits = order(list(SERVERS.values()), list(WORKS.values()), rounds=2, seed=7)
    met = Counter((visit.round, visit.works[0].model, visit.server.name) for visit in visits)
    assert set(met.values()) == {1}
    assert all(len({work.model for work in visit.works}) == 1 for visit in visits)
    assert [visit.round for visit in visits] == sorted(visit.round for visit in visits)


def test_a_server_is_asked_only_what_it_is_there_for() -> None:
    works = [WORKS["churn-1x1"], WORKS["churn-1x64"], WORKS["telco-1x16"]]
    wanted = {SERVERS["ours"]: works[1:], SERVERS["empty"]: works}
    visits = order(list(wanted), works, rounds=1, seed=7, asked=lambda server, work: work in wanted[server])
    assert {(visit.server.name, work.name) for visit in visits for work in visit.works} == {
        *(("ours", name) for name in ("churn-1x64", "telco-1x16")),
        *(("empty", work.name) for work in works),
    }


def test_the_order_is_the_seed_s() -> None:
    first, again, other = (
        [visit.server.name for visit in order(list(SERVERS.values()), [WORK], rounds=2, seed=seed)]
        for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_summary_is_the_median_of_the_runs_that_count() -> None:
    rates = [100.0, 900.0, 200.0]
    runs = [run_of("ours", rate, number=number) for number, rate in enumerate(rates)]
    (one,) = summarize([*runs, run_of("ours", 5.0, fault="wrong answer: all of it")])
    assert (one.rate, one.lowest, one.highest, one.runs) == (200.0, 100.0, 900.0, 3)
    assert one.faults == ("wrong answer: all of it",)


def test_a_server_of_which_no_run_counts_has_no_figures() -> None:
    (one,) = summarize([run_of("ours", 5.0, fault="errors under load: 3 status")])
    assert one.runs == 0
    assert math.isnan(one.rate)


def _goal(against: str, bound: float, *, at_most: bool = False) -> Goal:
    return Goal(what="a goal", work=WORK.name, server="ours", against=against, bound=bound, at_most=at_most)


@pytest.mark.parametrize(
    ("goal", "word", "measured"),
    [
        pytest.param(_goal("mlflow", 10), "met", 10.0, id="just met"),
        pytest.param(_goal("mlflow", 12.5), "missed by 20%", 10.0, id="missed"),
        pytest.param(_goal("mlflow", 8, at_most=True), "missed by 25%", 10.0, id="too much"),
        pytest.param(_goal(BEST_PEER, 5), "met", 5.0, id="the best of the peers, not a limit"),
        pytest.param(_goal("ray", 1), "not measured", math.nan, id="nothing to compare with"),
    ],
)
def test_a_verdict_compares_a_ratio_with_its_bound(goal: Goal, word: str, measured: float) -> None:
    (verdict,) = judge(_summaries(ours=1000.0, mlflow=100.0, bentoml=200.0, empty=9000.0), [goal])
    assert verdict.word == word
    assert verdict.measured == pytest.approx(measured, nan_ok=True)


def test_goals_name_servers_and_works_that_are() -> None:
    for goal in GOALS:
        assert goal.work in WORKS
        assert goal.server in SERVERS
        assert goal.against in {*SERVERS, BEST_PEER}


SETTING = Setting(
    date="2026-11-22 20:00 UTC",
    machine="2 cores",
    command="python -m tests.benchmarks",
    driver="wrk",
    rounds=3,
    seconds=5.0,
    seed=1,
    versions={"ours": "modelpack 1.0"},
    absent={"ray": ".venv-bench/ray is not set up: make bench"},
    planned=5,
)


def test_the_table_holds_figures_ratios_and_faults() -> None:
    runs = [
        run_of("mlflow", 100.0),
        run_of("empty", 10_000.0),
        run_of("ours", 5000.0),
        run_of("bare", 1.0, fault="x\ny"),
    ]
    text = markdown(SETTING, runs, summarize(runs))
    rows = [line for line in text.splitlines() if line.startswith("| churn")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row[1] for row in cells] == ["empty", "ours", "mlflow", "bare"]
    assert cells[1] == [
        *("churn-1x16", "ours", "5,000", "5,000 to 5,000", "50", "0.5"),
        *("1", "0.2", "0.1", "0.02", "50", "1"),
    ]
    assert cells[3][-1] == "0 of 1"
    assert "- churn-1x16, bare: x\n" in text
    assert "ray: not measured, .venv-bench/ray is not set up" in text
    assert "25% of the machine" in text
    assert "over after 4 of 5 runs" in text


def test_works_stand_in_their_own_order_however_they_were_measured() -> None:
    runs = [run_of("ours", 9.0, work=name) for name in ("telco-1x16", "churn-1x64", "churn-1x1")]
    text = markdown(SETTING, runs, summarize(runs))
    met = [line.split()[1] for line in text.splitlines() if line.startswith(("| churn", "| telco"))]
    assert met == ["churn-1x1", "churn-1x64", "telco-1x16"]


def test_the_goals_are_shown_with_their_figures() -> None:
    goals = [_goal("mlflow", 10), _goal("ray", 2)]
    lines = goals_markdown(judge(_summaries(ours=1000.0, mlflow=80.0), goals)).splitlines()
    assert lines[2].endswith("12.5 \N{MULTIPLICATION SIGN} mlflow | met |")
    assert lines[3].endswith("| not measured |")


def test_the_json_holds_every_run_and_no_nan() -> None:
    runs = [
        run_of("ours", 5.0),
        Run(step=Step(2, WORK, SERVERS["ours"]), fault="it ended before it answered"),
    ]
    told = json.loads(as_json(SETTING, runs, judge([])), parse_constant=pytest.fail)
    assert [run["fault"] for run in told["runs"]] == ["", "it ended before it answered"]
    assert told["runs"][0]["rate"] == 5.0
    assert told["runs"][1]["start"] is None
    assert told["setting"]["seed"] == 1
