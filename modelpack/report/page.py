"""A page that is one file: its shell, and its parts. Whatever is given as text is escaped."""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

from modelpack._version import __version__
from modelpack.errors import AlreadyExists, shorten
from modelpack.files import replacing

MARK: Final = '<meta name="generator" content="modelpack">'
"""By this a file is known as one of these pages."""

BASE: Final = Path(__file__).with_name("base.css")
"""What pages about one model begin their style with: its colors, letters, chips, facts and tables."""

_LONGEST: Final = 400
"""Characters of any one text."""


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page under a *title*; *body* is HTML. *name* is its place in the page's address."""

    name: str
    title: str
    body: str


def page(title: str, *, kind: str, lead: str, sections: Sequence[Section]) -> str:
    """A whole page of the *kind* that its head names. *lead* is HTML that comes before all sections.

    No script runs in it, nothing is fetched for it: its own policy says so to browsers.
    """
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    links = "".join(f'<a href="#{one.name}">{text(one.title)}</a>' for one in sections)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{MARK}
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{text(title)}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header class="top"><div class="bar">
<span class="brand">modelpack</span> <span class="quiet">{text(kind)}</span>
<nav aria-label="Parts of this report">{links}</nav>
</div></header>
<main id="main" tabindex="-1">
{lead}
{"".join(map(_section, sections))}
</main>
<footer class="bottom"><div class="bar">Written by modelpack {escape(__version__)}. This file is all \
there is to this page: it loads nothing and runs nothing.</div></footer>
</body>
</html>
"""


def _section(one: Section) -> str:
    titled = f'<h2 id="{one.name}-title">{text(one.title)}</h2>'
    return f'<section id="{one.name}" aria-labelledby="{one.name}-title">{titled}\n{one.body}</section>\n'


@cache
def _style() -> str:
    return BASE.read_text(encoding="utf-8") + BASE.with_name("report.css").read_text(encoding="utf-8")


def text(value: object, longest: int = _LONGEST) -> str:
    """*value* as text that anyone may have written: escaped, on one line, and not too long."""
    return escape(shorten(str(value), longest))


def code(value: object, longest: int = _LONGEST) -> Html:
    """*value* in the letters of a terminal."""
    return Html(f"<code>{text(value, longest)}</code>")


def chip(value: object, look: str = "") -> Html:
    """*value* in a small frame, whose *look* is ``good``, ``care``, ``bad`` or nothing."""
    return Html(f'<span class="chip{" " if look else ""}{look}"><bdi>{text(value, 120)}</bdi></span>')


def note(value: str) -> str:
    """A sentence on the side."""
    return f'<p class="quiet">{text(value, 1_000)}</p>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """What is known by name; what is not ``Html`` is escaped."""
    told = (f"<div><dt>{text(name)}</dt><dd>{_cell(value, _LONGEST)}</dd></div>" for name, value in pairs)
    return f'<dl class="facts">{"".join(told)}</dl>'


def table(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numeric: frozenset[int] | set[int] = frozenset(),
    longest: int = _LONGEST,
    look: str = "",
) -> str:
    """A table that scrolls by itself where it is too wide; read aloud it is called *title*.

    The first cell of a row names it. What is not ``Html`` is escaped; columns in *numeric* are set for
    numbers. *look* is ``bars``, ``cells`` (no line is broken) or nothing.
    """
    marks = [' class="number"' if place in numeric else "" for place in range(len(headings))]
    head = "".join(
        f'<th scope="col"{mark}>{text(one, longest)}</th>' for one, mark in zip(headings, marks, strict=True)
    )
    lines = "".join(_row(row, marks, longest) for row in rows)
    marked = f' class="{look}"' if look else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(title)}">'
        f"<table{marked}><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _row(row: Sequence[str], marks: Sequence[str], longest: int) -> str:
    first, *cells = row
    others = (f"<td{mark}>{_cell(one, longest)}</td>" for one, mark in zip(cells, marks[1:], strict=True))
    return f'<tr><th scope="row" class="deep">{_cell(first, longest)}</th>{"".join(others)}</tr>'


def _cell(value: str, longest: int) -> str:
    return value if isinstance(value, Html) else text(value, longest)


def more(shown: int, count: int, what: str) -> str:
    """The line that says what was left out, where something was."""
    return note(f"The first {shown:,} of {count:,} {what}.") if count > shown else ""


def write(page: str, target: Path) -> None:
    """Write *page* to *target*, whole or not at all; an older page of this kind is replaced.

    Raises AlreadyExists for any other file that is there, OSError where it cannot be written.
    """
    require_free(target)
    with replacing(target) as file:
        file.write(page.encode())


def require_free(target: Path) -> None:
    """Raise AlreadyExists where *target* is a file that is no page of this kind, and not empty."""
    if target.is_file() and target.stat().st_size and not is_page(target):
        raise AlreadyExists(f"{target} exists and is no report of modelpack; choose another place")


def is_page(path: Path) -> bool:
    """Whether the file *path* is a page that was written here."""
    with path.open("rb") as file:
        return MARK.encode() in file.read(512)


def file_name(name: str, digest: str) -> str:
    """A name for the page about the model *name*, whose content has *digest*: the same for the same model."""
    plain = "-".join(_words(name))[:60].strip(".-") or "model"
    return f"{plain}-{digest.removeprefix('sha256:')[:12]}.html"


def _words(name: str) -> Iterator[str]:
    return (found.group() for found in re.finditer(r"[A-Za-z0-9._]+", name))
