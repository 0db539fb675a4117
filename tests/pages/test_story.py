"""The story, clicked through in a real browser at both widths and in both colors."""

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
import uvicorn
from playwright.sync_api import Browser, expect

from modelpack.tracking.records import Metric
from modelpack.tracking.server.app import create_app
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.server.settings import ServerSettings
from tests.browser import DESKTOP, PHONE, Watched, axe, watched

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A server with an experiment of three runs, and two versions of a model."""
    database, files = f"sqlite:///{tmp_path}/team.db", str(tmp_path / "files")
    parts = Parts.open(ServerSettings(backend_store_uri=database, artifact_root=files), os.environ)
    experiment = parts.tracking.create_experiment("story", tags={"note": HOSTILE})
    for number in range(3):
        begun = int(time.time() * 1000)
        run = parts.tracking.create_run(
            experiment, run_name=f"run {number} {HOSTILE}", user_id="ada", start_time=begun, tags={}
        )
        points = [Metric("f1", number + step / 50, begun + step, step) for step in range(60)]
        noted = {"depth": str(number), "odd": HOSTILE}
        parts.tracking.log_batch(run.info.run_id, metrics=points, params=noted)
    for _ in range(2):
        parts.registry("ada").create_version(
            "churn", source="", digest="", location="models/x", run_id="", description=HOSTILE, tags={}
        )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(parts), log_level="error"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    parts.close()


def _is_good(seen: Watched) -> None:
    assert axe(seen.page) == []
    assert seen.elsewhere() == []
    assert seen.weight < 300_000
    assert not seen.is_too_wide()
    assert seen.troubles == []


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_from_an_experiment_to_production(
    chromium: Browser, address: str, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    with watched(chromium, size=size, scheme=scheme) as seen:
        page = seen.page
        seen.visit(address)
        _is_good(seen)
        page.get_by_role("link", name="story", exact=True).click()
        page.get_by_label("Filter", exact=True).fill("metrics.f1 > 1.5")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("table.runs tbody tr")).to_have_count(2)
        page.get_by_role("link", name="f1", exact=True).click()
        _is_good(seen)
        for box in page.locator("td.pick input").all():
            box.check()
        page.get_by_role("button", name="Compare").click()
        expect(page.locator("figure.chart[data-drawn='2']")).to_have_count(1)
        page.wait_for_load_state("networkidle")
        _is_good(seen)
        page.locator(".legend a").first.click()
        chart = page.locator("figure.chart[data-drawn='1']")
        chart.locator(".plot").focus()
        page.keyboard.press("ArrowRight")
        expect(chart.locator(".reading")).to_contain_text("step 0")
        chart.get_by_role("button", name="Closer").click()
        expect(chart).not_to_have_attribute("data-to", "59")
        page.wait_for_load_state("networkidle")
        _is_good(seen)
        seen.visit(f"{address}/models/churn/2?")
        _is_good(seen)
        page.get_by_role("button", name=re.compile("Promote")).click()
        _is_good(seen)
        page.get_by_role("button", name="Move to Production").click()
        expect(page.get_by_role("status")).to_contain_text("moved")
        expect(page.locator(".facts .production")).to_have_count(1)
