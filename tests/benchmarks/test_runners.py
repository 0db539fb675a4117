"""The comparison of runners, with small counts: what must hold of ours, and never a time."""

from dataclasses import replace
from pathlib import Path

import pytest

from serving.bench.driver import Tally
from tests.benchmarks.malformed import CASES, Met
from tests.benchmarks.preparing import Prepared, prepare
from tests.benchmarks.runners import RUNNERS, Amount, Measured, compare, lost, table
from tests.benchmarks.servers import HERE, Server
from tests.benchmarks.subjects import churn
from tests.benchmarks.summary import summarize
from tests.benchmarks.test_figures import run_of
from tests.benchmarks.works import Work

AT_HAND = [replace(one, environment=HERE) for name, one in RUNNERS.items() if name != "uvicorn-worker"]
QUICK = [case for case in CASES if "silence" not in case.name]
SHORT = Amount(
    rounds=1,
    seconds=0.3,
    reloads=1,
    stops=1,
    pause=1.0,
    driver="python",
    works=(Work("churn", rows=1, concurrency=4),),
    cases=tuple(QUICK),
    deadline=5.0,
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("runners") / "churn"
    return prepare(churn(trees=10), folder, AT_HAND, certify={"rows": 2_000})


@pytest.mark.long
@pytest.mark.parametrize("runner", AT_HAND, ids=lambda runner: runner.name)
def test_a_runner_answers_rightly_while_it_is_reloaded_and_stopped(
    runner: Server, prepared: Prepared, tmp_path: Path
) -> None:
    (made,) = compare([runner], prepared, tmp_path, SHORT)
    assert [summary.faults for summary in made.speed] == [()]
    for tally in [made.reloads, *made.stops]:
        assert tally.right > 0
        assert tally.wrong == 0
    assert [met.outcome for met in made.malformed if met.case.name.startswith("ordinary")] == ["answered"] * 4
    if runner.name == "ours":
        assert lost(made.reloads) == 0
        assert [tally.broken for tally in made.stops] == [0]
        assert [(met.case.name, met.outcome) for met in made.malformed if not met.is_right] == []


def test_the_table_says_what_was_lost_and_what_was_let_through() -> None:
    summary = summarize([run_of("ours", 1000.0)])[0]
    strict, lax = Met(CASES[4], "refused"), Met(CASES[4], "answered")
    measured = [
        Measured(
            runner=RUNNERS["ours"],
            speed=[summary],
            reloads=Tally(right=90),
            stops=[Tally(right=8, statuses={"503": 2}), Tally(right=10)],
            malformed=[strict, strict],
        ),
        Measured(
            runner=RUNNERS["uvicorn"],
            speed=[replace(summary, faults=("wrong answer",))],
            reloads=Tally(right=90, broken=7, refused=3),
            stops=[Tally(broken=1)],
            malformed=[strict, lax],
        ),
    ]
    head, _, ours, other, _, *below = table(measured).splitlines()
    assert head.startswith("| runner | churn-1x16 requests/s | p99 ms | lost by SIGHUP |")
    assert ours == "| ours | 1,000 | 1 | 0 of 90 | 2 x 503 of 20 | 0 of 2 |"
    assert (
        other == "| uvicorn | 1,000 | 1 | 7 broken off, 3 not connected of 100 | 1 broken off of 1 | 1 of 2 |"
    )
    assert below == [
        "- ours, against expectation: nothing",
        "- uvicorn, churn-1x16: wrong answer",
        f"- uvicorn, against expectation: {CASES[4].name} (answered)",
    ]
