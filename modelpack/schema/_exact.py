"""Conversions between numpy dtypes that keep every value, or say that they cannot."""

from typing import Any

import numpy as np

from modelpack.schema import _moments


def convert(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray | None:
    """*values* as *dtype*, each equal to what it was (NaN and NaT stay); None when one cannot be.

    Booleans, numbers, text, bytes and points in time never turn into one another.
    """
    if values.dtype == dtype:
        return values
    kinds = values.dtype.kind + dtype.kind
    if kinds in ("ii", "iu", "ui", "uu"):
        return _whole(values, dtype)
    if kinds in ("if", "uf"):
        return _real_of_whole(values, dtype)
    if kinds in ("fi", "fu"):
        return _whole_of_real(values, dtype)
    if kinds in ("ff", "fc", "cc"):
        return _real(values, dtype)
    if kinds == "MM":
        return _moment(values, dtype)
    return values if kinds in ("UU", "SS") else None


def _whole(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray | None:
    return values.astype(dtype) if _fits(values, dtype) else None


def _fits(values: np.ndarray, dtype: np.dtype[Any]) -> bool:
    if not values.size:
        return True
    bounds = np.iinfo(dtype)
    # As Python's numbers: int64 and uint64 have no common dtype.
    return int(bounds.min) <= int(values.min()) and int(values.max()) <= int(bounds.max)


def _real_of_whole(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray | None:
    with np.errstate(over="ignore"):
        near = values.astype(dtype)
    if not values.size:
        return near
    holds = 2 ** (np.finfo(dtype).nmant + 1)
    if -holds <= int(values.min()) and int(values.max()) <= holds:
        return near
    big = (values > holds) | (values < -holds) if values.dtype.kind == "i" else values > holds
    pairs = zip(values[big].tolist(), near[big], strict=True)
    return near if all(np.isfinite(real) and int(real) == whole for whole, real in pairs) else None


def _whole_of_real(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray | None:
    if not values.size:
        return values.astype(dtype)
    if not bool(np.isfinite(values).all()) or not bool((np.floor(values) == values).all()):
        return None
    return values.astype(dtype) if _fits(values, dtype) else None


def _real(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray | None:
    with np.errstate(over="ignore", under="ignore"):
        near = values.astype(dtype)
    same = (near == values) | (np.isnan(near) & np.isnan(values))
    return near if bool(same.all()) else None


def _moment(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray | None:
    if dtype == np.dtype("datetime64[ns]"):
        return _moments.from_numpy(values)
    fine = _moments.from_numpy(values)
    near = values.astype(dtype)
    # By way of nanoseconds, whose range is checked: numpy itself wraps in silence.
    again = None if fine is None else _moments.from_numpy(near)
    same = fine is not None and again is not None and bool(((fine == again) | np.isnat(fine)).all())
    return near if same else None
