"""A version with files: what its page says of them, its moves, and rows sent to a server that serves it."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import modelpack
from modelpack.registry.store import NOT_GIVEN
from tests.browser import PHONE, watched
from tests.modelpack.proved import proved
from tests.modelpack.small import frame, pipeline
from tests.pages.house import House, opened
from tests.pages.looking import is_light_and_whole
from tests.serving.kit import ServerProcess, serving

CHURN = "/models/churn/1"


@dataclass(frozen=True, slots=True)
class Scene:
    """A team server, a scoring server that serves churn's version 1, and the address of none."""

    house: House
    scoring: ServerProcess
    run: str
    closed: str

    def open(self, page: Page, place: str = CHURN) -> None:
        page.goto(self.house.address + place)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Version 1 is certified and comes from a run, 2 is another model without a certificate."""
    folder = tmp_path_factory.mktemp("version")
    with opened(folder) as first:
        run = first.run("0", "the best run", metrics={"f1": [0.9]})
        first.register(proved(folder / "proved"), "churn", run_id=run, description="Who leaves.")
        example = frame().head(2)
        plain = modelpack.save(pipeline(), folder / "plain", input_example=example, certify=False)
        first.register(plain.path, "churn")
        with (
            serving(
                folder / "serve", "-m", "models:/churn/1", environ={"MLFLOW_TRACKING_URI": first.address}
            ) as scoring,
            socket.create_server(("127.0.0.1", 0)) as unused,
        ):
            closed = f"http://127.0.0.1:{unused.getsockname()[1]}"
            unused.close()
            servers = (f"http://127.0.0.1:{scoring.port}", closed)
            with opened(folder, scoring_servers=servers) as house:
                yield Scene(house, scoring, run, closed)


def test_its_page_tells_what_its_files_say(chromium: Browser, scene: Scene) -> None:
    with watched(chromium, size=PHONE, scheme="dark") as seen:
        scene.open(seen.page)
        signature = seen.page.get_by_role("table", name="What the model takes and gives")
        expect(signature.get_by_role("row").nth(1)).to_have_text(re.compile(r"input\s*city\s*string\s*yes"))
        expect(signature.get_by_role("row")).to_have_count(6)
        certificate = seen.page.get_by_role("table", name="What was compared")
        expect(certificate.get_by_role("row").nth(1)).to_contain_text("predict")
        expect(certificate.get_by_role("row").nth(1)).to_contain_text("yes")
        expect(seen.page.get_by_role("link", name="model.onnx")).to_have_count(1)
        is_light_and_whole(seen)
        seen.page.locator(".facts").get_by_role("link", name="the best run").click()
        expect(seen.page).to_have_url(f"{scene.house.address}/runs/{scene.run}")
        seen.page.locator(".facts").get_by_role("link", name="version 1").click()
        expect(seen.page).to_have_url(scene.house.address + CHURN)
        seen.page.goto(f"{scene.house.address}/models/churn/2")
        expect(seen.page.locator("section", has=seen.page.locator("#certificate"))).to_contain_text("None:")


def test_an_alias_is_set_moved_and_removed_once_it_was_confirmed(chromium: Browser, scene: Scene) -> None:
    registry = scene.house.parts.registry("ada")
    with watched(chromium) as seen:
        for number in (1, 2):
            scene.open(seen.page, f"/models/churn/{number}")
            seen.page.get_by_label("Alias").fill("champion")
            seen.page.get_by_role("button", name="Set…").click()
            expect(seen.page.get_by_role("heading", level=1)).to_have_text(
                f"Let @champion mean version {number}?"
            )
            if number == 2:
                expect(seen.page.locator("main")).to_contain_text("It means version 1 now.")
            seen.page.get_by_role("button", name="Set it").click()
            expect(seen.page.locator(".facts")).to_contain_text("@champion")
            assert registry.get_model("churn").aliases == {"champion": number}
        seen.page.get_by_role("link", name="Remove @champion…").click()
        seen.page.get_by_role("link", name="Leave it").click()
        assert registry.get_model("churn").aliases == {"champion": 2}
        seen.page.get_by_role("link", name="Remove @champion…").click()
        seen.page.get_by_role("button", name="Remove it").click()
        expect(seen.page.get_by_role("status")).to_contain_text("alias")
        assert registry.get_model("churn").aliases == {}
        is_light_and_whole(seen)


def test_a_move_archives_what_was_there_and_tells_of_one_that_came_before(
    chromium: Browser, scene: Scene
) -> None:
    registry = scene.house.parts.registry("bob")
    registry.promote("churn", 1, "Production", archive_existing=False, expected=None)
    with watched(chromium) as seen:
        scene.open(seen.page, "/models/churn/2")
        seen.page.get_by_role("button", name="Promote…").click()
        expect(seen.page.locator("main")).to_contain_text("Production is held by version 1 now")
        # While this page is read, somebody else acts.
        registry.promote("churn", 1, "Archived", archive_existing=False, expected=NOT_GIVEN)
        seen.page.get_by_role("button", name="Move to Production").click()
        expect(seen.page.get_by_role("heading", level=1)).to_have_text("Somebody was quicker")
        expect(seen.page.get_by_role("alert")).to_contain_text("nobody holds it now")
        assert registry.get_version("churn", 2).stage == "None"
        registry.promote("churn", 1, "Production", archive_existing=False, expected=NOT_GIVEN)
        seen.page.get_by_role("link", name="Look at it again").click()
        seen.page.get_by_role("button", name="Promote…").click()
        expect(seen.page.get_by_label("Archive what is there now")).to_be_checked()
        seen.page.get_by_role("button", name="Move to Production").click()
        expect(seen.page.locator(".facts .production")).to_have_count(1)
        assert registry.get_version("churn", 1).stage == "Archived"
        assert registry.get_version("churn", 2).stage == "Production"


def test_a_row_is_answered_by_the_server_that_serves_it(chromium: Browser, scene: Scene) -> None:
    with watched(chromium) as seen:
        scene.open(seen.page)
        seen.page.get_by_label("city").fill("Paris")
        seen.page.get_by_role("button", name="Predict").click()
        outcome = seen.page.locator("#outcome")
        expect(outcome).to_contain_text("answered 200")
        expect(outcome.locator("pre")).to_have_text(re.compile(r'\{"predictions":\["\w+"\]\}'))
        expect(outcome.locator(".care, .wrong")).to_have_count(0)
        expect(seen.page.get_by_label("city")).to_have_value("Paris")
        is_light_and_whole(seen)
        seen.shoot("try-1280-light")
        seen.page.get_by_text("The same from a terminal").click()
        for name, command in (("The line for a terminal", "sh"), ("The lines of Python", sys.executable)):
            lines = seen.page.get_by_label(name).inner_text()
            ran = subprocess.run([command, "-c", lines], capture_output=True, text=True, check=True)
            assert "predictions" in ran.stdout


def test_what_the_server_refuses_is_told(chromium: Browser, scene: Scene) -> None:
    with watched(chromium) as seen:
        scene.open(seen.page)
        seen.page.get_by_label("visits").fill("1e400")
        seen.page.get_by_role("button", name="Predict").click()
        expect(seen.page.locator("#outcome .wrong")).to_contain_text("'visits' wants a number")
        scene.open(seen.page, "/models/churn/2")
        seen.page.get_by_role("button", name="Predict").click()
        outcome = seen.page.locator("#outcome")
        # Version 1 answers, and wants other columns.
        expect(outcome.locator(".care")).to_contain_text("serves churn version 1")
        expect(outcome.locator(".wrong")).to_contain_text("city")
        expect(outcome).to_contain_text("answered 400")
        is_light_and_whole(seen)


def test_a_server_that_is_down_is_told(chromium: Browser, scene: Scene) -> None:
    with watched(chromium) as seen:
        scene.open(seen.page)
        seen.page.get_by_label("Ask").select_option(scene.closed)
        seen.page.get_by_role("button", name="Predict").click()
        expect(seen.page.locator("#outcome .wrong")).to_contain_text(f"{scene.closed} did not answer")
        expect(seen.page.get_by_label("Ask")).to_have_value("1")
        is_light_and_whole(seen)


def test_without_a_server_that_the_operator_named_there_is_no_form(
    chromium: Browser, scene: Scene, tmp_path: Path
) -> None:
    with opened(tmp_path) as house, watched(chromium) as seen:
        house.version("churn")
        seen.page.goto(f"{house.address}/models/churn/1")
        expect(seen.page.get_by_role("button", name="Predict")).to_have_count(0)
        expect(seen.page.locator("main")).to_contain_text("--scoring-server URL")
