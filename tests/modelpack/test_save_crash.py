"""A writer may be killed at any instant: the target is absent, or complete and verified."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import modelpack
from modelpack import Trust
from modelpack.directory.reader import findings
from modelpack.errors import ModelpackError
from modelpack.files import STAGING
from tests.modelpack.save_server import MODEL

KILLS = 100


class Writers:
    """Writers of one process each, started by ``save_server``."""

    def __init__(self, folder: Path) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.modelpack.save_server", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # No threads, for a fork would not take them along.
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            text=True,
        )
        assert self._line() == "ready"

    def write(self, kind: str, path: Path, *, kill_after: float | None) -> tuple[int, float]:
        """The exit code of a writer of *path* (-9: killed in time), and the seconds that it lived."""
        self._say(f"{kind} {path}")
        pid = int(self._line())
        assert pid > 1
        started = time.monotonic()
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(pid, signal.SIGKILL)
        self._say("how did it end?")
        return int(self._line()), time.monotonic() - started

    def close(self) -> None:
        """End the server."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.stdout.close()
        assert self._server.wait(timeout=30) == 0

    def _say(self, line: str) -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(f"{line}\n")
        self._server.stdin.flush()

    def _line(self) -> str:
        assert self._server.stdout is not None
        return self._server.stdout.readline().strip()


@pytest.fixture(scope="module")
def writers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writers]:
    made = Writers(tmp_path_factory.mktemp("warm"))
    yield made
    made.close()


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("MODELPACK_TEST_SEED") or time.time_ns() % 2**32)
    print(f"MODELPACK_TEST_SEED={seed}")
    return random.Random(seed)


def torn(path: Path) -> list[str]:
    """What is wrong with the model at *path*; nothing, when there is none or all of it."""
    if not path.exists():
        return []
    try:
        found = [f"{name} is {what}" for what, name in findings(path)]
        if not (path / "modelpack.manifest.json").is_file():
            found.append("it has no manifest")
        if not found:
            rows = np.eye(2)
            predicted = modelpack.load_predictor(path, trust=Trust()).predict(rows)
            if predicted.tolist() != MODEL.predict(rows).tolist():
                found.append("it predicts otherwise")
    except ModelpackError as error:
        return [str(error)]
    return found


def life_of(writers: Writers, folder: Path) -> float:
    """Seconds that an undisturbed writer takes, the slowest of three."""
    lives = []
    for number in range(3):
        code, seconds = writers.write("sound", folder / f"undisturbed-{number}", kill_after=None)
        assert code == 0
        lives.append(seconds)
    return max(lives)


@pytest.mark.crash
def test_kills_at_random_instants_tear_nothing(
    writers: Writers, tmp_path: Path, chance: random.Random
) -> None:
    longest = life_of(writers, tmp_path) * 1.2
    there = killed = number = 0
    while killed < KILLS:
        number += 1
        path = tmp_path / f"model-{number}"
        code, _ = writers.write("sound", path, kill_after=chance.uniform(0, longest))
        assert code in (0, -9)
        assert torn(path) == []
        assert path.exists() or code == -9, "an acknowledged save is lost"
        killed += code == -9
        there += path.exists()
    print(f"{number} writers, {killed} killed while they wrote, {there} models complete")
    assert there > 0, "all were killed too early to prove anything"
    # What the dead left bears the staging name, and the next writer sweeps it.
    names = {path.name for path in tmp_path.iterdir()}
    assert all(name.startswith((STAGING, "model-", "undisturbed-")) for name in names)
    code, _ = writers.write("sound", tmp_path / "last", kill_after=None)
    assert code == 0
    assert list(tmp_path.glob(f"{STAGING}*")) == []


@pytest.mark.crash
def test_a_writer_that_writes_in_place_is_caught(
    writers: Writers, tmp_path: Path, chance: random.Random
) -> None:
    _, life = writers.write("in place", tmp_path / "undisturbed", kill_after=None)
    for number in range(60):
        path = tmp_path / f"model-{number}"
        writers.write("in place", path, kill_after=chance.uniform(0, life))
        if torn(path):
            return
    pytest.fail("sixty kills of a broken writer showed nothing: the check is blind")
