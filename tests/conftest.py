"""Fixtures that any test may ask for."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

pytest_plugins = ["tests.containers", "tests.postgres"]

TESTS = Path(__file__).parent

TOGETHER = ("benchmarks", "compat", "plugins", "remote", "serving/images")
"""Folders whose tests share something that takes long to start: one process runs them all."""


@pytest.hookimpl(tryfirst=True)  # before xdist looks for the marks
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Say which tests one process has to run, where several run tests side by side."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item.path)))


def _group(path: Path) -> str:
    for folder in TOGETHER:
        if path.is_relative_to(TESTS / folder):
            return folder
    return str(path)


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_certified_unless_a_test_says_so() -> Iterator[None]:
    """Comparing 100,000 rows at every save is for users; ``save(…, certify={"rows": …})`` still does it."""
    with pytest.MonkeyPatch.context() as patch:
        if "MODELPACK_CERTIFY_ROWS" not in os.environ:
            patch.setenv("MODELPACK_CERTIFY_ROWS", "0")
        yield
