"""Which tests one process has to run, where several run tests side by side."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

GROUPS = tuple(
    f"tests/{folder}/"
    for folder in (
        "serving/images",
        "remote",
        "team",
        "compat",
        "pages",
        "serving/browser",
        "benchmarks",
        "torch",
        "plugins",
    )
)
"""Folders whose tests share something that takes long to start; they come first, as the longest."""


class ByGroup(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """A group of GROUPS goes to one process, and so does each other file.

    Not by the marks that xdist has for this: they are not heard under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid) or nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByGroup:
    """Deal tests out by group."""
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the groups first, in their order: what takes longest must not begin last."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    group = _group(item.nodeid)
    return len(GROUPS) if group is None else GROUPS.index(group)


def _group(nodeid: str) -> str | None:
    return next((folder for folder in GROUPS if nodeid.startswith(folder)), None)
