"""The cache is shown and emptied by a verb."""

from pathlib import Path

import pytest

from tests.modelpack.artifacts.workers import fetch_each
from tests.modelpack.cli.conftest import Verb
from tests.modelpack.processes import at_once
from tests.modelpack.registry.directories import write_model
from tests.modelpack.remote.faulty import serve


@pytest.fixture
def digests(tmp_path: Path, verb: Verb) -> list[str]:
    """Two models that a process, which has ended, fetched into the cache: the first one last."""
    folder = tmp_path / "served"
    for name in ("a", "b"):
        write_model(folder / name, name.encode() * 1_000)
    with serve(folder) as server:
        at_once(fetch_each, [(tmp_path / "home" / "cache", server.url, ["a", "b", "a"])])
    return [one["digest"] for one in verb("cache", "ls", "--json").json]


def test_what_is_cached_is_listed_with_its_size_and_where_it_came_from(
    digests: list[str], verb: Verb
) -> None:
    answer = verb("cache", "ls")
    assert answer.code == 0
    assert [line.split()[0] for line in answer.out.splitlines()[1:3]] == digests
    told = verb("cache", "ls", "--json").json
    assert [one["sources"][0].rpartition(" ")[2] for one in told] == ["a", "b"]
    assert all(one["bytes"] > 1_000 and not one["in_use"] for one in told)


def test_the_least_used_leave_until_the_rest_is_small_enough(digests: list[str], verb: Verb) -> None:
    gone = verb("cache", "prune", "--to", "2K", "--json").json
    assert [one["digest"] for one in gone] == [digests[1]]
    assert [one["digest"] for one in verb("cache", "ls", "--json").json] == [digests[0]]


def test_what_was_used_of_late_stays(digests: list[str], verb: Verb) -> None:
    assert verb("cache", "prune", "--unused-for", "1", "--json").json == []
    assert "Removed 2 models" in verb("cache", "prune", "--all").out
    assert verb("cache", "ls", "--json").json == []


@pytest.mark.parametrize("words", [[], ["--all", "--to", "1K"], ["--to", "much"], ["--unused-for", "-1"]])
def test_it_has_to_be_said_what_leaves(words: list[str], verb: Verb) -> None:
    assert verb("cache", "prune", *words).code == 2


def test_an_empty_cache_is_no_error(verb: Verb) -> None:
    assert verb("cache", "ls", "--json").json == []
    assert verb("cache", "prune", "--all", "--json").json == []
