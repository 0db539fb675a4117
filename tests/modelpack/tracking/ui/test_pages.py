"""The pages, asked over HTTP: what they show, what they refuse, and that nobody's text becomes markup."""

import re
import time

import pytest
from starlette.testclient import TestClient

from modelpack.tracking.records import Metric
from modelpack.tracking.server.app import create_app
from modelpack.tracking.server.parts import Parts
from modelpack.tracking.ui.curves import between, thin
from modelpack.tracking.ui.login import safe_place
from modelpack.tracking.ui.telling import lines, text
from tests.modelpack.tracking.ui.conftest import ORIGIN

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(1)</script> javascript:alert(1) \u202egnp'


def _run(parts: Parts, experiment: str = "0", name: str = "one") -> str:
    now = int(time.time() * 1000)
    run = parts.tracking.create_run(experiment, run_name=name, user_id="ada", start_time=now, tags={})
    points = [Metric("f1", 0.5 + step / 100, now + step, step) for step in range(10)]
    parts.tracking.log_batch(run.info.run_id, metrics=points, params={"depth": "4"}, tags={"team": "growth"})
    return run.info.run_id


def _send(browser: TestClient, page: str, place: str, **fields: str) -> int:
    """The status of a form that is sent to *place* from *page*, as a browser does it."""
    found = re.search(r'name="form_token" value="([^"]+)"', browser.get(page).text)
    assert found is not None
    given = {"form_token": found[1], **fields}
    return browser.post(place, data=given, headers={"Origin": ORIGIN}).status_code


def test_a_wrong_filter_is_told_beside_its_box(parts: Parts, browser: TestClient) -> None:
    _run(parts)
    answer = browser.get("/experiments/0", params={"where": "metrics.f1 >"})
    assert answer.status_code == 400
    assert "the search text is wrong at character" in answer.text


def test_runs_are_filtered_and_ordered_by_what_the_address_says(parts: Parts, browser: TestClient) -> None:
    first, second = _run(parts, name="alpha"), _run(parts, name="beta")
    ordered = browser.get("/experiments/0?sort=run_name&down=1").text
    assert ordered.index(second) < ordered.index(first)
    assert 'aria-sort="descending"' in ordered
    assert first not in browser.get("/experiments/0", params={"where": "attributes.run_name = 'beta'"}).text


def test_what_anybody_wrote_is_text(parts: Parts, browser: TestClient) -> None:
    experiment = parts.tracking.create_experiment(f"x {HOSTILE}", tags={"note": HOSTILE})
    run = _run(parts, experiment, HOSTILE)
    parts.tracking.log_batch(run, params={"p": HOSTILE}, tags={"t": HOSTILE, "mlflow.note.content": HOSTILE})
    other = _run(parts, experiment, "other")
    registry = parts.registry("<b>eve")
    registry.create_model("<img src=x onerror=alert(1)>", description=HOSTILE, tags={"k": HOSTILE})
    for place in (
        "/",
        f"/experiments/{experiment}?picked=1&column=params.p&column=tags.t",
        f"/runs/{run}",
        f"/compare?runs={run}&runs={other}",
        "/models",
        "/models/%3Cimg%20src=x%20onerror=alert(1)%3E",
    ):
        answer = browser.get(place)
        assert answer.status_code == 200, place
        assert "<img src=x" not in answer.text, place
        assert "<script>alert" not in answer.text, place
        assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_a_form_that_no_page_here_sent_changes_nothing(parts: Parts, browser: TestClient) -> None:
    browser.get("/")
    for headers in ({}, {"Origin": "null"}, {"Origin": "http://evil.example"}, {"Origin": ORIGIN}):
        answer = browser.post("/experiments", data={"name": "forged"}, headers=headers)
        assert answer.status_code == 403
    assert parts.tracking.get_experiment_by_name("forged") is None
    assert _send(browser, "/", "/experiments", name="meant") == 303
    assert parts.tracking.get_experiment_by_name("meant") is not None


