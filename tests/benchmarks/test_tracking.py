"""The measurement of tracking finds what is there, on both sides; how fast is said by the command alone."""

from pathlib import Path

import pytest

from tests.benchmarks.tracking.__main__ import agree, once, rounds, table
from tests.benchmarks.tracking.many_runs import QUESTIONS, fill, measure
from tests.compat.real_mlflow import require_mlflow


def test_every_question_to_many_runs_finds_what_was_put_there(tmp_path: Path) -> None:
    database = tmp_path / "many.db"
    found = measure(database, fill(database, 400, seed=3), rounds=1)
    assert set(found) == set(QUESTIONS)
    counts = {name: count for name, (_, count) in found.items()}
    assert counts["the newest hundred"] == counts["the oldest"] == 100
    assert (counts["nothing"], counts["one name"]) == (0, 1)
    assert 80 <= counts["one metric, half of the runs"] <= 100
    assert 0 < counts["a common param"] < 100


def test_our_client_does_all_works_and_leaves_one_version_in_production(tmp_path: Path) -> None:
    told = once("modelpack", tmp_path / "ours", 0.02)
    assert told["in production"] == [2]
    assert all(told[name] > 0 for name in told if name.endswith("/s"))


@pytest.mark.long
@pytest.mark.mlflow
def test_both_clients_find_the_same(tmp_path: Path) -> None:
    require_mlflow()
    seen = rounds(tmp_path, 1, 0.02)
    assert agree(seen)
    assert len(table(seen).splitlines()) == 8
    seen["mlflow"][0]["hits"] += 1
    assert not agree(seen), "a difference must show"
