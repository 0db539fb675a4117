"""``modelpack bench``: a user's own model, measured and compared with itself."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import modelpack
from modelpack.cli import cli, run
from serving.bench.child import family
from serving.bench.measure import measure, prepare
from serving.bench.plan import Plan
from serving.bench.report import fault
from tests.modelpack.report.reading import read
from tests.serving.bench.servers import alive, command, linux

pytestmark = linux


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model with an example: does the sum of two numbers exceed one?"""
    place = tmp_path_factory.mktemp("bench") / "sums"
    chance = np.random.default_rng(5)
    rows = pd.DataFrame(chance.random((200, 2)), columns=["a", "b"])
    labels = (rows.a + rows.b > 1).astype(int).to_numpy()
    modelpack.save(
        LogisticRegression().fit(rows, labels),
        place,
        signature=modelpack.infer_signature(rows, labels),
        input_example=rows.head(4),
        certify={"rows": 1_000},
    )
    return place


def bench(*arguments: str) -> int:
    return run(cli, ["bench", *arguments], name="modelpack")


SHORT = ("-s", "0.2", "-c", "2")


def test_every_engine_answers_as_the_model_does(
    sums: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "bench.html"
    assert bench("-m", str(sums), *SHORT, "-r", "1,3", "--json", "--report", str(page)) == 0
    said = capfd.readouterr()
    assert f"Wrote {page} (" in said.err
    told = json.loads(said.out)
    met = [(one["engine"], one["rows"], one["concurrency"]) for one in told]
    assert met == [("native", 1, 2), ("native", 3, 2), ("onnx", 1, 2), ("onnx", 3, 2)]
    for one in told:
        assert one["right"] > 0
        assert (one["wrong"], one["statuses"], one["broken"], one["refused"]) == (0, {}, 0, 0)
        assert one["requests_per_second"] > 0
        assert 0 < one["p50"] <= one["p95"] <= one["p99"]
        assert one["start"] > 0
        assert one["memory"] > 1 << 20
    found = read(page.read_text())
    assert found.facts["Command"] == f"modelpack bench -m {sums} -w 1 -r 1,3 -c 2 -s 0.2"
    assert found.facts["Right answers"] == f"{sum(one['right'] for one in told):,}"
    assert [[row[0], row[1], row[5]] for row in found.tables["Figures"][1:]] == [
        [one["engine"], str(one["rows"]), f"{one['p50'] * 1e3:.2f}"] for one in told
    ]


def test_a_report_asks_at_more_numbers_of_requests_unless_they_are_given(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Plan] = []
    monkeypatch.setattr("serving.bench.show.show", lambda plan, **more: seen.append(plan))
    for more in (
        (),
        ("--report", str(tmp_path / "r.html")),
        ("--report", str(tmp_path / "r.html"), "-c", "3"),
    ):
        assert bench("-m", str(models / "magic"), *more) == 0
    assert [one.concurrency for one in seen] == [(1, 16, 64), (1, 2, 4, 8, 16, 32, 64), (3,)]


def test_people_get_a_table(models: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ("-m", str(models / "magic"), "--trust", "pickle", *SHORT, "-r", "2", "-w", "2")
    assert bench(*arguments, "--engine", "native") == 0
    said = capfd.readouterr()
    first, headings, *lines = said.out.splitlines()
    assert first.startswith("magic (sha256:")
    assert "2 processes" in first
    assert headings.split()[:2] == ["engine", "rows"]
    assert lines[0].split()[:3] == ["native", "2", "2"]
    assert lines[-1].endswith(" answers were what the model itself says.")
    assert "measuring" in said.err


def test_a_model_that_nothing_certifies_is_measured_natively_and_that_is_said(
    models: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ("-m", str(models / "magic"), "--trust", "pickle", "-s", "0.1", "-c", "1", "-r", "1")
    assert bench(*arguments) == 0
    said = capfd.readouterr().out
    assert "\nnative " in said
    assert "\nonnx " not in said
    assert "\nThe ONNX form was not measured: " in said


@pytest.mark.long
def test_another_method_is_measured_by_its_own_answers(sums: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ("-m", str(sums), "-s", "0.2", "-c", "2", "-r", "2", "--method", "predict_proba")
    assert bench(*arguments, "--json") == 0
    assert all(one["right"] > 0 for one in json.loads(capfd.readouterr().out))


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (["-m", "{models}/cols", "--trust", "pickle"], 1, "no input example"),
        (["-m", "{models}/magic"], 1, "--trust pickle"),
        (["-m", "/nowhere/at/all"], 1, "/nowhere/at/all"),
        (["-m", "{models}/magic", "-r", "0"], 2, "whole numbers from 1 up"),
        (["-m", "{models}/magic", "-c", "1,x"], 2, "whole numbers from 1 up"),
        (["-m", "{models}/magic", "-s", "0"], 2, "0.1"),
        (["-m", "{models}/magic", "--report", "/nowhere/at/all"], 2, "no folder that can be written"),
        (["-m", "{models}/magic", "--report", "{models}/magic/MLmodel"], 1, "no report of modelpack"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(
    models: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, hint: str
) -> None:
    assert bench(*[word.format(models=models) for word in arguments]) == code
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert hint in line


def test_a_server_that_answers_wrongly_now_and_then_is_found(models: Path) -> None:
    plan = Plan(
        reference=str(models / "magic"),
        engines=("native",),
        trust=("pickle",),
        rows=(2,),
        concurrency=(1, 2),
        seconds=0.2,
        warm=0.1,
    )
    subject = prepare(plan)
    right = list(measure(plan, subject, command=lambda *words: command("right")))
    assert fault(right) == ""
    wrong = list(measure(plan, subject, command=lambda *words: command("wrong", 10)))
    assert "answers differ from the model's own" in fault(wrong)


@pytest.mark.parametrize(
    ("sig", "code"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.long),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.long),
        pytest.param(signal.SIGKILL, -9, marks=pytest.mark.long),
    ],
)
def test_whoever_ends_the_command_ends_its_server(
    models: Path, tmp_path: Path, sig: signal.Signals, code: int
) -> None:
    environ = {**os.environ, "MODELPACK_HOME": str(tmp_path)}
    words = ["bench", "-m", str(models / "magic"), "--trust", "pickle", "--engine", "native", "-s", "60"]
    said = tmp_path / "said"
    with said.open("wb") as out:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("modelpack")), *words, "-w", "2"],
            env=environ,
            stdout=out,
            stderr=out,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # some shells ignore it
        )
    try:
        deadline = time.monotonic() + 120
        # The command, the server, its two workers, and the driver.
        while len(members := family(process.pid)) < 5:
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(sig)
        assert process.wait(60) == code
        while any(map(alive, members)):
            assert time.monotonic() < deadline, [pid for pid in members if alive(pid)]
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
