"""Charts in a real browser: read by the mouse, drawn closer and back, and what is hard to draw."""

import math
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import watched
from tests.pages.house import House, opened

STEPS = 200


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("charts")) as house:
        yield house


@pytest.fixture(scope="module")
def plain(house: House) -> str:
    """A run whose metric at each step is ten times the step."""
    return house.run("0", "plain", metrics={"tens": [10.0 * step for step in range(STEPS)]})


def _metric(page: Page, house: House, run: str, key: str) -> Locator:
    page.goto(f"{house.address}/runs/{run}/metric?key={key}")
    chart = page.locator("figure.chart[data-drawn]")
    expect(chart).to_have_count(1)
    return chart


def _span(chart: Locator) -> tuple[float, float]:
    return float(chart.get_attribute("data-from") or "nan"), float(chart.get_attribute("data-to") or "nan")


def _drag(page: Page, chart: Locator, begin: float, end: float) -> None:
    """Draw from one share of the plot's width to another."""
    box = chart.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + begin * box["width"], box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], box["y"] + 60, steps=4)
    page.mouse.up()


def test_the_mouse_reads_and_draws_closer_and_back(chromium: Browser, house: House, plain: str) -> None:
    with watched(chromium) as seen:
        chart = _metric(seen.page, house, plain, "tens")
        area = chart.locator(".u-over")
        box = area.bounding_box()
        assert box is not None
        area.hover(position={"x": box["width"] * 100 / (STEPS - 1), "y": 50})
        expect(chart.locator(".reading")).to_have_text("step 100: 1000")
        _drag(seen.page, chart, 0.25, 0.5)
        low, high = _span(chart)
        assert low == pytest.approx(STEPS / 4, abs=2)
        assert high == pytest.approx(STEPS / 2, abs=2)
        area.dblclick()
        assert _span(chart) == (0, STEPS - 1)
        _drag(seen.page, chart, 0.1, 0.2)
        assert _span(chart) != (0, STEPS - 1)
        chart.get_by_role("button", name="All").click()
        assert _span(chart) == (0, STEPS - 1)
        assert seen.troubles == []


def test_the_axis_is_steps_or_seconds(chromium: Browser, house: House) -> None:
    run = house.run("0", "slow", metrics={"slow": [1.0, 2.0, 4.0]})
    with watched(chromium) as seen:
        chart = _metric(seen.page, house, run, "slow")
        with seen.page.expect_response("**/curves?*by=time*"):
            seen.page.get_by_label("Across").select_option("time")
        chart.locator(".plot").focus()
        seen.page.keyboard.press("End")
        expect(chart.locator(".reading")).to_have_text("2 s: 4")
        seen.page.get_by_label("logarithmic").check()
        expect(chart.locator(".gaps")).to_be_hidden()
        assert seen.troubles == []


def test_several_runs_are_read_at_once(chromium: Browser, house: House, plain: str) -> None:
    other = house.run("0", "other", metrics={"tens": [-1.0 * step for step in range(50)]})
    with watched(chromium) as seen:
        seen.page.goto(f"{house.address}/compare?runs={plain}&runs={other}")
        chart = seen.page.locator("figure.chart[data-drawn='2']")
        chart.locator(".plot").focus()
        seen.page.keyboard.press("Home")
        seen.page.keyboard.press("ArrowRight")
        expect(chart.locator(".reading")).to_have_text("step 1: plain 10, other -1")
        seen.page.keyboard.press("End")
        expect(chart.locator(".reading")).to_have_text(f"step {STEPS - 1}: plain {10 * (STEPS - 1)}")
        seen.page.get_by_label("logarithmic").check()
        expect(chart.locator(".gaps")).to_contain_text("Not logarithmic")
        assert seen.troubles == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        pytest.param([1.0, math.nan, 3.0, math.inf, 5.0], "2 values are NaN or infinite", id="some"),
        pytest.param([math.nan] * 3, "3 values are NaN or infinite", id="all"),
        pytest.param([-math.inf, 1.0], "1 value is NaN or infinite", id="one"),
    ],
)
def test_what_no_curve_can_show_is_told(
    chromium: Browser, house: House, values: list[float], told: str
) -> None:
    run = house.run("0", "odd", metrics={"odd": values})
    with watched(chromium) as seen:
        chart = _metric(seen.page, house, run, "odd")
        expect(chart.locator(".gaps")).to_contain_text(told)
        expect(
            seen.page.locator("table td[title=nan], table td[title=inf], table td[title='-inf']")
        ).to_have_count(sum(not math.isfinite(value) for value in values))
        chart.locator(".plot").focus()
        seen.page.keyboard.press("ArrowRight")
        first = {math.inf: "∞", -math.inf: "-∞"}.get(values[0], "NaN" if math.isnan(values[0]) else "1")
        expect(chart.locator(".reading")).to_have_text(f"step 0: {first}")
        assert seen.troubles == []


@pytest.mark.parametrize(("value", "told"), [(0.25, "0.25"), (math.nan, "NaN"), (math.inf, "∞")])
def test_one_value_is_no_curve(chromium: Browser, house: House, value: float, told: str) -> None:
    run = house.run("0", "single", metrics={"single": [value]})
    with watched(chromium) as seen:
        chart = _metric(seen.page, house, run, "single")
        expect(chart.locator(".only")).to_have_text(told)
        expect(chart.locator("canvas")).to_have_count(0)
        assert seen.troubles == []


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_many_points_are_thinned_until_one_looks_closer(chromium: Browser, house: House, count: int) -> None:
    run = house.run("0", "many", metrics={"many": [float(step % 7) for step in range(count)]})
    with watched(chromium) as seen:
        chart = _metric(seen.page, house, run, "many")
        assert _span(chart) == (0, count - 1)
        thinned = int(chart.get_attribute("data-points") or 0)
        assert 100 < thinned <= 1000
        assert seen.weight < 300_000
        chart.locator(".plot").focus()
        low, high = _span(chart)
        while high - low > 100:
            seen.page.keyboard.press("+")
            low, high = _span(chart)
        # All that is between, and one more on either side.
        whole = math.floor(high) - math.ceil(low) + 3
        expect(chart).to_have_attribute("data-points", str(whole))
        # One step after the other, none left out.
        seen.page.keyboard.press("ArrowRight")
        seen.page.keyboard.press("ArrowRight")
        step = int(re.sub(r"\D*(\d+):.*", r"\1", chart.locator(".reading").inner_text()))
        expect(chart.locator(".reading")).to_have_text(f"step {step}: {step % 7}")
        seen.page.keyboard.press("ArrowRight")
        expect(chart.locator(".reading")).to_have_text(f"step {step + 1}: {(step + 1) % 7}")
        seen.page.keyboard.press("0")
        expect(chart).to_have_attribute("data-points", str(thinned))
        assert seen.troubles == []
