"""Every page of a team's server: light, whole, from nowhere else, open to everybody, in all four looks."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import watched
from tests.pages.house import House, opened
from tests.pages.looking import EACH_LOOK, LOOKS, Look, is_light_and_whole, keeps_nobody_out, opens
from tests.pages.world import World, filled

KINDS: Final = (
    *("experiment", "run", "compare", "version", "nothing", "experiment-wrong", "metric", "model"),
    *("stage-asked", "error-404", "version-bare", "file-table.csv", "run-bare", "nothing-experiment"),
)
"""Pages that are unlike each other."""


@dataclass(frozen=True, slots=True)
class Town:
    """A *house* with a *world* in it, and one where nothing was done yet."""

    house: House
    world: World
    empty: House


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    (folder / "empty").mkdir()
    with (
        opened(folder, scoring_servers=("http://127.0.0.1:5001",)) as house,
        opened(folder / "empty") as empty,
    ):
        yield Town(house, filled(house, folder), empty)


def _places(town: Town) -> dict[str, str]:
    """Addresses by names for their pictures."""
    nothing = {"nothing": "/", "nothing-models": "/models", "nothing-experiment": "/experiments/0"}
    found = {name: town.house.address + place for name, place in town.world.places().items()}
    return {**found, **{name: town.empty.address + place for name, place in nothing.items()}}


def _status(name: str) -> int:
    if name.startswith(("error-404", "error-path")):
        return 404
    return 400 if name in ("error-400", "experiment-wrong") else 200


def _looked_at(chromium: Browser, look: Look, places: dict[str, str]) -> None:
    size, scheme = look
    with watched(chromium, size=size, scheme=scheme) as seen:
        for name, address in places.items():
            opens(seen, address, status=_status(name))
            is_light_and_whole(seen)
            keeps_nobody_out(seen)
            assert len(seen.page.title()) > len(" · modelpack")
            seen.shoot(f"{name}-{size[0]}-{scheme}")


def test_every_kind_of_page_is_good_in_one_look_each(chromium: Browser, town: Town) -> None:
    by_look: dict[str, dict[str, str]] = {name: {} for name in LOOKS}
    places = _places(town)
    for name, look in zip(KINDS, cycle(LOOKS), strict=False):
        by_look[look][name] = places[name]
    for look, places in by_look.items():
        _looked_at(chromium, LOOKS[look], places)


@pytest.mark.long
@pytest.mark.parametrize("look", EACH_LOOK)
def test_every_page_is_good_in_every_look(chromium: Browser, town: Town, look: Look) -> None:
    _looked_at(chromium, look, _places(town))


def test_titles_tell_pages_apart(chromium: Browser, town: Town) -> None:
    world = town.world.places()
    with watched(chromium, javascript=False) as seen:
        titles = []
        for name in ("experiments", "experiment", "run", "metric", "compare", "models", "model", "version"):
            seen.page.goto(town.house.address + world[name])
            titles.append(seen.page.title())
            assert seen.page.locator("link[rel=icon]").count() == 1
            assert seen.page.get_by_role("heading", level=1).count() == 1
    assert len(set(titles)) == len(titles)


def test_a_line_that_is_to_be_run_elsewhere_is_copied(chromium: Browser, town: Town) -> None:
    with watched(chromium, permissions=["clipboard-read", "clipboard-write"]) as seen:
        seen.page.goto(town.empty.address)
        seen.page.get_by_role("button", name="Copy").click()
        expect(seen.page.get_by_role("button", name="Copied")).to_be_visible()
        copied = seen.page.evaluate("navigator.clipboard.readText()")
        assert f'mlflow.set_tracking_uri("{town.empty.address}")' in copied
        assert seen.troubles == []
