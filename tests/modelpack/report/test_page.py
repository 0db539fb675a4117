"""The shell of a page, and the file that it becomes."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from modelpack.errors import AlreadyExists
from modelpack.report.page import Html, Section, chip, code, facts, file_name, more, page, table, write
from tests.modelpack.report.reading import read

HOSTILE = [
    "<script>alert(1)</script>",
    "\"' onload=alert(1) x='",
    "</style></title><img src=x onerror=alert(1)>",
    "a\u202egnp.exe",
    "nul\0 esc\x1b[31m bell\a",
    "lone \ud800 half",
    "&lt;b&gt; &amp;",
    "x" * 100_000,
]


def made(body: str = "", title: str = "t") -> str:
    return page(title, kind="k", lead="", sections=[Section("one", title, body)])


def test_the_policy_lets_in_this_style_and_nothing_else() -> None:
    text = made()
    style = re.search(r"<style>(.*?)</style>", text, flags=re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"content=\"default-src 'none'; style-src 'sha256-{digest}'; " in text
    assert not re.search(r"url\(|@import|//", style[1])
    told = read(text)
    assert not told.tags & {"script", "img", "link", "iframe", "form", "base", "object"}
    assert {value[0] for name, value in told.attributes if name == "href"} == {"#"}
    assert not {name for name, _ in told.attributes if name in ("src", "style") or name.startswith("on")}


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_is_given_as_text_stays_text(hostile: str) -> None:
    parts = table(hostile, (hostile, "b"), [(hostile, hostile), (code(hostile), chip(hostile))])
    text = made(parts + facts([(hostile[:50], hostile)]) + more(1, 2, hostile[:50]), hostile[:200])
    told = read(text)
    assert not told.tags & {"script", "img"}
    harmless = table("a", "ab", [(code("x"), chip("y"))]) + facts([("a", "b")]) + more(1, 2, "c")
    assert told.tags == read(made(harmless)).tags
    assert {name for name, _ in told.attributes} <= {
        *("charset", "class", "content", "href", "http-equiv", "id", "lang", "name", "role", "scope"),
        *("tabindex", "aria-label", "aria-labelledby"),
    }
    assert "".join(text.split()).isprintable()
    assert len(text) < 30_000


def test_what_is_html_already_is_left_alone() -> None:
    assert '<td><b class="x">1</b></td>' in table("t", "ab", [("a", Html('<b class="x">1</b>'))])


def test_what_was_left_out_is_said() -> None:
    assert more(10, 2_000, "files") == '<p class="quiet">The first 10 of 2,000 files.</p>'
    assert more(10, 10, "files") == ""


def test_a_page_replaces_a_page_and_no_other_file(tmp_path: Path) -> None:
    target = tmp_path / "r.html"
    write(made(), target)
    write(made("again"), target)
    assert "again" in target.read_text()
    target.write_text("a letter to my aunt")
    with pytest.raises(AlreadyExists, match="no report of modelpack"):
        write(made(), target)
    assert target.read_text() == "a letter to my aunt"
    assert [one.name for one in tmp_path.iterdir()] == ["r.html"]


def test_what_is_empty_or_no_file_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    write(made(), tmp_path / "empty")
    write(made(), Path("/dev/null"))
    assert (tmp_path / "empty").stat().st_size > 1_000


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("churn", "churn-0123456789ab.html"),
        ("../../etc/passwd", "etc-passwd-0123456789ab.html"),
        ("<ü\0>", "model-0123456789ab.html"),
        ("x" * 300, f"{'x' * 60}-0123456789ab.html"),
        (".hidden", "hidden-0123456789ab.html"),
    ],
)
def test_a_page_is_called_after_its_model(name: str, file: str) -> None:
    assert file_name(name, "sha256:0123456789abcdef") == file
