"""Frames given to a model that takes tensors."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from modelpack.errors import SchemaMismatch
from modelpack.schema._arrays import Cells
from modelpack.schema._frames import Frame
from modelpack.schema._tensors import read_tensor, read_tensors
from modelpack.schema.rules import Rules
from modelpack.schema.tensors import TensorSpec


def frame_tensors(frame: Frame, specs: Sequence[TensorSpec], rules: Rules) -> Any:
    """The columns of *frame* as tensors; raises SchemaMismatch.

    One unnamed tensor takes all columns side by side, or the lists in a single column; named tensors take the
    column of their name each. A list may hold a whole element of the tensor, flattened.
    """
    if specs[0].name is not None:
        named = dict(zip(map(str, frame.names), frame.columns, strict=True))
        ready = {spec.name: _column(named[str(spec.name)], spec) for spec in specs if str(spec.name) in named}
        return read_tensors(ready, specs, rules)
    spec = specs[0]
    if len(frame.columns) == 1:
        return read_tensor(_column(frame.columns[0], spec), spec, rules)
    if len(spec.shape) != 2:
        raise SchemaMismatch("tensor", wanted=str(spec), got=f"a frame of {len(frame.columns)} columns")
    flat = TensorSpec(spec.dtype, spec.shape[:1])
    columns = [read_tensor(_values(cells), flat, rules) for cells in frame.columns]
    table = np.stack(columns, axis=1) if columns else np.empty((frame.rows, 0), dtype=spec.dtype)
    return read_tensor(table, spec, Rules("python"))


def _values(cells: Cells) -> Any:
    if isinstance(cells, np.ma.MaskedArray):
        # As a list, None stands for what is masked.
        return cells.tolist()
    return cells if isinstance(cells, np.ndarray) else list(cells)


def _column(cells: Cells, spec: TensorSpec) -> Any:
    """*cells*, with flat lists cut, and plain values wrapped, to the rank of *spec*."""
    inner = spec.shape[1:]
    if len(inner) == 0:
        return _values(cells)
    values = list(_values(cells))
    if not any(isinstance(cell, list | tuple | np.ndarray) for cell in values):
        return [[cell] for cell in values] if inner == (1,) else values
    if len(inner) < 2 or -1 in inner:
        return values
    return [_cut(cell, inner) for cell in values]


def _cut(cell: Any, shape: tuple[int, ...]) -> Any:
    flat = isinstance(cell, list | tuple | np.ndarray) and len(cell) == math.prod(shape)
    if not flat or any(isinstance(one, list | tuple | np.ndarray) for one in cell):
        return cell
    pieces = list(cell)
    for length in reversed(shape[1:]):
        pieces = [pieces[start : start + length] for start in range(0, len(pieces), length)]
    return pieces
