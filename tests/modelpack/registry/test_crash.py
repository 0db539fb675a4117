"""A process may be killed at any instant: nothing is torn, and nothing that was acknowledged is lost."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from modelpack import Registry
from tests.modelpack.processes import context
from tests.modelpack.registry.checks import Acknowledged, damaged, lost, torn, untold, versions_of
from tests.modelpack.registry.workers import NAME, bear_writers


@dataclass
class Crashes:
    """Writers of one *kind* on one registry, each killed at an instant chosen by *chance*."""

    kind: str
    uri: str
    folder: Path
    chance: random.Random
    writers: int = 0
    longest_life: float = 0.0
    nurseries: list[tuple[BaseProcess, Connection]] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.folder / "artifacts"

    def open(self, together: int) -> None:
        """Let so many writers live at a time."""
        with Registry(self.uri, artifacts=self.root) as registry:
            registry.create_model(NAME)
        for _ in range(together):
            ours, theirs = context().Pipe()
            process = context().Process(target=bear_writers, args=(self.kind, self.uri, self.root, theirs))
            process.start()
            self.nurseries.append((process, ours))
        self.longest_life = min(nursery.recv() for _, nursery in self.nurseries)

    def kill(self) -> None:
        """Let one writer be born in each nursery, and kill each."""
        ends, folders = [], []
        for _, nursery in self.nurseries:
            self.writers += 1
            folders.append(self.folder / f"writer-{self.writers}")
            nursery.send((folders[-1], self.chance.getrandbits(32)))
            ends.append((time.monotonic() + self.chance.uniform(0, self.longest_life), nursery.recv()))
        for end, pid in sorted(ends):
            time.sleep(max(end - time.monotonic(), 0))
            os.kill(pid, signal.SIGKILL)
        assert [nursery.recv() for _, nursery in self.nurseries] == [-signal.SIGKILL] * len(ends)
        # Half shall die in their first write and half in one of a few more, however busy the machine.
        wrote = sum((folder / "log").exists() and (folder / "log").stat().st_size > 0 for folder in folders)
        self.longest_life *= 0.9 if 2 * wrote > len(folders) else 1.15

    def close(self) -> None:
        for process, nursery in self.nurseries:
            nursery.send(None)
            process.join(30)
            nursery.close()

    def findings(self) -> list[str]:
        """What is torn at this instant; opening the registry first repairs what SQLite repairs."""
        with Registry(self.uri, artifacts=self.root) as registry:
            return torn(versions_of(registry, NAME), self.acknowledged().begun)

    def all_findings(self) -> list[str]:
        """The same, and what was lost, what is damaged, and what the history does not tell."""
        known = self.acknowledged()
        with Registry(self.uri, artifacts=self.root) as registry:
            versions, moves = versions_of(registry, NAME), registry.history(NAME)
            return [
                *torn(versions, known.begun),
                *lost(versions, moves, known),
                *damaged(registry, versions),
                *untold(versions, moves),
            ]

    def acknowledged(self) -> Acknowledged:
        """What the writers have logged."""
        known = Acknowledged()
        for log in self.folder.glob("writer-*/log"):
            for line in log.read_text().splitlines():
                known.read(line)
        return known


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("MODELPACK_TEST_SEED") or time.time_ns() % 2**32)
    print(f"MODELPACK_TEST_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'registry.db'}"


@contextmanager
def crashes(kind: str, uri: str, folder: Path, chance: random.Random, *, together: int) -> Iterator[Crashes]:
    many = Crashes(kind, uri, folder, chance)
    try:
        many.open(together)
        yield many
    finally:
        many.close()


def kill_often(many: Crashes, kills: int) -> None:
    for _ in range(kills // len(many.nurseries)):
        many.kill()
        assert many.findings() == []
    known = many.acknowledged()
    print(f"{kills} kills in {many.longest_life:.2f} s of life, {len(known.digests)} registered")
    assert len(known.digests) > kills // 4, "the writers were killed before they wrote"
    assert many.all_findings() == []


@pytest.mark.crash
def test_two_hundred_kills_tear_nothing_and_lose_nothing(
    sqlite: str, tmp_path: Path, chance: random.Random
) -> None:
    with crashes("sound", sqlite, tmp_path, chance, together=4) as many:
        kill_often(many, 200)


@pytest.mark.crash
@pytest.mark.postgres
def test_clients_of_postgresql_may_be_killed_too(
    postgres_uri: str, tmp_path: Path, chance: random.Random
) -> None:
    with crashes("sound", postgres_uri, tmp_path, chance, together=2) as many:
        kill_often(many, 40)


@pytest.mark.crash
@pytest.mark.parametrize(
    ("kind", "said"), [("two steps", "are in Production"), ("version first", "no files of this version")]
)
def test_a_store_that_can_be_torn_is_caught(
    kind: str, said: str, sqlite: str, tmp_path: Path, chance: random.Random
) -> None:
    met: list[str] = []
    with crashes(kind, sqlite, tmp_path, chance, together=1) as many:
        many.longest_life *= 2
        for _ in range(100):
            many.kill()
            met = many.all_findings()
            if met:
                break
    print(f"caught after {many.writers} kills in {many.longest_life:.2f} s of life")
    assert any(said in finding for finding in met), met
