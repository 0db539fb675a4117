"""Signing in by a token, in a real browser: the gate, scopes, the cookie, other sites, and the way out."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import PHONE, watched
from tests.pages.house import House, opened
from tests.pages.looking import is_light_and_whole, keeps_nobody_out

SESSION = "modelpack_session"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("login"), require_auth=True) as house:
        house.version("churn")
        house.run("0", "one", metrics={"f1": [0.1, 0.2]})
        yield house


def _sign_in(page: Page, house: House, secret: str, place: str = "/") -> None:
    page.goto(house.address + place)
    page.get_by_label("Token").fill(secret)
    page.get_by_role("button", name="Sign in").click()


def test_one_comes_back_to_where_one_wanted_to_go(chromium: Browser, house: House) -> None:
    secret = house.token("ada", "write")
    wanted = "/experiments/0?where=metrics.f1+%3E+0&sort=metrics.f1"
    with watched(chromium, size=PHONE) as seen:
        for place in ("/", "/models", "/models/churn/1", "/compare?runs=a&runs=b", wanted):
            seen.page.goto(house.address + place)
            assert urlsplit(seen.page.url).path == "/login"
            asked = parse_qs(urlsplit(seen.page.url).query)["after"]
            assert asked == [place]
            expect(seen.page.get_by_label("Token")).to_be_visible()
        is_light_and_whole(seen)
        keeps_nobody_out(seen)
        seen.shoot("login-360-light")
        seen.page.get_by_label("Token").fill(f"  {secret} ")
        seen.page.get_by_label("Token").press("Enter")
        expect(seen.page).to_have_url(house.address + wanted)
        expect(seen.page.locator("table.runs tbody tr")).to_have_count(1)
        expect(seen.page.locator(".who")).to_contain_text("ada")
        is_light_and_whole(seen)


def test_a_wrong_token_is_told_and_not_echoed(chromium: Browser, house: House) -> None:
    with watched(chromium, scheme="dark") as seen:
        _sign_in(seen.page, house, "mp_wrong", "/models")
        expect(seen.page.get_by_role("alert")).to_have_text("This token is not known here, or no longer.")
        expect(seen.page.get_by_label("Token")).to_have_value("")
        expect(seen.page.get_by_label("Token")).to_have_attribute("aria-invalid", "true")
        assert "mp_wrong" not in seen.page.content()
        keeps_nobody_out(seen)
        seen.shoot("login-wrong-1280-dark")
        seen.page.get_by_label("Token").fill(house.token("ada", "read"))
        seen.page.get_by_role("button", name="Sign in").click()
        expect(seen.page).to_have_url(f"{house.address}/models")


def test_the_token_is_in_a_cookie_that_no_script_and_no_other_site_gets(
    chromium: Browser, house: House
) -> None:
    secret = house.token("ada", "write")
    with watched(chromium) as seen:
        _sign_in(seen.page, house, secret)
        expect(seen.page.get_by_role("heading", level=1)).to_have_text("Experiments")
        kept = {one["name"]: one for one in seen.page.context.cookies()}
        assert set(kept) == {SESSION, "modelpack_form"}
        for cookie in kept.values():
            assert cookie["httpOnly"]
            assert cookie["sameSite"] == "Strict"
            assert cookie["path"] == "/"
        assert seen.page.evaluate("document.cookie") == ""
        assert secret not in seen.page.content()
        # It opens pages, and nothing of the API.
        answer = seen.page.request.get(f"{house.address}/api/2.0/mlflow/experiments/get?experiment_id=0")
        assert answer.status == 401


def test_a_token_for_reading_sees_nothing_to_change_and_can_change_nothing(
    chromium: Browser, house: House
) -> None:
    with watched(chromium) as seen:
        _sign_in(seen.page, house, house.token("eve", "read"), "/models/churn/1")
        expect(seen.page.get_by_role("heading", level=1)).to_contain_text("churn")
        for place in ("/", "/experiments/0", "/models", "/models/churn", "/models/churn/1"):
            seen.page.goto(house.address + place)
            expect(seen.page.locator("form[method=post]")).to_have_count(1)
            expect(seen.page.locator("form[method=post]")).to_have_attribute("action", "/logout")
            for word in ("Promote…", "Set…", "Rename", "Delete", "Make it"):
                expect(seen.page.get_by_text(word, exact=True)).to_have_count(0)
        response = seen.page.goto(f"{house.address}/models/churn/1/stage?stage=Production")
        assert response is not None
        assert response.status == 403
        expect(seen.page.get_by_role("heading", level=1)).to_have_text("Not allowed")
        expect(seen.page.get_by_role("link", name="Sign in by another token")).to_be_visible()
        # A form as the page of somebody who may would have it.
        with seen.page.expect_navigation() as gone:
            seen.page.evaluate(
                """() => {
                  const form = document.querySelector("form[method=post]");
                  form.action = "/models/churn/1/stage";
                  for (const [name, value] of [["stage", "Production"], ["from", "None"], ["held", "nobody"]])
                    form.insertAdjacentHTML("beforeend", `<input name=${name} value=${value}>`);
                  form.submit();
                }"""
            )
        assert gone.value is not None
        assert gone.value.status == 403
        expect(seen.page.get_by_role("alert")).to_contain_text("does not allow to write")
        assert house.parts.registry("ada").get_version("churn", 1).stage == "None"


def test_one_signs_out_and_the_way_back_is_shut(chromium: Browser, house: House) -> None:
    with watched(chromium) as seen:
        _sign_in(seen.page, house, house.token("ada", "read"), "/models")
        seen.page.get_by_role("button", name="Sign out").click()
        expect(seen.page).to_have_url(f"{house.address}/login")
        assert SESSION not in {one["name"] for one in seen.page.context.cookies()}
        expect(seen.page.get_by_role("button", name="Sign out")).to_have_count(0)
        # Pages are not kept by the browser.
        seen.page.go_back()
        expect(seen.page.get_by_label("Token")).to_be_visible()


@pytest.fixture
def evil(house: House) -> Iterator[str]:
    """Another site, whose page sends forms here as soon as it is opened."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            target = urlsplit(self.path).path
            self.wfile.write(
                f"<form method=post action='{house.address}{target}'>"
                "<input name=name value=forged><input name=form_token value=x></form>"
                "<script>document.forms[0].submit()</script>".encode()
            )

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's word
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_form_of_another_site_changes_nothing(chromium: Browser, house: House, evil: str) -> None:
    tracking = house.parts.tracking
    with watched(chromium) as seen:
        _sign_in(seen.page, house, house.token("ada", "write"))
        expect(seen.page.get_by_role("heading", level=1)).to_have_text("Experiments")
        # Of the same host, whose form the cookie comes along with, and of another.
        for site in (evil, evil.replace("127.0.0.1", "localhost")):
            seen.page.goto(f"{site}/experiments")
            seen.page.wait_for_url(f"{house.address}/experiments")
            expect(seen.page.locator("body")).to_contain_text("PERMISSION_DENIED")
            assert tracking.get_experiment_by_name("forged") is None
        seen.page.goto(f"{evil}/logout")
        seen.page.wait_for_url(f"{house.address}/logout")
        seen.page.goto(f"{house.address}/models")
        expect(seen.page.get_by_role("heading", level=1)).to_have_text("Registered models")