def test_a_stage_that_moved_meanwhile_is_not_moved_again(parts: Parts, browser: TestClient) -> None:
    registry = parts.registry("ada")
    for _ in range(2):
        registry.create_version(
            "churn", source="", digest="", location="models/x", run_id="", description="", tags={}
        )
    asked = "/models/churn/2/stage?stage=Production"
    fields = {"stage": "Production", "from": "None", "held": "nobody", "archive": "1"}
    registry.promote("churn", 1, "Production", archive_existing=False, expected=None)
    assert _send(browser, asked, "/models/churn/2/stage", **fields) == 400
    assert registry.get_version("churn", 2).stage == "None"
    assert _send(browser, asked, "/models/churn/2/stage", **{**fields, "held": "1"}) == 303
    assert registry.get_version("churn", 2).stage == "Production"
    assert registry.get_version("churn", 1).stage == "Archived"


@pytest.mark.parametrize("name", ["x.html", "x.svg", "MLmodel"])
def test_a_file_is_never_opened_as_what_it_says_it_is(parts: Parts, browser: TestClient, name: str) -> None:
    run = _run(parts)
    place = parts.files.place(parts.tracking.get_run(run).info.artifact_uri)
    arrival = parts.files.receive(f"{place}/{name}")
    arrival.write(b"<script>alert(1)</script>")
    arrival.finish()
    answer = browser.get(f"/runs/{run}/raw/{name}")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "<script>alert" not in browser.get(f"/runs/{run}/files/{name}").text


def test_nothing_is_sent_to_a_server_that_the_operator_did_not_name(
    parts: Parts, browser: TestClient
) -> None:
    parts.registry("ada").create_version(
        "churn", source="", digest="", location="models/x", run_id="", description="", tags={}
    )
    body = {"body": "{}", "server": "http://169.254.169.254/"}
    assert _send(browser, "/models/churn/1", "/models/churn/1/try", **body) == 404


def test_curves_are_thinned_to_their_ends() -> None:
    points = [(float(step), float(step == 700)) for step in range(1_000)]
    thinned = thin(points, 100)
    assert len(thinned) <= 100
    assert (700.0, 1.0) in thinned
    assert (thinned[0], thinned[-1]) == (points[0], points[-1])
    assert thinned == sorted(thinned)


@pytest.mark.parametrize(
    ("low", "high", "kept"), [(2, 4, [1, 2, 3, 4, 5]), (2.5, 2.6, [2, 3]), (8, 20, [7, 8, 9])]
)
def test_a_part_of_a_curve_goes_on_to_its_neighbors(low: float, high: float, kept: list[float]) -> None:
    points = [(float(step), 0.0) for step in range(10)]
    assert [x for x, _ in between(points, low, high)] == kept


@pytest.mark.parametrize("place", ["//evil.example", "/\\evil.example", "http://evil.example", "", "/login"])
def test_signing_in_leads_to_places_here_alone(place: str) -> None:
    assert safe_place(place) == "/"


def test_only_what_has_more_than_one_value_is_drawn(parts: Parts, browser: TestClient) -> None:
    run = _run(parts)
    parts.tracking.log_batch(run, metrics=[Metric("auc", 0.875, 1, 4)])
    page = browser.get(f"/runs/{run}").text
    assert 'data-key="f1"' in page
    assert 'data-key="auc"' not in page
    assert "0.875" in page
    alone = browser.get(f"/runs/{run}", params={"metric": "auc"}).text
    assert "logarithmic" not in alone
    assert "0.875" in alone


def test_the_cookie_of_a_form_comes_by_https_alone_where_the_page_did(parts: Parts) -> None:
    with TestClient(create_app(parts), base_url="https://127.0.0.1:5000") as client:
        assert "; Secure" in client.get("/").headers["set-cookie"]


@pytest.mark.parametrize("place", ["/runs/x/y", "/models/a/1/nowhere", "/experiments/", "/compare/x"])
def test_what_is_not_there_is_told_by_a_page(browser: TestClient, place: str) -> None:
    answer = browser.get(place)
    assert answer.status_code == 404
    assert "<h1>Not here</h1>" in answer.text
    assert browser.get(f"/api/2.0/mlflow{place}").headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("run\u202egnp.exe", "<bdi>run\\u202egnp.exe</bdi>"),
        ("a\x1b[31m\0\x85\x7f", "<bdi>a\u241b[31m\u2400\ufffd\u2421</bdi>"),
        ("\u05d0\u05d1\tc\nd", "<bdi>\u05d0\u05d1\tc\nd</bdi>"),
    ],
)
def test_what_hides_in_a_text_is_shown(written: str, shown: str) -> None:
    assert text(written) == shown
    assert shown in lines(written)
