"""The page of a served model in a real browser, at desktop and phone width, dark and light."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import DESKTOP, PHONE, axe, watched
from tests.serving.kit import ServerProcess, serving

LOOKS = [
    pytest.param(size, scheme, id=f"{size[0]}-{scheme}")
    for size in (DESKTOP, PHONE)
    for scheme in ("light", "dark")
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[ServerProcess]:
    """The sum of two columns, whose example is 1 and 2."""
    folder = tmp_path_factory.mktemp("page")
    with serving(folder, "-m", str(models / "magic"), "--trust", "pickle") as server:
        yield server


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_form_is_filled_and_answered(
    chromium: Browser, server: ServerProcess, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    with watched(chromium, size=size, scheme=scheme) as seen:
        page = seen.page
        page.goto(f"http://127.0.0.1:{server.port}/")
        expect(page.get_by_label("a", exact=True)).to_have_value("1.0")
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("#answer")).to_have_text('{"predictions":[3.0]}')
        page.get_by_label("a", exact=True).fill("40")
        page.get_by_label("a", exact=True).press("Enter")
        expect(page.locator("#answer")).to_have_text('{"predictions":[42.0]}')
        body = json.loads(page.locator("#body").input_value())
        assert body == {"dataframe_split": {"columns": ["a", "b"], "data": [[40, 2.0]]}}
        assert "[[40, 2.0]]" in (page.locator("#curl").text_content() or "")
        expect(page.locator("#totals")).to_contain_text("predictions since the server started")
        expect(page.locator("#latency-reading")).to_contain_text("99 of 100 within", timeout=10_000)
        assert not axe(page)
        assert not seen.is_too_wide()
        assert not seen.elsewhere()
        assert not seen.troubles
        assert seen.weight < 300_000
        seen.shoot(f"scoring-{size[0]}-{scheme}")


def test_what_is_refused_is_told(chromium: Browser, server: ServerProcess) -> None:
    with watched(chromium) as seen:
        page = seen.page
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.get_by_label("a", exact=True).fill("<b>many</b>")
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("#outcome")).to_contain_text("400 Bad Request")
        expect(page.locator("#answer")).to_contain_text("expected double")
