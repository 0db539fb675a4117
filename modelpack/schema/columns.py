"""One column of a signature."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelpack.schema.dtypes import ColumnType, required_from_json, type_from_json, type_to_json


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """The type and name of a column.

    Without a *name* it is known by its position. A whole number as *name* is what MLflow writes for a frame
    whose columns bear no names. A column that is not *required* may be absent, and its cells may be missing.
    """

    type: ColumnType
    name: str | int | None = None
    required: bool = True

    def to_json(self) -> dict[str, Any]:
        """As MLflow 3.17 writes it, keys in its order."""
        named = {} if self.name is None else {"name": self.name}
        return {**type_to_json(self.type), **named, "required": self.required}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "ColumnSpec":
        """Read what any MLflow since 1.9 has written; raises InvalidSchema."""
        return cls(type_from_json(document), name_from_json(document), required_from_json(document))


def name_from_json(document: Mapping[str, Any]) -> str | int | None:
    """The name of a column or tensor: text, a whole number, or none.

    MLflow writes what a frame had for labels. Labels of other kinds, such as those of several levels, go by
    their text, here and where a frame is read.
    """
    name = document.get("name")
    if name is None or (isinstance(name, str | int) and not isinstance(name, bool)):
        return name
    return str(tuple(name)) if isinstance(name, list) else str(name)
