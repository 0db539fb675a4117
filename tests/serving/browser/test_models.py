"""The pages of models of other kinds: registered and certified, of every type of column, of tensors."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

import modelpack
from modelpack.schema import DataType, ParamSpec
from tests.browser import DESKTOP, PHONE, Watched, axe, watched
from tests.modelpack.proved import proved
from tests.serving.conftest import COLS
from tests.serving.kit import ServerProcess, serving
from tests.serving.saved import cols


@dataclass(frozen=True)
class Registered:
    """A server of the certified version 1, and the registry that it looks into."""

    server: ServerProcess
    registry: Path


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registered]:
    """A certified model in Production, which two aliases name."""
    folder = tmp_path_factory.mktemp("registered")
    saved = proved(folder / "model")
    database = folder / "registry.db"
    with modelpack.Registry(f"sqlite:///{database}", artifacts=folder / "artifacts") as registry:
        registry.register(saved, "churn")
        registry.promote("churn", 1, "Production")
        registry.set_alias("churn", "champion", 1)
        registry.set_alias("churn", "blue", 1)
    environ = {
        "MODELPACK_REGISTRY_URI": f"sqlite:///{database}",
        "MODELPACK_ARTIFACT_ROOT": str(folder / "artifacts"),
    }
    with serving(folder / "server", "-m", "models:/churn/Production", environ=environ) as server:
        yield Registered(server, database)


def _is_good(seen: Watched, name: str) -> None:
    assert not axe(seen.page), name
    assert not seen.is_too_wide(), name
    assert not seen.elsewhere(), name
    assert not seen.troubles, name
    assert seen.weight < 300_000, name
    seen.shoot(name)


def test_a_registered_version_shows_where_it_stands(chromium: Browser, registered: Registered) -> None:
    looks: list[tuple[tuple[int, int], Literal["light", "dark"]]] = [(DESKTOP, "dark"), (PHONE, "light")]
    for size, scheme in looks:
        with watched(chromium, size=size, scheme=scheme) as seen:
            page = seen.page
            page.goto(f"http://127.0.0.1:{registered.server.port}/")
            heading = page.get_by_role("heading", level=1)
            for told in ("version 1", "Production", "@champion", "@blue"):
                expect(heading).to_contain_text(told)
            expect(page.locator(".facts .chip.good")).to_have_text("certified")
            certificate = page.locator("section:has(#certificate-title)")
            expect(certificate.locator("tr", has_text="predict_proba")).to_contain_text("yes")
            page.get_by_role("button", name="Predict").click()
            expect(page.locator("#outcome")).to_contain_text("200")
            page.get_by_label("city").fill('nowhere\'s "<b>"')
            page.get_by_role("button", name="Predict").click()
            expect(page.locator("#curl")).to_contain_text("nowhere")
            expect(page.locator("#outcome")).to_contain_text("200")
            _is_good(seen, f"registered-{size[0]}-{scheme}")


@pytest.mark.long
def test_a_stage_that_is_moved_is_seen_on_the_page(chromium: Browser, registered: Registered) -> None:
    with watched(chromium) as seen:
        with modelpack.Registry(f"sqlite:///{registered.registry}") as registry:
            registry.set_alias("churn", "night", 1)
        heading = seen.page.get_by_role("heading", level=1)
        address = f"http://127.0.0.1:{registered.server.port}/"
        for _ in range(100):
            seen.page.goto(address)
            if "@night" in (heading.text_content() or ""):
                return
            seen.page.wait_for_timeout(100)
        pytest.fail("the new alias was not seen")


@pytest.mark.parametrize(
    ("model", "body", "answer"),
    [
        pytest.param(
            "m", {"inputs": {"x": [[1, 2, 3, 4]]}}, [1234.0], id="named tensors", marks=pytest.mark.long
        ),
        pytest.param("tensor", {"inputs": [[1, 1, 1, 1]]}, None, id="tensor", marks=pytest.mark.long),
        pytest.param("params", None, None, id="columns of every type, and params"),
    ],
)
def test_every_kind_of_signature_has_a_form_that_is_answered(
    chromium: Browser,
    models: Path,
    tmp_path: Path,
    model: str,
    body: dict[str, object] | None,
    answer: list[float] | None,
) -> None:
    folder = models / model
    if model == "params":
        params = (
            ParamSpec("threshold", DataType.double, 0.5),
            ParamSpec("words", DataType.string, ["a"], (-1,)),
        )
        folder = modelpack.save(cols, tmp_path / "params", signature=replace(COLS, params=params)).path
    with (
        serving(tmp_path / "server", "-m", str(folder), "--trust", "pickle") as server,
        watched(chromium, size=PHONE, scheme="dark") as seen,
    ):
        page = seen.page
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.get_by_role("button", name="Predict").click()
        expect(page.locator("#outcome")).to_contain_text("200")
        if model == "params":
            page.get_by_label("threshold").fill("0.25")
            page.get_by_role("button", name="Predict").click()
            expect(page.locator("#curl")).to_contain_text('"params": {"threshold": 0.25')
            expect(page.locator("#outcome")).to_contain_text("200")
        if body is not None:
            page.locator("#body").fill(json.dumps(body))
            page.get_by_role("button", name="Predict").click()
            expect(page.locator("#curl")).to_contain_text(json.dumps(body["inputs"])[:12])
            expect(page.locator("#outcome")).to_contain_text("200")
        if answer is not None:
            expect(page.locator("#answer")).to_have_text(
                json.dumps({"predictions": answer}, separators=(",", ":"))
            )
        _is_good(seen, f"kind-{model}")
        page.goto(f"http://127.0.0.1:{server.port}/docs")
        page.get_by_role("button").first.click()
        _is_good(seen, f"docs-{model}")
