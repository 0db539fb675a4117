"""The short form: our servers and the limits, a second each; right answers are asserted, and never a time."""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks import processes
from tests.benchmarks.load import DRIVERS, has_wrk
from tests.benchmarks.machine import what_hinders
from tests.benchmarks.preparing import Prepared, prepare
from tests.benchmarks.runs import Plan, Run, Step, Visit, run, visit
from tests.benchmarks.servers import HERE, ROOT, SERVERS, Server
from tests.benchmarks.subjects import SUBJECTS, Absent, Subject, churn
from tests.benchmarks.works import Work

WORK = Work("churn", rows=3, concurrency=4)
AT_HAND = [server for server in SERVERS.values() if server.environment == HERE and server.usual]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A small forest, saved for the servers that run in this environment."""
    folder = tmp_path_factory.mktemp("bench") / "churn"
    ready = prepare(churn(trees=10), folder, AT_HAND, certify={"rows": 2_000})
    assert ready.uncertified == ""
    return ready


def _measured(server: Server, prepared: Prepared, folder: Path, *, driver: str = "") -> Run:
    chosen = driver or ("wrk" if has_wrk() else "python")
    plan = Plan(driver=DRIVERS[chosen], seconds=0.5, warm=0.1, patience=90)
    return run(Step(1, WORK, server), prepared, plan, folder / "run")


FEW = ("ours", "empty")
"""Of the servers at hand those that are asked each time."""

ASKED = [server if server.name in FEW else pytest.param(server, marks=pytest.mark.long) for server in AT_HAND]


@pytest.mark.parametrize("server", ASKED, ids=lambda server: server.name)
def test_a_server_answers_as_the_model_does_before_and_after_load(
    server: Server, prepared: Prepared, tmp_path: Path
) -> None:
    assert what_hinders(server) == ""
    made = _measured(server, prepared, tmp_path)
    assert made.fault == ""
    assert made.load.requests > 0
    assert made.memory > 0
    assert made.processes >= 2


def test_the_driver_in_python_finds_the_same_server_right(prepared: Prepared, tmp_path: Path) -> None:
    made = _measured(SERVERS["bare"], prepared, tmp_path, driver="python")
    assert made.fault == ""
    assert made.load.requests > 0


def test_a_wrong_answer_is_found(prepared: Prepared, tmp_path: Path) -> None:
    liar = replace(SERVERS["empty"], answers="model")
    assert _measured(liar, prepared, tmp_path).fault.startswith("wrong answer: 1 labels for 3 rows")


def test_a_server_that_ends_is_not_waited_for(prepared: Prepared, tmp_path: Path) -> None:
    dead = replace(SERVERS["empty"], command=("{bin}/python", "-c", "raise SystemExit('no such luck')"))
    fault = _measured(dead, prepared, tmp_path).fault
    assert "it ended before it answered" in fault
    assert "no such luck" in fault


def test_a_server_that_cannot_be_started_is_a_fault_of_its_run(prepared: Prepared, tmp_path: Path) -> None:
    missing = replace(SERVERS["empty"], command=("{bin}/no-such-program",))
    assert "cannot be started" in _measured(missing, prepared, tmp_path).fault


_WEARY = """
from asgi_empty import app as empty

answered = 0

async def app(scope, receive, send):
    global answered
    answered += 1

    async def worse(message):
        if "status" in message and answered > 50:
            message["status"] = 503
        await send(message)

    await empty(scope, receive, worse)
"""


def test_errors_under_load_make_a_run_invalid(prepared: Prepared, tmp_path: Path) -> None:
    (tmp_path / "weary.py").write_text(_WEARY)
    command = tuple(word.replace("asgi_empty:app", "weary:app") for word in SERVERS["empty"].command)
    weary = replace(SERVERS["empty"], command=command, variables={"PYTHONPATH": str(tmp_path)})
    fault = _measured(weary, prepared, tmp_path).fault
    assert fault.startswith("errors under load: ")
    assert " status" in fault


@pytest.mark.long
def test_a_server_that_failed_at_one_work_is_started_anew_for_the_next(
    prepared: Prepared, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    (tmp_path / "once.py").write_text(f"open({str(starts)!r}, 'a').write('x')\n{_WEARY}")
    command = tuple(word.replace("asgi_empty:app", "once:app") for word in SERVERS["empty"].command)
    once = replace(
        SERVERS["empty"], command=(*command, "--workers", "1"), variables={"PYTHONPATH": str(tmp_path)}
    )
    works = (WORK, Work("churn", rows=1, concurrency=1), Work("churn", rows=2, concurrency=1))
    plan = Plan(driver=DRIVERS["python"], seconds=0.5, warm=0.1, patience=90)
    told: list[Run] = []
    made = visit(Visit(1, once, works), prepared, plan, tmp_path / "run", tell=told.append)
    assert [run.step.work for run in made] == list(works)
    assert made == told
    assert all(" status" in run.fault for run in made)
    assert starts.read_text() == "xxx"


def test_a_server_that_does_not_start_is_not_tried_for_each_work(prepared: Prepared, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    dies = f"open({str(starts)!r}, 'a').write('x'); raise SystemExit('no such luck')"
    dead = replace(SERVERS["empty"], command=("{bin}/python", "-c", dies))
    plan = Plan(driver=DRIVERS["python"], seconds=0.5, warm=0.1, patience=90)
    works = (WORK, Work("churn", rows=1, concurrency=1))
    made = visit(Visit(1, dead, works), prepared, plan, tmp_path / "run")
    assert ["no such luck" in run.fault for run in made] == [True, True]
    assert starts.read_text() == "x"


@pytest.mark.long
def test_a_harness_that_is_ended_takes_its_server_with_it(tmp_path: Path) -> None:
    words = ["--servers", "empty", "--works", "churn-1x1", "--driver", "python", "--seconds", "99"]
    harness = processes.start(
        [sys.executable, "-m", "tests.benchmarks", *words],
        folder=ROOT,
        variables={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)},
        log=tmp_path / "said.log",
    )
    deadline = time.monotonic() + 120
    while len(processes.family(harness)) < 3:
        assert time.monotonic() < deadline, harness.said()
        assert harness.child.poll() is None, harness.said()
        time.sleep(0.1)
    members = processes.family(harness)
    harness.child.terminate()
    code = harness.child.wait(timeout=60)
    left = [one for one in members if processes.is_alive(one)]
    processes.stop(harness)
    assert code == 128 + signal.SIGTERM, harness.said()
    assert left == []
    assert list(tmp_path.glob("bench-*")) == []


@pytest.fixture(scope="module")
def telco() -> Subject:
    """Real customers, where their data lies beside the checkout."""
    try:
        return SUBJECTS["telco"]()
    except Absent as error:
        pytest.skip(str(error))


@pytest.mark.long
def test_words_and_numbers_together_are_answered_rightly(telco: Subject, tmp_path: Path) -> None:
    server = SERVERS["ours"]
    ready = prepare(telco, tmp_path / "telco", [server], certify={"rows": 2_000})
    assert ready.uncertified == ""
    plan = Plan(driver=DRIVERS["python"], seconds=0.5, warm=0.1, patience=90)
    made = run(Step(1, Work("telco", rows=20, concurrency=2), server), ready, plan, tmp_path / "run")
    assert made.fault == ""
