"""What anybody may have written, shown by a real browser at a phone's width: it is text, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect

from modelpack.registry.names import LONGEST_NAME as LONGEST_MODEL_NAME
from modelpack.registry.names import LONGEST_TEXT
from modelpack.tracking import rules
from modelpack.tracking.records import Dataset, DatasetInput
from modelpack.tracking.ui.telling import visible
from tests.browser import PHONE, Watched, watched
from tests.pages.house import House, opened
from tests.pages.looking import is_light_and_whole, keeps_nobody_out, opens

TEXTS = {
    "markup": '"><img src=x onerror=alert(1)><script>alert(1)</script></title></textarea>',
    "attribute": "' autofocus onfocus=alert(1) style=position:fixed x='",
    "address": "javascript:alert(1)//data:text/html,<script>alert(1)</script>",
    "elsewhere": '<a href="http://evil.example/">x</a> http://evil.example/ //evil.example/x.png',
    "template": "{{ 7 * 7 }}{% raw %}${7*7}#{7*7}",
    "backwards": "\u202egnp.live\u2066\u200f\u202d name",
    "control": "a\x01\b\x1b[31mb\x7f\x85\u2028c\ufffe\u0301",
    "marks": "e" + "\u0301" * 120,
    "blank": " \t\n ",
    "long": "W" * 100_000,
}
"""Texts by what they try."""
FIRST = ("markup", "backwards", "control", "long")
"""Those that are looked at each time; all of them stand side by side in any case."""

FILES = {
    "page.html": b"<script>alert(1)</script><img src=http://evil.example/x>",
    "picture.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>x</script></svg>',
    "fake.png": b"<script>alert(1)</script>",
    "broken.png": b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
    "table.csv": b'"<img src=x onerror=alert(1)>","=cmd|calc"\n"<script>alert(1)</script>",' + b"W" * 20_000,
    "line.txt": b"W" * 100_000,
    "MLmodel": b"flavors: !!python/object/apply:os.system ['echo']\n<script>alert(1)</script>",
    "null.txt": b"a\0b",
    "latin.txt": b"\xe9\xff\xfe",
    "<img src=x onerror=alert(1)>.txt": b"named so",
    "\u05d0\u05d1 'quoted' \"name\".txt": b"named so",
    "#?&%2e.txt": b"named so",
    "W" * 240: b"named so",
}
LOCAL = """() => {
  const found = [];
  for (const one of document.querySelectorAll("*")) {
    for (const {name, value} of one.attributes) {
      if (name.startsWith("on")) found.push(`${one.tagName} ${name}`);
      // The library for charts moves its parts about, and nothing else.
      if (name === "style" && !one.closest("figure.chart")) found.push(`${one.tagName} style`);
      if (["href", "src", "action", "formaction", "srcset"].includes(name)
          && !/^([/#](?![/\\\\])|[?]|$)/.test(value)) found.push(`${one.tagName} ${name}=${value}`);
    }
    if (["IFRAME", "OBJECT", "EMBED", "BASE", "STYLE"].includes(one.tagName)) found.push(one.tagName);
    if (one.tagName === "SCRIPT" && !one.getAttribute("src")?.startsWith("/assets/")) found.push("SCRIPT");
  }
  return found;
}"""
"""Everything in a page that could run, or lead anywhere but to this server."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("hostile"), scoring_servers=("http://127.0.0.1:1",)) as house:
        yield house


def _is_harmless(seen: Watched) -> None:
    assert seen.page.evaluate(LOCAL) == []
    is_light_and_whole(seen)


@dataclass(frozen=True, slots=True)
class Written:
    """An experiment with one run, and a text wherever there is room; *key* names all that is logged."""

    experiment: str
    run: str
    key: str


@pytest.fixture(scope="module")
def written(house: House) -> dict[str, Written]:
    return {which: _write(house, which) for which in TEXTS}


def _write(house: House, which: str) -> Written:
    text, tracking = TEXTS[which], house.parts.tracking
    noted = {"mlflow.note.content": text[: rules.LONGEST_EXPERIMENT_TAG], "shown": text[:500]}
    experiment = tracking.create_experiment(f"{which} {text}"[: rules.LONGEST_NAME], tags=noted)
    key = ("k" * rules.LONGEST_KEY) if which == "long" else "key"
    tag = text[: rules.LONGEST_TAG]
    run = house.run(
        experiment,
        f"{tag}run"[-rules.LONGEST_TAG :],
        metrics={key: [0.1, 0.2], "single": [1.0]},
        params={key: text[: rules.LONGEST_PARAM]},
        tags={"t": tag, "mlflow.note.content": tag, "mlflow.source.name": tag, "mlflow.user": tag},
    )
    dataset = Dataset(name=text[:400].strip() or "blank", digest="d", source_type="s", source=text[:65_000])
    tracking.log_inputs(run, [DatasetInput(dataset=dataset, tags={"mlflow.data.context": text[:400]})])
    return Written(experiment, run, key)


@pytest.mark.parametrize(
    "which", [pytest.param(one, marks=() if one in FIRST else pytest.mark.long) for one in TEXTS]
)
def test_a_text_is_shown_as_it_is_and_does_nothing(
    chromium: Browser, house: House, written: dict[str, Written], which: str
) -> None:
    one = written[which]
    shown = f"picked=1&column=params.{one.key}&column=tags.t&column=metrics.{one.key}"
    with watched(chromium, size=PHONE) as seen:
        for place in (f"/experiments/{one.experiment}?{shown}", f"/runs/{one.run}"):
            opens(seen, house.address + place)
            _is_harmless(seen)
        seen.shoot(f"hostile-{which}-360-light")
        opens(seen, f"{house.address}/runs/{one.run}/value?of=tags&key=t")
        assert seen.page.evaluate("document.contentType") == "text/plain"
        assert seen.troubles == []


def test_texts_side_by_side_do_nothing(chromium: Browser, house: House, written: dict[str, Written]) -> None:
    compared = "&".join(f"runs={one.run}" for one in written.values())
    long = written["long"]
    with watched(chromium, size=PHONE, scheme="dark") as seen:
        for place in (
            "/",
            f"/compare?{compared}&show=all&axis=params.key&axis=metrics.single&x=params.key",
            f"/runs/{long.run}/metric?key={long.key}",
            f"/experiments/{long.experiment}/delete",
        ):
            opens(seen, house.address + place)
            _is_harmless(seen)
            keeps_nobody_out(seen)
        seen.shoot("hostile-asked-360-dark")


@pytest.mark.parametrize("which", ["markup", pytest.param("backwards", marks=pytest.mark.long), "long"])
def test_a_model_that_is_called_so_does_nothing(chromium: Browser, house: House, which: str) -> None:
    text, registry = TEXTS[which], house.parts.registry(TEXTS["markup"])
    # What a model may not be called, which is a path, is left out.
    name = text.replace("/", "").replace(":", "")[:LONGEST_MODEL_NAME]
    shown = visible(name)
    registry.create_model(name, description=text[:LONGEST_TEXT], tags={"k": text[:LONGEST_TEXT]})
    registry.create_version(
        name,
        source=f"http://evil.example/{text}"[:400],
        digest="",
        location="models/x",
        run_id="",
        description=text[:LONGEST_TEXT],
        tags={"k": text},
    )
    registry.promote(name, 1, "Production", archive_existing=False, expected=None)
    with watched(chromium, size=PHONE, scheme="dark") as seen:
        opens(seen, f"{house.address}/models")
        _is_harmless(seen)
        seen.page.locator("tbody th a", has_text=shown[:40].strip()).first.click()
        expect(seen.page.get_by_role("heading", level=1)).to_contain_text(shown[:20].strip())
        _is_harmless(seen)
        seen.page.locator("tbody").first.get_by_role("link", name="version 1").click()
        expect(seen.page.get_by_role("heading", name="Try it")).to_be_visible()
        _is_harmless(seen)
        seen.shoot(f"hostile-model-{which}-360-dark")
        seen.page.get_by_role("button", name="Promote…").click()
        expect(seen.page.get_by_role("heading", level=1)).to_contain_text("Move")
        _is_harmless(seen)


def test_files_do_nothing_whatever_they_are_called_and_hold(chromium: Browser, house: House) -> None:
    run = house.run("0", "files")
    for name, content in FILES.items():
        house.put(run, f"in/{name}", content)
    with watched(chromium, size=PHONE) as seen:
        folder = f"{house.address}/runs/{run}/files/in"
        opens(seen, folder)
        _is_harmless(seen)
        links = seen.page.locator("tbody th a")
        expect(links).to_have_count(len(FILES))
        for address in [one.get_attribute("href") or "" for one in links.all()]:
            opens(seen, house.address + address)
            # A picture that is none draws nothing, and is no trouble of the page.
            _is_harmless(seen)
        seen.shoot("hostile-file-360-light")
