"""One tensor of a signature."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelpack.errors import InvalidSchema, shorten
from modelpack.schema.columns import name_from_json


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """The dtype, shape and name of a tensor; ``-1`` in *shape* is any length.

    The size of text and bytes dtypes is dropped (``<U5`` is ``str``), as MLflow does. Raises InvalidSchema.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    name: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", unsized(np.dtype(self.dtype)))
        object.__setattr__(self, "shape", _shape(self.shape))

    def to_json(self) -> dict[str, Any]:
        """As MLflow 3.17 writes it, keys in its order."""
        named = {} if self.name is None else {"name": self.name}
        tensor = {"dtype": self.dtype.name, "shape": list(self.shape)}
        return {**named, "type": "tensor", "tensor-spec": tensor}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TensorSpec":
        """Read what any MLflow has written; raises InvalidSchema."""
        tensor = document.get("tensor-spec")
        if not isinstance(tensor, Mapping) or "dtype" not in tensor or "shape" not in tensor:
            raise InvalidSchema("a tensor needs a tensor-spec with dtype and shape")
        name = name_from_json(document)
        return cls(_dtype(tensor["dtype"]), tensor["shape"], None if name is None else str(name))

    def __str__(self) -> str:
        return f"{self.dtype.name} {list(self.shape)}"


def unsized(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """*dtype* in the machine's byte order and, for text and bytes, without a length."""
    if dtype.names is not None or dtype.subdtype is not None or dtype.kind == "V":
        raise InvalidSchema(f"a tensor has one plain dtype, not {shorten(str(dtype), 60)}")
    if dtype.kind in "US":
        return np.dtype(dtype.kind)
    return dtype.newbyteorder("=")


def _dtype(name: object) -> np.dtype[Any]:
    try:
        # A dtype is made from many things; a signature holds its name and nothing else.
        if isinstance(name, str) and 0 < len(name) <= 40:
            return np.dtype(name)
    except (TypeError, ValueError, SyntaxError):
        pass
    raise InvalidSchema(f"no tensor dtype {shorten(repr(name), 60)}; use a name of numpy such as float64")


def _shape(shape: object) -> tuple[int, ...]:
    if isinstance(shape, list | tuple) and len(shape) <= 64:
        sizes = tuple(
            int(size) for size in shape if isinstance(size, int | np.integer) and not isinstance(size, bool)
        )
        if len(sizes) == len(shape) and all(size >= -1 for size in sizes):
            return sizes
    raise InvalidSchema(
        f"the shape of a tensor is a list of lengths, -1 for any, not {shorten(repr(shape), 60)}"
    )
