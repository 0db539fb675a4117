"""What pandas hands over, as arrays and lists; pandas itself is never loaded here."""

from typing import Any

import numpy as np


def is_pandas(value: object, name: str) -> bool:
    """Whether *value* is pandas' *name* (``DataFrame``, …) or made from it, without loading pandas."""
    return any(
        kind.__name__ == name and kind.__module__.partition(".")[0] == "pandas"
        for kind in type(value).__mro__
    )


def series_cells(series: Any) -> Any:
    """The cells of a Series: an array, a masked one for nullable numbers, a list for objects.

    Points in time with a zone are moved to UTC.
    """
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return series.to_list() if dtype.kind == "O" else series.to_numpy()
    if is_pandas(dtype, "DatetimeTZDtype"):
        return series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    if is_pandas(dtype, "BaseMaskedDtype"):
        missing = series.isna().to_numpy()
        nothing = False if dtype.kind == "b" else 0
        return np.ma.MaskedArray(series.fillna(nothing).to_numpy(dtype=dtype.numpy_dtype), mask=missing)
    if is_pandas(dtype, "SparseDtype"):
        return np.asarray(series)
    return series.astype(object).to_list()


def object_cells(series: Any) -> Any:
    """The dtype of a Series whose dtype says all about its type, else its cells as a list.

    A column of objects is looked through as pandas does: whole numbers and None are a column of doubles.
    """
    if isinstance(series.dtype, np.dtype):
        plain = series.infer_objects() if series.dtype.kind == "O" else series
        return plain.dtype if plain.dtype.kind != "O" else plain.to_list()
    if is_pandas(series.dtype, "DatetimeTZDtype"):
        return np.dtype("datetime64[ns]")
    if is_pandas(series.dtype, "BaseMaskedDtype"):
        return series.dtype.numpy_dtype
    if is_pandas(series.dtype, "SparseDtype"):
        return series.dtype.subtype
    return series.astype(object).to_list()
