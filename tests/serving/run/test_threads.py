"""Libraries start as many threads as a worker has processors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving.run import threads as subject
from serving.run.threads import VARIABLES, limit_libraries, threads_of
from serving.settings import Settings
from tests.serving.kit import serving


@pytest.mark.parametrize(
    ("processors", "workers", "threads", "predicting", "share"),
    [(8.0, 1, 0, 8, 1), (8.0, 2, 1, 1, 4), (8.0, 4, 2, 2, 1), (0.5, 1, 0, 1, 1), (2.0, 2, 0, 1, 1)],
)
def test_the_processors_are_shared_out(
    monkeypatch: pytest.MonkeyPatch,
    processors: float,
    workers: int,
    threads: int,
    predicting: int,
    share: int,
) -> None:
    monkeypatch.setattr(subject, "processors", lambda: processors)
    settings = Settings(workers=workers, threads=threads)
    environ = {"MKL_NUM_THREADS": "7"}
    limit_libraries(settings, environ)
    assert threads_of(settings) == predicting
    assert environ == {**dict.fromkeys(VARIABLES, str(share)), "MKL_NUM_THREADS": "7"}


@pytest.mark.parametrize("workers", [pytest.param("1", marks=pytest.mark.long), "2"])
def test_every_process_that_predicts_starts_with_them(models: Path, tmp_path: Path, workers: str) -> None:
    environ = {"OPENBLAS_NUM_THREADS": "3"}
    with serving(tmp_path, "-m", str(models / "tensor"), "-w", workers, environ=environ) as server:
        pids = server.children() if workers == "2" else [server.pid]
        assert len(pids) == int(workers)
        for pid in pids:
            text = Path(f"/proc/{pid}/environ").read_bytes().decode()
            given = dict(word.partition("=")[::2] for word in text.split("\0"))
            if workers == "2":
                assert given["OMP_NUM_THREADS"] == "1"
            assert given["OPENBLAS_NUM_THREADS"] == "3"


def test_the_command_sets_them_before_numpy_is_loaded(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "import serving.cli\n"
        "def look(module):\n"
        "    print('numpy' in sys.modules, os.environ['OMP_NUM_THREADS'])\n"
        "    sys.exit(0)\n"
        "serving.cli.part = look\n"
        "serving.cli.main(['-m', 'x'])\n"
    )
    clean = {name: text for name, text in os.environ.items() if name not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == "False 1\n"
