"""Sixteen processes register and promote, and at every instant there is one truth."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modelpack import Registry
from tests.modelpack.processes import at_once
from tests.modelpack.registry.checks import damaged, torn, untold, versions_of
from tests.modelpack.registry.workers import NAME, register_and_promote

PROCESSES, TIMES = 16, 4


def sample(kind: str, uri: str, root: Path, *, processes: int) -> tuple[list[list[int]], list[str], int]:
    """The numbers that each process got, what a reader found wrong meanwhile, and how often it looked."""
    with Registry(uri, artifacts=root) as registry, ThreadPoolExecutor(1) as aside:
        work = aside.submit(at_once, register_and_promote, [(kind, uri, root, TIMES)] * processes)
        findings, looks, has_begun = [], 0, False
        while not work.done():
            versions = versions_of(registry, NAME)
            findings += torn(versions)
            holders = sum(version.stage == "Production" for version in versions)
            if has_begun and not holders:
                findings.append("no version is in Production")
            has_begun = has_begun or holders > 0
            looks += has_begun
            time.sleep(0.002)
        return work.result(), findings, looks


@pytest.fixture(
    params=[
        pytest.param("sqlite", id="sqlite"),
        pytest.param("postgresql", id="postgresql", marks=pytest.mark.postgres),
    ]
)
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'registry.db'}"
    return str(request.getfixturevalue("postgres_uri"))


def test_every_reader_sees_one_version_in_production_and_numbers_without_gaps(
    uri: str, tmp_path: Path
) -> None:
    root = tmp_path / "artifacts"
    numbers, findings, looks = sample("sound", uri, root, processes=PROCESSES)
    assert findings == []
    assert looks > 20
    assert sorted(number for some in numbers for number in some) == list(range(1, PROCESSES * TIMES + 1))
    with Registry(uri, artifacts=root) as registry:
        versions = versions_of(registry, NAME)
        assert untold(versions, registry.history(NAME)) == []
        assert damaged(registry, versions) == []
        assert sum(version.stage == "Production" for version in versions) == 1


def test_the_reader_would_see_a_promotion_in_two_steps(uri: str, tmp_path: Path) -> None:
    _, findings, _ = sample("two steps", uri, tmp_path / "artifacts", processes=4)
    assert any("are in Production" in finding for finding in findings)
