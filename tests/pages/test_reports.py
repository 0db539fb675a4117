"""Reports that are one file, in a real browser: at desktop and phone width, dark and light, from the disk."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from modelpack.examining import examine
from modelpack.loading import open_model
from modelpack.report.model import Subject, render
from modelpack.report.weighing import weigh
from modelpack.trust import Trust
from tests.browser import PHONE, axe, watched
from tests.modelpack.proved import proved
from tests.modelpack.report.test_model import hostile, many
from tests.pages.looking import TWO_LOOKS, Look
from tests.serving.bench.measured import curve, page


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One about a model, one about a measurement, one with too much of everything, one of an attacker."""
    folder = tmp_path_factory.mktemp("reports")
    model = proved(folder / "model", certify={"rows": 100, "seed": 5}, metadata={"team": "risk"})
    directory = open_model(model)
    facts = examine(directory)
    subject = Subject(
        directory=directory, facts=facts, importances=weigh(directory, facts, Trust()), reference=str(model)
    )
    for name in ("many", "hostile"):
        (folder / name).mkdir()
    made = {
        "model": render(subject),
        "measurement": page(model, curve()),
        "many": render(many(folder / "many", "column ", "value")),
        "hostile": render(hostile(folder / "hostile", "</style><img src=x onerror=alert(1)>\u202e" * 20)),
    }
    for name, text in made.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


@pytest.mark.parametrize("look", TWO_LOOKS)
def test_reports_are_readable_from_the_disk_and_fetch_nothing(
    chromium: Browser, reports: dict[str, Path], look: Look
) -> None:
    size, scheme = look
    with watched(chromium, size=size, scheme=scheme) as seen:
        for name, path in reports.items():
            seen.page.goto(path.as_uri())
            asked = {one.url for one in seen.answers}
            assert asked <= {path.as_uri()}, name
            assert not seen.is_too_wide(), name
            assert not seen.troubles, name
            dark = seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
            assert dark == (scheme == "dark"), f"{name} has its style"
            # The other two are made of the same parts, of which axe finds the same, and takes long.
            if name == "model" or (name == "measurement" and (size == PHONE) == (scheme == "dark")):
                assert not axe(seen.page), name
            seen.shoot(f"report-{name}-{size[0]}-{scheme}")


def test_on_paper_nothing_is_wider_than_the_page(chromium: Browser, reports: dict[str, Path]) -> None:
    with watched(chromium, size=(794, 1123)) as seen:
        seen.page.emulate_media(media="print")
        for name, path in reports.items():
            seen.page.goto(path.as_uri())
            assert not seen.is_too_wide(), name
            seen.shoot(f"report-{name}-print")
        seen.page.goto(reports["measurement"].as_uri())
        figures = seen.page.get_by_role("region", name="Figures", exact=True).last
        assert figures.evaluate("one => one.scrollWidth <= one.clientWidth"), "no figure is cut off"


def test_wide_tables_are_reached_by_the_keyboard(chromium: Browser, reports: dict[str, Path]) -> None:
    with watched(chromium, size=PHONE, javascript=False) as seen:
        page = seen.page
        page.goto(reports["measurement"].as_uri())
        region = page.get_by_role("region", name="Figures", exact=True).last
        region.focus()
        page.keyboard.press("ArrowRight")
        assert region.evaluate("one => one === document.activeElement")
        # It scrolls smoothly, a frame at a time.
        deadline = time.monotonic() + 10
        while region.evaluate("one => one.scrollLeft") <= 0:
            assert time.monotonic() < deadline, "the arrow does not scroll it"
            page.wait_for_timeout(50)
