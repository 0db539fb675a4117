"""A flavor of its own, in a distribution of its own: tables that answer a word with a number."""

import json
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from modelpack.directory import ModelDirectory, layout
from modelpack.errors import InvalidModel
from modelpack.flavors import SaveOptions, one_of
from modelpack.schema import Table
from modelpack.trust import Trust

FILE = "table.json"


class Lookup:
    """Answers each word with the number that *numbers* has for it, or with *other*."""

    def __init__(self, numbers: Mapping[str, float], other: float = 0.0) -> None:
        self.numbers, self.other = dict(numbers), other

    def predict(self, words: Any) -> list[float]:
        """The numbers of the first column of a DataFrame."""
        return [self.numbers.get(word, self.other) for word in words.iloc[:, 0]]


class LookupFlavor:
    """Models as JSON, which nobody has to trust."""

    packages: ClassVar[tuple[str, ...]] = ("modelpack_lookup",)
    loader_module: ClassVar[str] = "modelpack_lookup"

    def save(self, model: Lookup, into: Path, options: SaveOptions) -> dict[str, dict[str, Any]]:
        """Write the table; the only format is ``json``."""
        one_of(options.format or "json", ["json"], "format of the lookup flavor")
        (into / FILE).write_text(json.dumps({"numbers": model.numbers, "other": model.other}))
        served = {
            "loader_module": self.loader_module,
            "data": FILE,
            "python_version": platform.python_version(),
            "env": dict(layout.ENVIRONMENT),
        }
        return {"lookup": {"data": FILE}, "python_function": served}

    def load(self, source: ModelDirectory, trust: Trust) -> Lookup:
        """The table, read."""
        return _read(source.file(FILE))

    def predictor(
        self, model: Lookup, source: ModelDirectory, *, method: str | None = None
    ) -> Callable[[Any, Mapping[str, Any]], Any]:
        """Calls ``predict`` with a DataFrame."""
        one_of(method or "predict", ["predict"], "method")
        return lambda data, params: model.predict(data.frame() if isinstance(data, Table) else data)

    def mentions(self, source: ModelDirectory) -> frozenset[str]:
        """This module, and pandas."""
        return frozenset({"modelpack_lookup", "pandas"})

    def needs(self, source: ModelDirectory) -> tuple[str, ...]:
        """Nothing."""
        return ()


FLAVOR = LookupFlavor()


def _load_pyfunc(path: str) -> Lookup:
    """What MLflow calls, where this module is installed."""
    return _read(Path(path))


def _read(path: Path) -> Lookup:
    try:
        found = json.loads(path.read_bytes())
        return Lookup(found["numbers"], found["other"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidModel(f"{path.name} is no table: {error}") from error
