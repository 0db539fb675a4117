"""A page, as a person reads it: its tables, its facts, and all that could make it more than text."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "br", "rect", "path", "circle", "polyline"}


@dataclass
class Read:
    """*tables* by what they are called, each a list of rows; *tags* are all that the page is made of."""

    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    headings: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    attributes: set[tuple[str, str]] = field(default_factory=set)
    text: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.read = Read()
        self.open: list[str] = []
        self._label = ""
        self._name = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.read.tags.add(tag)
        self.read.attributes |= {(name, value or "") for name, value in attrs}
        if tag not in _VOID:
            self.open.append(tag)
        given = dict(attrs)
        if given.get("role") == "region":
            self._label = given.get("aria-label") or ""
            assert self._label not in self.read.tables, "two tables of one name"
            self.read.tables[self._label] = []
        if tag == "tr":
            self.read.tables[self._label].append([])
        if tag in ("td", "th"):
            self.read.tables[self._label][-1].append("")
        if tag in ("h1", "h2", "h3"):
            self.read.headings.append("")
        if tag == "dt":
            self._name = ""

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and tag in self.open:
            assert self.open.pop() == tag, "what was opened last is closed first"

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.read.text += data
        if "td" in self.open or "th" in self.open:
            self.read.tables[self._label][-1][-1] += data
        elif self.open and {"h1", "h2", "h3"} & set(self.open):
            self.read.headings[-1] += data
        elif "dt" in self.open:
            self._name += data
        elif "dd" in self.open:
            self.read.facts[self._name] = self.read.facts.get(self._name, "") + data


def read(page: str) -> Read:
    """What *page* says."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open, "all that was opened is closed"
    return reader.read
