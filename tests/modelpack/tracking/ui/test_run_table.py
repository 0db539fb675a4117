"""The run table over more runs than a page holds: all are there once, in the order that was asked for."""

import os
import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from modelpack.tracking.server.app import create_app
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.settings import ServerSettings
from modelpack.tracking.ui.experiment import SIZE
from tests.benchmarks.tracking.many_runs import fill

RUNS = 4 * SIZE + 7
SEED = 1


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    folder = tmp_path_factory.mktemp("runs")
    fill(folder / "team.db", RUNS, seed=SEED)
    settings = ServerSettings(
        backend_store_uri=f"sqlite:///{folder}/team.db", artifact_root=str(folder / "files")
    )
    opened = Parts.open(settings, os.environ)
    yield opened
    opened.close()


@pytest.fixture
def pages(parts: Parts) -> Iterator[TestClient]:
    with TestClient(create_app(parts), base_url="http://127.0.0.1:5000") as client:
        yield client


def _walk(pages: TestClient, first: str) -> list[list[str]]:
    """The ids of the runs of each page from *first* on, as "Next" leads."""
    found, address = [], first
    while address:
        text = pages.get(address).text
        found.append(re.findall(r'<th scope="row"><a href="/runs/([0-9a-f]{32})">', text))
        following = re.search(r'rel="next" href="([^"]+)"', text)
        address = following[1].replace("&amp;", "&") if following else ""
    return found


def _experiment(parts: Parts) -> str:
    experiment = parts.tracking.get_experiment_by_name("many")
    assert experiment is not None
    return f"/experiments/{experiment.experiment_id}"


def test_every_run_is_on_one_page(parts: Parts, pages: TestClient) -> None:
    walked = _walk(pages, _experiment(parts))
    assert [len(page) for page in walked] == [SIZE] * 4 + [7]
    ids = [run for page in walked for run in page]
    assert len(set(ids)) == RUNS
    begun = [parts.tracking.get_run(run).info.start_time for run in ids]
    assert begun == sorted(begun, reverse=True)


def test_the_order_holds_across_pages_and_with_a_filter(parts: Parts, pages: TestClient) -> None:
    place = f"{_experiment(parts)}?where=metrics.m0+%3E+0.5&sort=metrics.m1&down=1"
    ids = [run for page in _walk(pages, place) for run in page]
    metrics = [parts.tracking.get_run(run).data.metrics for run in ids]
    assert [one["m1"] for one in metrics] == sorted((one["m1"] for one in metrics), reverse=True)
    everyone = [
        run.data.metrics for run in parts.tracking.search_runs([place.split("/")[2].split("?")[0]]).items
    ]
    assert len(everyone) == RUNS
    assert len(ids) == sum(one["m0"] > 0.5 for one in everyone) > 2 * SIZE - 20


@pytest.mark.parametrize("page", ["6", "99999", "-1", "0", "x", "1e9", "9" * 30])
def test_a_page_that_is_not_there_says_so(parts: Parts, pages: TestClient, page: str) -> None:
    answer = pages.get(_experiment(parts), params={"page": page})
    assert answer.status_code == 200
    is_beyond = page in ("6", "99999")
    assert ("There are no more runs" in answer.text) == is_beyond
