"""A real browser for the tests that look at pages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NoReturn
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, Response, sync_playwright

AXE: Final = Path(__file__).resolve().parents[1] / ".cache" / "axe-core" / "axe.min.js"
DESKTOP: Final = (1280, 900)
PHONE: Final = (360, 740)
SHOTS: Final = os.environ.get("MODELPACK_TEST_SHOTS", "")
"""A folder for pictures of what was looked at; without one, none are taken."""

_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def require_chromium() -> str:
    """The path of Chromium; skips the test, or fails it where nothing may be missing."""
    found = shutil.which("chromium")
    return found or _missing("Chromium is not there: scripts/system-parts.sh brings it")


# Not for the whole session: while it lives, no loop of asyncio can run in this thread.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One Chromium for the tests of a folder, whose conftest.py imports it by this name."""
    path = require_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A *page*, and what it did since it was opened.

    *answers* are to what it asked for, in order, and *troubles* what a good page never has: dialogs, errors
    in its console, scripts that raised, requests that failed.
    """

    page: Page
    answers: list[Response] = field(default_factory=list)
    is_leaving: bool = False
    troubles: list[str] = field(default_factory=list)

    def visit(self, address: str) -> Response:
        """Open *address*; what was asked for by the page before is forgotten."""
        self.answers.clear()
        response = self.page.goto(address, wait_until="networkidle")
        assert response is not None
        return response

    @property
    def weight(self) -> int:
        """Bytes of all that was fetched for this page, as they are before any compression."""
        return sum(len(one.body()) for one in self.answers if _is_part(one))

    def elsewhere(self) -> list[str]:
        """What was asked of any other server than the page's own."""
        own = urlsplit(self.page.url).netloc
        asked = [one.url for one in self.answers]
        return [address for address in asked if urlsplit(address).netloc not in ("", own)]

    def is_too_wide(self) -> bool:
        """Whether the page as a whole can be scrolled sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))

    def shoot(self, name: str) -> None:
        """Take a picture of the whole page, where somebody asked for pictures."""
        if SHOTS:
            self.page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@contextmanager
def watched(
    browser: Browser,
    *,
    size: tuple[int, int] = DESKTOP,
    scheme: Literal["light", "dark"] = "light",
    javascript: bool = True,
    **options: Any,
) -> Iterator[Watched]:
    """A page in a context of its own: no cookies, no memory. *options* are playwright's for a context."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        java_script_enabled=javascript,
        reduced_motion="reduce",
        **options,
    )
    context.set_default_timeout(15_000)
    seen = Watched(context.new_page())
    seen.page.on("request", lambda request: _begin(seen, request))
    seen.page.on("framenavigated", lambda _: _arrive(seen))
    seen.page.on("response", lambda response: seen.answers.append(response))
    seen.page.on("requestfailed", lambda request: _miss(seen, request))
    seen.page.on("console", lambda message: _hear(seen, message))
    seen.page.on("pageerror", lambda error: seen.troubles.append(f"raised: {error.message}"))
    seen.page.on("dialog", lambda dialog: _refuse(seen, dialog))
    try:
        yield seen
    finally:
        context.close()


def _begin(seen: Watched, request: Request) -> None:
    """Forget what the page before has fetched."""
    if request.is_navigation_request():
        seen.answers.clear()
        seen.is_leaving = True


def _arrive(seen: Watched) -> None:
    """Forget what the page before was still given on the way out; a jump within a page is no way out."""
    if seen.is_leaving:
        seen.answers[:] = [one for one in seen.answers if one.request.is_navigation_request()]
        seen.is_leaving = False


def axe(page: Page, *, gravest: tuple[str, ...] = ("serious", "critical")) -> list[str]:
    """What axe-core finds on *page* that keeps people out, as lines that say what and where."""
    if not AXE.exists():
        _missing("axe-core is not there: scripts/browser-parts.sh brings it")
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE.read_text("utf-8"))
    report = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{found['impact']} {found['id']}: {node['target']} {node['failureSummary']}"
        for found in report["violations"]
        if found["impact"] in gravest
        for node in found["nodes"]
    ]


def _is_part(response: Response) -> bool:
    # What was redirected has no body; what was downloaded is no part of the page.
    return response.status < 300 and "attachment" not in response.headers.get("content-disposition", "")


def _hear(seen: Watched, message: ConsoleMessage) -> None:
    if message.type == "error":
        seen.troubles.append(f"console: {message.text}")


def _miss(seen: Watched, request: Request) -> None:
    # What a page still asked for when it was left is no trouble.
    if request.failure != "net::ERR_ABORTED":
        seen.troubles.append(f"failed: {request.url} {request.failure}")


def _refuse(seen: Watched, dialog: Dialog) -> None:
    seen.troubles.append(f"dialog: {dialog.message}")
    dialog.dismiss()


def _missing(reason: str) -> NoReturn:
    if os.environ.get("MODELPACK_TEST_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
