"""Lazy tables of extensions: built-ins by name, entry points on first use."""

import importlib
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from modelpack.errors import NotFound

T = TypeVar("T")


class Table(Generic[T]):
    """One extension point.

    *builtins* maps a name to ``"module:attribute"``, so that filling a table imports nothing. Distributions
    add to it by entry points of the group *group*; a built-in cannot be replaced by one.
    """

    def __init__(self, kind: str, *, group: str, builtins: Mapping[str, str]) -> None:
        self.kind = kind
        self._group = group
        self._targets = dict(builtins)
        self._loaded: dict[str, T] = {}
        # Read on first use, not on import: a plugin may import this package.
        self._entry_points_read = False

    def names(self) -> list[str]:
        """All names, built-ins first."""
        self._read_entry_points()
        return [*self._targets, *(name for name in self._loaded if name not in self._targets)]

    def register(self, name: str, thing: T) -> None:
        """Enter *thing*, already made, under *name*."""
        self._loaded[name] = thing

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __getitem__(self, name: str) -> T:
        """The thing called *name*, imported now if need be. Raises NotFound with the nearest known name."""
        if name not in self._loaded:
            # What distributions add is read only for names that are not built in: it takes a while.
            if name not in self._targets and name not in self.names():
                raise NotFound(self.kind, name, known=self.names())
            self._loaded[name] = _load(self._targets[name])
        return self._loaded[name]

    def _read_entry_points(self) -> None:
        if self._entry_points_read:
            return
        self._entry_points_read = True
        for point in entry_points(group=self._group):
            self._targets.setdefault(point.name, point.value)


def _load(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
