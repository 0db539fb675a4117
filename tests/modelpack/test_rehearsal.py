"""A saved model, loaded and asked in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import modelpack
from modelpack.rehearsal import rehearse
from tests.modelpack.small import Doubler, frame, saved


def test_a_rehearsal_tells_what_was_imported_and_by_whom(tmp_path: Path) -> None:
    def model(rows: pd.DataFrame) -> list[float]:
        import fractions
        import statistics

        return [float(statistics.mean(rows[0]) + fractions.Fraction(1, 2))]

    path = modelpack.save(model, tmp_path / "model", input_example=[1.0, 2.0], requirements=[]).path
    told = rehearse(path)
    assert told is not None
    assert {"statistics", "fractions"} <= told.direct
    assert told.direct <= told.imported
    assert "numpy" in told.imported
    assert "numpy" not in told.direct
    assert not {"pytest", "sklearn", "pydantic"} & told.imported


def test_a_rehearsal_leaves_the_directory_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("FACTOR = 2\n")
    path = saved(tmp_path / "model", model=Doubler(), code_paths=[tmp_path / "beside.py"])
    assert rehearse(path) is not None
    assert modelpack.open_model(path).findings() == []


@pytest.mark.parametrize("damage", ["MLmodel", "python_model.pkl"])
def test_a_rehearsal_that_fails_answers_nothing(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = saved(tmp_path / "model", model=Doubler(), input_example=frame().head(1))
    (path / damage).write_bytes(b"")
    assert rehearse(path) is None
    assert "rehearsal failed" in caplog.text


def test_what_a_model_prints_does_not_disturb(tmp_path: Path) -> None:
    def model(rows: pd.DataFrame) -> pd.DataFrame:
        print('{"imported": []}')
        return rows

    path = modelpack.save(model, tmp_path / "model", input_example=[1.0], requirements=[]).path
    told = rehearse(path)
    assert told is not None
    assert told.imported


def test_the_process_is_this_interpreter_and_this_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "modelpack.rehearsal"], capture_output=True, text=True, timeout=60, check=False
    )
    assert "IndexError" in done.stderr
