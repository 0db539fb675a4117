"""The story, clicked through in a real browser in all four looks, and by the keyboard alone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import watched
from tests.pages.house import House, opened
from tests.pages.looking import TWO_LOOKS, Look, is_light_and_whole

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("story")) as house:
        yield house


def _fill(house: House, name: str, note: str = HOSTILE) -> None:
    """An experiment of three runs, and two versions of a model, all called *name*."""
    experiment = house.parts.tracking.create_experiment(name, tags={"note": note})
    for number in range(3):
        house.run(
            experiment,
            f"run {number} {note}",
            metrics={"f1": [number + step / 50 for step in range(60)]},
            params={"depth": str(number), "odd": note},
        )
    for _ in range(2):
        house.version(name, description=note)


@pytest.mark.parametrize("look", TWO_LOOKS)
def test_from_an_experiment_to_production(chromium: Browser, house: House, look: Look) -> None:
    size, scheme = look
    name = f"story-{size[0]}-{scheme}"
    _fill(house, name)
    with watched(chromium, size=size, scheme=scheme) as seen:
        page = seen.page
        page.goto(house.address)
        is_light_and_whole(seen)
        page.get_by_role("link", name=name, exact=True).click()
        page.get_by_label("Filter", exact=True).fill("metrics.f1 > 1.5")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("table.runs tbody tr")).to_have_count(2)
        page.get_by_role("link", name="f1", exact=True).click()
        expect(page.locator("th[aria-sort=descending]")).to_contain_text("f1")
        is_light_and_whole(seen)
        for box in page.locator("td.pick input").all():
            box.check()
        page.get_by_role("button", name="Compare").click()
        expect(page.locator("figure.chart[data-drawn='2']")).to_have_count(1)
        is_light_and_whole(seen)
        seen.shoot(f"story-compare-{size[0]}-{scheme}")
        page.locator(".legend a").first.click()
        chart = page.locator("figure.chart[data-drawn='1']")
        chart.locator(".plot").focus()
        page.keyboard.press("ArrowRight")
        expect(chart.locator(".reading")).to_contain_text("step 0")
        chart.get_by_role("button", name="Closer").click()
        expect(chart).not_to_have_attribute("data-to", "59")
        is_light_and_whole(seen)
        page.get_by_role("link", name="Models", exact=True).click()
        page.get_by_role("link", name=name, exact=True).click()
        page.locator("table").first.get_by_role("link", name="version 2").click()
        page.get_by_role("button", name=re.compile("Promote")).click()
        is_light_and_whole(seen)
        page.get_by_role("button", name="Move to Production").click()
        expect(page.get_by_role("status")).to_contain_text("moved")
        expect(page.locator(".facts .production")).to_have_count(1)
        is_light_and_whole(seen)
        seen.shoot(f"story-version-{size[0]}-{scheme}")


FOCUSED = """() => {
  const one = document.activeElement, seen = getComputedStyle(one);
  return {
    label: (one.getAttribute("aria-label") || one.labels?.[0]?.textContent || one.textContent).trim(),
    tag: one.tagName,
    visible: seen.outlineStyle !== "none" && parseFloat(seen.outlineWidth) >= 2,
    inside: one.getBoundingClientRect().top >= -1
      && one.getBoundingClientRect().bottom <= innerHeight + 1 || one.matches(".scroll"),
  };
}"""


def _tab_to(page: Page, label: str, *, most: int = 60) -> list[str]:
    """Press Tab until *label* has the focus; all that had it on the way, each seen to have it."""
    met: list[str] = []
    while not met or met[-1] != label:
        assert len(met) < most, f"{label!r} cannot be reached: {met}"
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        assert focused["visible"], focused
        assert focused["inside"], focused
        met.append(focused["label"])
    return met


def test_the_keyboard_alone_leads_to_production(chromium: Browser, house: House) -> None:
    _fill(house, "keyboard", "plain")
    with watched(chromium) as seen:
        page = seen.page
        page.goto(house.address)
        assert _tab_to(page, "Skip to the content") == ["Skip to the content"]
        page.keyboard.press("Enter")
        assert "modelpack" not in _tab_to(page, "keyboard")
        page.keyboard.press("Enter")
        page.wait_for_url("**/experiments/*")
        _tab_to(page, "Filter")
        page.keyboard.type("metrics.f1 > 1.5")
        page.keyboard.press("Enter")
        expect(page.locator("table.runs tbody tr")).to_have_count(2)
        _tab_to(page, "f1")
        page.keyboard.press("Enter")
        expect(page.locator("th[aria-sort=descending]")).to_contain_text("f1")
        for number in (2, 1):
            _tab_to(page, f"Pick run {number} plain to compare")
            page.keyboard.press("Space")
        _tab_to(page, "Compare the picked ones")
        page.keyboard.press("Enter")
        expect(page.locator("figure.chart[data-drawn='2']")).to_have_count(1)
        _tab_to(page, "Models")
        page.keyboard.press("Enter")
        page.wait_for_url("**/models")
        _tab_to(page, "keyboard")
        page.keyboard.press("Enter")
        page.wait_for_url("**/models/keyboard")
        _tab_to(page, "version 2")
        page.keyboard.press("Enter")
        page.wait_for_url("**/models/keyboard/2")
        assert "To stage" in _tab_to(page, "Promote…")
        page.keyboard.press("Enter")
        page.wait_for_url("**/stage?*")
        _tab_to(page, "Move to Production")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("moved")
        assert house.parts.registry("ada").get_version("keyboard", 2).stage == "Production"
