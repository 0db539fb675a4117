"""YAML that anyone may have written, read without its traps; and written as MLflow writes it."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from modelpack.errors import InvalidModel, shorten

LARGEST = 4 << 20
"""Bytes of one document."""

DEEPEST = 64
"""Levels of nesting."""

MOST = 20_000
"""Keys and values of one document; a signature is one of them, however wide."""

# The C library, where PyYAML was built with it, is about ten times faster.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _StrictLoader(_Loader):  # type: ignore[misc]  # the base is chosen when this is imported
    """A safe loader that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise InvalidModel("a key is not a plain text")
            if key.value in seen:
                raise InvalidModel(f"the key {shorten(repr(key.value), 60)} stands twice in one place")
            seen.add(key.value)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


class _PlainDumper(_Dumper):  # type: ignore[misc]  # the base is chosen when this is imported
    """A safe dumper that writes a value twice rather than an anchor, which the reader would refuse."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def read(path: Path) -> dict[str, Any]:
    """The mapping in the file *path*; raises InvalidModel, naming the file, for anything else.

    Refused before any value is built: more than 4 MiB, 64 levels or 20,000 values, aliases written out, tags,
    NUL, a second document. Keys given twice are refused too.
    """
    if path.stat().st_size > LARGEST:
        raise InvalidModel(f"{path.name} has more than {LARGEST >> 20} MiB; no model needs that much")
    try:
        return parse(path.read_bytes())
    except InvalidModel as error:
        raise InvalidModel(shorten(f"{path.name} cannot be read: {error}")) from None


def parse(text: bytes) -> dict[str, Any]:
    """The mapping in *text*; raises InvalidModel."""
    if b"\0" in text:
        raise InvalidModel("it holds a NUL byte")
    try:
        _scan(text)
        # Safe: a subclass of yaml.SafeLoader that knows less.
        document = yaml.load(text, Loader=_StrictLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, InvalidModel):
            raise
        raise InvalidModel(shorten(f"it is no YAML: {_first_line(error)}", 200)) from None
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise InvalidModel("it is no mapping of names to values")
    return document


def write(document: dict[str, Any], *, sort_keys: bool = True) -> str:
    """*document* as text: block style, and sorted keys unless told otherwise, as MLflow 3.17 writes."""
    text: str = yaml.dump(document, Dumper=_PlainDumper, default_flow_style=False, sort_keys=sort_keys)
    return text


def _scan(text: bytes) -> None:
    size = _Size()
    documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        elif isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            size.add(event)
        if documents > 1:
            raise InvalidModel("it holds two documents")


class _Size:
    """How many values a text stands for, and how deep: an alias counts as all that it stands for.

    MLflow writes a value that occurs twice as an anchor and an alias.
    """

    def __init__(self) -> None:
        self._values = 0
        self._open: list[tuple[str | None, int]] = []
        self._deepest: list[int] = [0]
        self._anchored: dict[str, tuple[int, int]] = {}

    def add(self, event: Any) -> None:
        """Count *event*; raises InvalidModel for more than there may be, tags, and aliases of nothing."""
        if isinstance(event, yaml.CollectionEndEvent):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchored:
                raise InvalidModel("it holds an alias of itself, or of nothing")
            self._grow(*self._anchored[event.anchor])
        elif event.tag is not None:
            raise InvalidModel(f"it holds the tag {shorten(repr(event.tag), 60)}")
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open.append((event.anchor, self._values))
            self._deepest.append(0)
            self._grow(1, 0)
        else:
            self._grow(1, 0)
            if event.anchor is not None:
                self._anchored[event.anchor] = (1, 0)

    def _close(self) -> None:
        anchor, before = self._open.pop()
        levels = self._deepest.pop() + 1
        self._deepest[-1] = max(self._deepest[-1], levels)
        if anchor is not None:
            self._anchored[anchor] = (self._values - before, levels)

    def _grow(self, values: int, levels: int) -> None:
        self._values += values
        self._deepest[-1] = max(self._deepest[-1], levels)
        if len(self._open) + levels > DEEPEST:
            raise InvalidModel("it is nested too deep")
        if self._values > MOST:
            raise InvalidModel(f"it holds more than {MOST} values")


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
