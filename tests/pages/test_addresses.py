"""The addresses that MLflow's clients print lead to the pages here."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import watched
from tests.pages.house import House, opened

CASES = [
    ("#/experiments/1", "/experiments/1"),
    ("#/experiments/1/runs", "/experiments/1"),
    ("#/experiments/1?searchFilter=metrics.f1%20%3E%200", "/experiments/1?where=metrics.f1+%3E+0"),
    ("#/experiments/1/runs/0a1b", "/runs/0a1b"),
    ("#/experiments/1/runs/0a1b/model-metrics", "/runs/0a1b"),
    ("#/experiments/1/runs/0a1b/artifacts/model/MLmodel", "/runs/0a1b/files/model/MLmodel"),
    ("#/experiments/1/models", "/experiments/1/logged-models"),
    ("#/experiments/1/models/m-0a1b", "/logged-models/m-0a1b"),
    ("#/models", "/models"),
    ("#/models/churn%20model", "/models/churn%20model"),
    ("#/models/churn/versions/3", "/models/churn/3"),
    ('#/compare-runs?runs=["0a","1b"]&experiments=["1"]', "/compare?runs=0a&runs=1b"),
    ('#/metric?runs=["0a"]&metric="f1"', "/runs/0a/metric?key=f1"),
    ("#/nothing/known", "/"),
    ("#/experiments/..%2f..%2fmodels", "/experiments/..%2F..%2Fmodels"),
    ("#/experiments/%E0%A4%A", "/"),
    ("#//evil.example/experiments", "/"),
    ("#javascript:alert(1)", "/"),
]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server that asks for a token."""
    with opened(tmp_path_factory.mktemp("addresses"), require_auth=True) as house:
        yield house


def test_what_a_client_prints_is_found_after_signing_in(chromium: Browser, guarded: House) -> None:
    address = guarded.address
    with watched(chromium) as seen:
        page = seen.page
        seen.visit(f"{address}/#/models")
        page.get_by_label("Token").fill(guarded.token("ada", "read"))
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{address}/models")
        for hash_, place in CASES:
            # From another page: a click on a printed address opens it anew.
            page.goto("about:blank")
            # Where it should stay, it must have had the time to leave.
            page.goto(f"{address}/{hash_}", wait_until="networkidle" if place == "/" else "commit")
            expect(page).to_have_url(re.compile(rf"{re.escape(address + place)}(#.*)?"))
        assert [one for one in seen.troubles if one.startswith(("dialog", "raised"))] == []
