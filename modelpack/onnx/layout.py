"""How a Table becomes the inputs of an ONNX model, and its outputs what the native model answers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from modelpack.errors import SchemaMismatch
from modelpack.schema import Table
from modelpack.schema.compile import Numbers

_INPUTS = ("float32", "float64", "str")

MISSING_WORD = "\ufdd0"
"""Stands for missing text in a tensor of strings, which cannot hold none; Unicode keeps it out of text."""


@dataclass(frozen=True, slots=True)
class Block:
    """One input of the graph, rows by *columns*: ``float64``, ``float32`` or, for text, ``str``.

    *columns* are names in a Table, in order; in *optional* ones text may be missing.
    """

    name: str
    dtype: str
    columns: tuple[str | int, ...]
    optional: tuple[str | int, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether it holds text."""
        return self.dtype == "str"


@dataclass(frozen=True, slots=True)
class Output:
    """The output *name* of the graph as the native model answers: in *dtype*, one value a row when *flat*."""

    name: str
    dtype: str
    flat: bool

    def native(self, answer: Any) -> np.ndarray:
        """What the graph answered, in the shape and dtype of the native model."""
        if isinstance(answer, list) and answer and isinstance(answer[0], dict):
            # Maps from class to number (ZipMap), which the runtime sorts by class, as scikit-learn does.
            answer = [list(row.values()) for row in answer]
        array = np.asarray(answer)
        if self.flat and array.ndim > 1:
            array = array.reshape(-1)
        return array if array.dtype == self.dtype else array.astype(self.dtype)


@dataclass(frozen=True, slots=True)
class Layout:
    """The inputs and outputs of a graph. *outputs* is keyed by method: ``predict``, ``predict_proba`` …

    *is_tensor* tells that the model takes one plain array rather than columns.
    """

    blocks: tuple[Block, ...]
    outputs: Mapping[str, Output]
    is_tensor: bool = False

    def feeds(self, data: Table | np.ndarray) -> dict[str, np.ndarray]:
        """*data* as the inputs of the graph. Raises SchemaMismatch for what no tensor can hold."""
        if isinstance(data, Table):
            return {block.name: _block(data, block) for block in self.blocks}
        return {self.blocks[0].name: _array(data, self.blocks[0])}

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "blocks": [
                {**asdict(block), "columns": list(block.columns), "optional": list(block.optional)}
                for block in self.blocks
            ],
            "outputs": {method: asdict(output) for method, output in self.outputs.items()},
            "is_tensor": self.is_tensor,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Layout":
        """What ``to_json`` gave; raises ValueError for dtypes that no graph of ours has."""
        blocks = tuple(
            Block(str(one["name"]), str(one["dtype"]), tuple(one["columns"]), tuple(one["optional"]))
            for one in document["blocks"]
        )
        outputs = {
            str(method): Output(str(one["name"]), str(one["dtype"]), bool(one["flat"]))
            for method, one in document["outputs"].items()
        }
        if not blocks or not all(block.dtype in _INPUTS for block in blocks):
            raise ValueError("inputs of a dtype that is not known")
        if not all(np.dtype(output.dtype).kind in "biufOU" for output in outputs.values()):
            raise ValueError("outputs of a dtype that is not known")
        return cls(blocks, outputs, bool(document["is_tensor"]))


def _block(table: Table, block: Block) -> np.ndarray:
    if block.is_text:
        return _texts(table, block)
    if type(table) is Numbers and table.layout.names == block.columns and block.dtype == "float64":
        return np.ascontiguousarray(table.block)
    # Filled row by row of the memory that the runtime reads, without a copy in between.
    matrix = np.empty((table.rows, len(block.columns)), dtype=block.dtype)
    for place, name in enumerate(block.columns):
        column = table.columns[name]
        if isinstance(column, np.ma.MaskedArray):
            matrix[:, place] = np.ma.filled(column.astype(block.dtype), np.nan)
        else:
            matrix[:, place] = column
    return matrix


def _texts(table: Table, block: Block) -> np.ndarray:
    matrix = np.empty((table.rows, len(block.columns)), dtype=object)
    for place, name in enumerate(block.columns):
        matrix[:, place] = table.columns[name]
    if block.optional:
        matrix[matrix == np.array(None)] = MISSING_WORD
    return matrix


def _array(data: np.ndarray, block: Block) -> np.ndarray:
    if data.ndim != 2 or data.shape[1] != len(block.columns):
        wanted = f"rows of {len(block.columns)} numbers"
        raise SchemaMismatch(wanted=wanted, got=f"an array of the shape {list(data.shape)}")
    return np.ascontiguousarray(data, dtype=block.dtype)
