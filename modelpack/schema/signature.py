"""What a model takes and gives, as a value and as the JSON that MLflow writes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from modelpack.errors import InvalidSchema, shorten
from modelpack.schema.columns import ColumnSpec
from modelpack.schema.params import ParamSpec
from modelpack.schema.tensors import TensorSpec

Specs: TypeAlias = tuple[ColumnSpec | TensorSpec, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns, or the tensors, of a model's input or output.

    Raises InvalidSchema for none at all, columns beside tensors, named beside unnamed ones, two of one name,
    several unnamed tensors, and an unnamed column that is not required.
    """

    specs: Specs

    def __post_init__(self) -> None:
        object.__setattr__(self, "specs", tuple(self.specs))
        _check(self.specs)

    @property
    def is_tensor(self) -> bool:
        """Whether the specs are tensors."""
        return isinstance(self.specs[0], TensorSpec)

    @property
    def is_named(self) -> bool:
        """Whether the specs bear names; all do, or none."""
        return self.specs[0].name is not None

    @property
    def columns(self) -> tuple[ColumnSpec, ...]:
        """The columns; none for a schema of tensors."""
        return tuple(spec for spec in self.specs if isinstance(spec, ColumnSpec))

    @property
    def tensors(self) -> tuple[TensorSpec, ...]:
        """The tensors; none for a schema of columns."""
        return tuple(spec for spec in self.specs if isinstance(spec, TensorSpec))

    @property
    def names(self) -> list[str | int]:
        """All names, or positions from 0 where there are none."""
        return [place if spec.name is None else spec.name for place, spec in enumerate(self.specs)]

    @property
    def required_names(self) -> list[str | int]:
        """The names of what must be there; a tensor must."""
        optional = {place for place, spec in enumerate(self.columns) if not spec.required}
        return [name for place, name in enumerate(self.names) if place not in optional]

    def to_json(self) -> str:
        """The text that MLflow 3.17 writes, byte for byte."""
        return json.dumps([spec.to_json() for spec in self.specs])

    @classmethod
    def from_json(cls, document: str | Sequence[Any]) -> "Schema":
        """Read the JSON text, or the list in it, of any MLflow since 1.9; raises InvalidSchema."""
        return cls(_read_specs(_list(document, "the schema")))


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """What a model takes and gives. An absent part promises nothing."""

    inputs: Schema | None = None
    outputs: Schema | None = None
    params: tuple[ParamSpec, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "params", tuple(self.params))
        names = [param.name for param in self.params]
        if twice := _twice(names):
            raise InvalidSchema(f"two params are called {shorten(repr(twice), 80)}; name each once")

    def to_dict(self) -> dict[str, str | None]:
        """``inputs``, ``outputs`` and ``params`` as in MLmodel: each a JSON text, or None."""
        return {
            "inputs": self.inputs.to_json() if self.inputs else None,
            "outputs": self.outputs.to_json() if self.outputs else None,
            "params": json.dumps([param.to_json() for param in self.params]) if self.params else None,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any] | str) -> "Signature":
        """Read what ``to_dict`` gives, or the whole as one JSON text; raises InvalidSchema.

        Each part may be a JSON text, the list in it, or absent; an empty list promises nothing.
        """
        if isinstance(document, str):
            document = _parse(document, "the signature")
        if not isinstance(document, Mapping):
            raise InvalidSchema("a signature is an object with inputs, outputs and params")
        parts = {
            name: _list(document.get(name) or [], f"the {name} of the signature")
            for name in ("inputs", "outputs", "params")
        }
        return cls(
            inputs=Schema(_read_specs(parts["inputs"])) if parts["inputs"] else None,
            outputs=Schema(_read_specs(parts["outputs"])) if parts["outputs"] else None,
            params=tuple(ParamSpec.from_json(one) for one in parts["params"]),
        )


def _check(specs: Specs) -> None:
    if not specs:
        raise InvalidSchema("a schema needs at least one column or tensor; for no promise leave it out")
    if not all(isinstance(spec, ColumnSpec | TensorSpec) for spec in specs):
        raise InvalidSchema("a schema holds ColumnSpec or TensorSpec values")
    if len({isinstance(spec, TensorSpec) for spec in specs}) > 1:
        raise InvalidSchema("a schema holds columns or tensors, not both")
    if len({spec.name is None for spec in specs}) > 1:
        raise InvalidSchema("name all columns of a schema, or none")
    if specs[0].name is not None:
        # 0 and "0" are one name: JSON objects have only text for keys.
        if twice := _twice([str(spec.name) for spec in specs]):
            raise InvalidSchema(f"two columns are called {shorten(repr(twice), 80)}; name each once")
    elif isinstance(specs[0], TensorSpec) and len(specs) > 1:
        raise InvalidSchema("several tensors need names")
    elif any(isinstance(spec, ColumnSpec) and not spec.required for spec in specs):
        raise InvalidSchema("a column without a name cannot be optional; name the columns")


def _twice(names: list[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _read_specs(documents: Sequence[Any]) -> Specs:
    for one in documents:
        if not isinstance(one, Mapping):
            raise InvalidSchema(f"a column is an object with a type, not {shorten(repr(one), 60)}")
    try:
        if any(one.get("type") == "tensor" for one in documents):
            if not all(one.get("type") == "tensor" for one in documents):
                raise InvalidSchema("a schema holds columns or tensors, not both")
            return tuple(TensorSpec.from_json(one) for one in documents)
        return tuple(ColumnSpec.from_json(one) for one in documents)
    except RecursionError:
        raise InvalidSchema("the types of the schema are nested too deep") from None


def _list(document: object, what: str) -> Sequence[Any]:
    value = _parse(document, what) if isinstance(document, str) else document
    if not isinstance(value, list | tuple):
        raise InvalidSchema(f"{what} is a list, not {shorten(repr(value), 60)}")
    return value


def _parse(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidSchema(f"{what} is no JSON: {shorten(repr(text), 60)}") from None
