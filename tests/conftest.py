"""Fixtures that any test may ask for."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is news of the machine, which may have stood still for half a minute.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

pytest_plugins = ["tests.containers", "tests.postgres", "tests.together"]


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_certified_unless_a_test_says_so() -> Iterator[None]:
    """Comparing 100,000 rows at every save is for users; ``save(…, certify={"rows": …})`` still does it."""
    with pytest.MonkeyPatch.context() as patch:
        if "MODELPACK_CERTIFY_ROWS" not in os.environ:
            patch.setenv("MODELPACK_CERTIFY_ROWS", "0")
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for a browser, before anything is chosen by marks."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
