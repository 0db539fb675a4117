"""A flavor that another distribution brings: found by its entry point, proved by the contract suite."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from modelpack.testing.flavors import FlavorContract

HERE = Path(__file__).parent / "modelpack-lookup"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the distribution is installed, as an installer would unpack its wheel."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=HERE, check=True, capture_output=True, timeout=60)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(site: Path, *arguments: str) -> str:
    """What Python prints, with the distribution installed."""
    path = os.pathsep.join([str(site), str(HERE.parents[2])])
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=HERE,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_passes_the_contract_suite(site: Path) -> None:
    count = sum(name.startswith("test_") for name in vars(FlavorContract))
    out = run(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_lookup.py")
    assert f"{count} passed" in out
    assert count >= 10


def test_its_name_stands_among_the_flavors(site: Path) -> None:
    assert run(site, "-c", "from modelpack.flavors import FLAVORS; print(*FLAVORS)").split()[-1] == "lookup"
