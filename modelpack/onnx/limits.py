"""What a model refuses: found by asking it."""

import numpy as np

from modelpack.onnx.domain import Domain
from modelpack.onnx.native import Native
from modelpack.onnx.probes import Columns
from modelpack.onnx.rows import Rows, repeated

_LADDER = (1e38, 1e36, 1e33, 1e30, 1e25, 1e20, 1e15, 1e10)
"""Magnitudes that are tried, the greatest first; some models overflow inside."""


def discover(rows: Rows, native: Native, method: str, rng: np.random.Generator) -> Domain:
    """Ask *native* which columns it takes missing and infinite values in, and how great numbers may be."""
    base = rows.random(1, rng)

    def takes(columns: Columns) -> bool:
        try:
            native(rows.input(columns), method)
        except Exception:  # noqa: BLE001 - whatever a model raises is its refusal
            return False
        return True

    floats = [ask for ask in rows.asks if ask.is_float]
    able = [ask for ask in rows.asks if ask.is_float or ask.optional]
    missing = [ask.name for ask in able if not takes({**base, ask.name: _missing(base[ask.name])})]
    infinite = [
        ask.name
        for ask in floats
        if not takes({**repeated(base, 2), ask.name: np.array([np.inf, -np.inf], dtype=ask.dtype)})
    ]
    if not infinite:
        return Domain(refuses_missing=tuple(missing))
    limit = _LADDER[-1]
    for bound in _LADDER:
        signs = np.array([bound, -bound])
        if takes({**repeated(base, 2), **{ask.name: signs.astype(ask.dtype) for ask in floats}}):
            limit = bound
            break
    return Domain(limit=limit, refuses_missing=tuple(missing), refuses_infinite=tuple(infinite))


def _missing(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind in "biu":
        return np.ma.MaskedArray(values, mask=True)
    return np.full(len(values), None if values.dtype == object else np.nan, dtype=values.dtype)
