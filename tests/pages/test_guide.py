"""The guide's story: its scripts run against a server, and what they left there clicked through."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import DESKTOP, PHONE, Watched, axe, watched
from tests.modelpack.tracking.test_guide import NAMES, script
from tests.team.servers import Team, team_server
from tests.team.test_guide import write_customers

LOOKS = [
    pytest.param(size, scheme, id=f"{size[0]}-{scheme}")
    for size in (DESKTOP, PHONE)
    for scheme in ("light", "dark")
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A server to which the guide's three scripts have told their story."""
    folder = tmp_path_factory.mktemp("guide")
    write_customers(folder)
    with team_server(folder, f"sqlite:///{folder}/team.db", str(folder / "files")) as team:
        environ = {**os.environ, **team.environ, "MODELPACK_HOME": str(folder / "home")}
        environ["MODELPACK_CERTIFY_ROWS"] = "500"
        for name in NAMES:
            file = folder / f"{name}.py"
            file.write_text(script(name))
            command = [sys.executable, "-W", "ignore", str(file)]
            done = subprocess.run(
                command, cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False
            )
            assert done.returncode == 0, done.stderr[-2_000:]
        yield team
        assert team.failures() == []


def _look(seen: Watched, name: str) -> None:
    """That the page is as pages have to be, and a picture of it."""
    seen.page.wait_for_load_state("networkidle")
    assert axe(seen.page) == [], name
    assert seen.elsewhere() == [], name
    assert seen.weight < 300_000, name
    assert not seen.is_too_wide(), name
    assert seen.troubles == [], name
    seen.shoot(name)


@pytest.mark.long
@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_story_is_clicked_through(
    chromium: Browser, told: Team, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    look = f"guide-{size[0]}-{scheme}"
    with watched(chromium, size=size, scheme=scheme) as seen:
        page = seen.page
        seen.visit(told.url)
        _look(seen, f"{look}-1-experiments")

        page.get_by_role("link", name="customer-churn-prediction", exact=True).click()
        expect(page.locator("table.runs tbody tr")).to_have_count(3)
        page.get_by_role("link", name="f1_score", exact=True).click()
        _look(seen, f"{look}-2-runs")

        page.get_by_label("Filter", exact=True).fill("metrics.f1_score > 0 AND params.n_estimators = '200'")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("table.runs tbody tr")).to_have_count(1)
        page.get_by_role("link", name="Clear").click()
        for box in page.locator("td.pick input").all():
            box.check()
        page.get_by_role("button", name="Compare").click()
        _look(seen, f"{look}-3-compare")

        page.go_back()
        page.get_by_role("link", name="f1_score", exact=True).click()
        page.locator("table.runs tbody th a").first.click()
        expect(page.locator(".facts")).to_contain_text("churn-prediction-model")
        _look(seen, f"{look}-4-best-run")

        best = page.url
        page.get_by_role("region", name="Files").get_by_role("link", name="model/").click()
        page.get_by_role("link", name="MLmodel", exact=True).click()
        expect(page.locator("pre")).to_contain_text("flavors:")
        _look(seen, f"{look}-5-file")

        page.goto(best)
        page.locator(".facts").get_by_role("link", name="version 1").click()
        expect(page.locator(".facts .production")).to_have_count(1)
        expect(page.locator("section:has(#signature)")).to_contain_text("input")
        expect(page.locator("section:has(#certificate)")).to_contain_text("predict")
        expect(page.locator("section:has(#history)")).to_contain_text("Production")
        _look(seen, f"{look}-6-version")
        page.locator(".facts").get_by_role("link").first.click()
        expect(page).to_have_url(best)

        seen.visit(f"{told.url}/experiments/0")
        page.get_by_label("Filter", exact=True).fill("tags.job_type = 'batch_inference'")
        page.get_by_role("button", name="Filter").click()
        page.locator("table.runs tbody th a").first.click()
        page.get_by_role("link", name="churn_predictions.csv").click()
        expect(page.locator("table.data tbody tr")).to_have_count(40)
        _look(seen, f"{look}-7-batch")
