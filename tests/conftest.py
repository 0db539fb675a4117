"""Fixtures that any test may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["tests.containers", "tests.postgres"]

TESTS = Path(__file__).parent

TOGETHER = ("serving/images", "remote", "compat", "benchmarks", "plugins")
"""Folders whose tests share something that takes long to start: one process runs them all, longest first."""

ENGINE = "serving/images"
"""The group of every test that needs a container engine: a machine holds one."""


@pytest.hookimpl(tryfirst=True)  # before xdist looks for the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests one process has to run, where several run tests side by side; long groups first."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: TOGETHER.index(_group(item)) if _group(item) in TOGETHER else len(TOGETHER))


def _group(item: pytest.Item) -> str:
    if "container_engine" in getattr(item, "fixturenames", ()):
        return ENGINE
    for folder in TOGETHER:
        if item.path.is_relative_to(TESTS / folder):
            return folder
    return str(item.path)


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_certified_unless_a_test_says_so() -> Iterator[None]:
    """Comparing 100,000 rows at every save is for users; ``save(…, certify={"rows": …})`` still does it."""
    with pytest.MonkeyPatch.context() as patch:
        if "MODELPACK_CERTIFY_ROWS" not in os.environ:
            patch.setenv("MODELPACK_CERTIFY_ROWS", "0")
        yield
